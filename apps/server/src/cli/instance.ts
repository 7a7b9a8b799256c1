import { hostname } from 'node:os'
import type { Config } from '../config.ts'

/** The name of this process among all that share the event log: the same after a restart, fit for a folder. */
export const instanceOf = (config: Pick<Config, 'INSTANCE'>, service: string): string =>
  (config.INSTANCE ?? `${service}-${hostname()}`).replaceAll(/[^\w.-]+/g, '-')
