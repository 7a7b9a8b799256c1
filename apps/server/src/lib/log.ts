import { type Logger, multistream, pino } from 'pino'
import { rotatingFile } from './rotatingFile.ts'

export type { Logger } from 'pino'

export interface LogSettings {
  readonly level: string
  /** Lines for people rather than JSON; the default on a terminal. */
  readonly pretty: boolean
  /** A file that gets every line as JSON too; it is rotated. */
  readonly file?: string | undefined
}

/**
 * Structured logs on standard error, so that standard output stays free for data, and in a file where one is named.
 * Secrets are never logged. Throws the system's error when the file can't be written.
 */
export function createLog({ level, pretty, file }: LogSettings): Logger {
  const redact = {
    paths: [
      ...['secret', 'key', 'api_secret', 'api_key', 'password'].map((name) => `*.${name}`),
      ...['DATABASE_URL', 'TIMESCALE_PASSWORD', 'databases'].map((name) => `*.${name}`),
      'req.headers.authorization',
    ],
    remove: true,
  }
  const screen = pretty ? prettyScreen() : pino.destination(2)
  if (file === undefined) return pino({ level, redact }, screen)
  // Each stream has a level of its own; the logger's decides.
  const streams = [screen, rotatingFile({ path: file })].map((stream) => ({ level: 'trace' as const, stream }))
  return pino({ level, redact }, multistream(streams))
}

const prettyScreen = () =>
  pino.transport({
    target: 'pino-pretty',
    options: { destination: 2, ignore: 'pid,hostname', translateTime: 'SYS:HH:MM:ss' },
  })

/** A log that says nothing, for tests. */
export const silent: Logger = pino({ level: 'silent' })
