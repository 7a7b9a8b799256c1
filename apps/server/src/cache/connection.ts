import { createClient } from 'redis'
import { failure } from '../lib/failure.ts'
import type { Logger } from '../lib/log.ts'
import type { CacheStatus } from './cache.ts'

export interface ConnectionSettings {
  /** `redis://…` or `rediss://…` */
  readonly url: string
  /** How long a command may take, ms. */
  readonly commandMs?: number
  /** Longest pause between two attempts to connect, ms. */
  readonly retryMs?: number
  readonly log: Logger
}

type Client = ReturnType<typeof makeClient>

/** A connection that is always being kept up. */
export interface Connection {
  /** Rejects with `CACHE_UNAVAILABLE`, at once while it is known that nobody answers. */
  run<T>(work: (client: Client) => Promise<T>): Promise<T>
  status(): CacheStatus
  close(): Promise<void>
}

/** A server that owes an answer for so long gets a new connection, ms. */
const RENEW_MS = 5_000
/** Commands that may wait for answers; bounds the memory of a server that hangs. */
const MAX_COMMANDS = 10_000

/** Opens a connection to Redis; it need not be there yet. */
export function openConnection({ url, commandMs = 1_000, retryMs = 2_000, log }: ConnectionSettings): Connection {
  let lastError: string | undefined
  let latencyMs: number | undefined
  let closed = false
  /** Commands that were given up on; until one of them settles, the server is taken to hang. */
  let owed = 0
  let owedSince = 0
  /** Until the first attempt to connect has come to something. */
  const begun = Promise.withResolvers<void>()
  let client = connect()

  function connect(): Client {
    const made = makeClient(url, retryMs)
    owed = 0
    made.on('error', (error: unknown) => {
      const reason = reasonOf(error)
      if (lastError === undefined) log.warn({ reason }, 'Redis does not answer; it is tried again')
      lastError = reason
      begun.resolve()
    })
    made.on('ready', () => {
      if (lastError !== undefined) log.info('Redis answers again')
      lastError = undefined
      begun.resolve()
    })
    // What goes wrong is told by the event, and tried again.
    made.connect().catch(() => {})
    return made
  }

  const unavailable = (reason: string, cause?: unknown) => failure('CACHE_UNAVAILABLE', { reason }, cause)

  function renew(): void {
    log.warn('Redis has owed an answer for long: a new connection')
    client.destroy()
    client = connect()
  }

  return {
    async run(work) {
      if (closed) throw unavailable('it is closed')
      await begun.promise
      if (owed > 0 && performance.now() - owedSince > RENEW_MS) renew()
      if (owed > 0) throw unavailable('it hangs')
      if (!client.isReady) throw unavailable(lastError ?? 'not connected yet')
      const asked = client
      const started = performance.now()
      const { promise: late, reject } = Promise.withResolvers<never>()
      let givenUp = false
      const timer = setTimeout(() => {
        givenUp = true
        if (owed++ === 0) owedSince = performance.now()
        reject(unavailable(`no answer within ${commandMs} ms`))
      }, commandMs)
      const answer = work(asked).finally(() => {
        if (givenUp && asked === client) owed = Math.max(0, owed - 1)
      })
      // When it was given up on, nobody waits for it any more.
      answer.catch(() => {})
      try {
        const result = await Promise.race([answer, late])
        latencyMs = performance.now() - started
        lastError = undefined
        return result
      } catch (error) {
        lastError = reasonOf(error)
        throw error instanceof Error && 'code' in error && error.code === 'CACHE_UNAVAILABLE'
          ? error
          : unavailable(lastError, error)
      } finally {
        clearTimeout(timer)
      }
    },
    status: () => ({
      connected: client.isReady && owed === 0,
      ...(latencyMs !== undefined && { latencyMs }),
      ...(lastError !== undefined && { lastError }),
    }),
    async close() {
      closed = true
      if (client.isReady && owed === 0) await client.close()
      else client.destroy()
    },
  }
}

function makeClient(url: string, retryMs: number) {
  return createClient({
    url,
    // The oldest protocol: every server and proxy speaks it.
    RESP: 2,
    disableOfflineQueue: true,
    commandsQueueMaxLength: MAX_COMMANDS,
    socket: { connectTimeout: 5_000, reconnectStrategy: (tries) => Math.min(50 * 2 ** tries, retryMs) },
  })
}

const reasonOf = (error: unknown): string => {
  if (error instanceof AggregateError) return reasonOf(error.errors[0])
  return error instanceof Error ? error.message : String(error)
}
