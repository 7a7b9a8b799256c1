import { hostname } from 'node:os'
import { type Logger, type LoggerOptions, multistream, pino } from 'pino'
import { isFailure } from './failure.ts'
import { rotatingFile } from './rotatingFile.ts'

export type { Logger } from 'pino'

export interface LogSettings {
  readonly level: string
  /** Lines for people rather than JSON; the default on a terminal. */
  readonly pretty: boolean
  /** A file that gets every line as JSON too; it is rotated. */
  readonly file?: string | undefined
  /** The part of the system that the process is, on every line. */
  readonly service?: string
  /** Told of each warning and error: the role that logs it, and the failure's code or the level. */
  readonly count?: (stage: string, kind: string) => void
}

/** pino's number of the first level that counts as trouble. */
const WARN = 40

/**
 * Structured logs on standard error, so that standard output stays free for data, and in a file where one is named.
 * Secrets are never logged. Throws the system's error when the file can't be written.
 */
export function createLog({ level, pretty, file, service, count }: LogSettings): Logger {
  const redact = {
    paths: [
      ...['secret', 'key', 'api_secret', 'api_key', 'password'].map((name) => `*.${name}`),
      ...['DATABASE_URL', 'TIMESCALE_PASSWORD', 'databases'].map((name) => `*.${name}`),
      'req.headers.authorization',
    ],
    remove: true,
  }
  const settings: LoggerOptions = {
    level,
    redact,
    ...(service !== undefined && { base: { pid: process.pid, hostname: hostname(), service } }),
    ...(count && { hooks: { logMethod: counting(count) } }),
  }
  const screen = pretty ? prettyScreen() : pino.destination(2)
  if (file === undefined) return pino(settings, screen)
  // Each stream has a level of its own; the logger's decides.
  const streams = [screen, rotatingFile({ path: file })].map((stream) => ({ level: 'trace' as const, stream }))
  return pino(settings, multistream(streams))
}

const counting = (count: NonNullable<LogSettings['count']>): NonNullable<LoggerOptions['hooks']>['logMethod'] =>
  function (args, method, level) {
    if (level >= WARN)
      count(text(this.bindings().role) ?? 'process', kindOf(args[0]) ?? (level > WARN ? 'error' : 'warn'))
    method.apply(this, args)
  }

const text = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined)

function kindOf(first: unknown): string | undefined {
  const error: unknown = typeof first === 'object' && first !== null ? Reflect.get(first, 'err') : undefined
  return isFailure(error) ? error.code : undefined
}

const prettyScreen = () =>
  pino.transport({
    target: 'pino-pretty',
    options: { destination: 2, ignore: 'pid,hostname', translateTime: 'SYS:HH:MM:ss' },
  })

/** A log that says nothing, for tests. */
export const silent: Logger = pino({ level: 'silent' })
