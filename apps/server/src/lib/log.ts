import { type Logger, pino } from 'pino'

export type { Logger } from 'pino'

export interface LogSettings {
  readonly level: string
  /** Lines for people rather than JSON; the default on a terminal. */
  readonly pretty: boolean
}

/** Structured logs on standard error, so that standard output stays free for data. Secrets are never logged. */
export function createLog({ level, pretty }: LogSettings): Logger {
  const redact = {
    paths: [
      ...['secret', 'key', 'api_secret', 'api_key', 'password'].map((name) => `*.${name}`),
      ...['DATABASE_URL', 'TIMESCALE_PASSWORD', 'databases'].map((name) => `*.${name}`),
      'req.headers.authorization',
    ],
    remove: true,
  }
  if (!pretty) return pino({ level, redact }, pino.destination(2))
  const transport = {
    target: 'pino-pretty',
    options: { destination: 2, ignore: 'pid,hostname', translateTime: 'SYS:HH:MM:ss' },
  }
  return pino({ level, redact, transport })
}

/** A log that says nothing, for tests. */
export const silent: Logger = pino({ level: 'silent' })
