import { readFileSync } from 'node:fs'
import { isIP } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { type BaseOptions, Consumer, type ConsumerOptions, Producer } from '@platformatic/kafka'
import { failure } from '../../lib/failure.ts'

export interface Credentials {
  readonly mechanism: 'PLAIN' | 'SCRAM-SHA-256' | 'SCRAM-SHA-512'
  readonly username: string
  readonly password: string
}

/** How to reach a cluster. */
export interface Connection {
  /** `host:port` of some of the brokers; they name the others. */
  readonly brokers: readonly string[]
  readonly clientId: string
  readonly credentials?: Credentials
  /** TLS, with the system's authorities unless a PEM file names others. */
  readonly tls?: { readonly caFile?: string }
}

/** The first wait before a request is repeated doubles up to the longest; most repeats wait for a marker for 2–5 ms. */
const LONGEST_WAIT_MS = 200
const ATTEMPTS = 8
const REQUEST_TIMEOUT_MS = 10_000

const retryDelay = (_client: object, _operation: string, attempt: number): number =>
  Math.min(2 ** attempt, LONGEST_WAIT_MS)

/** Options that all clients of the library share. Throws `INVALID_SETTING` when the file of authorities can't be read. */
export function clientOptions({ brokers, clientId, credentials, tls }: Connection): BaseOptions {
  return {
    clientId,
    bootstrapBrokers: [...brokers],
    timeout: REQUEST_TIMEOUT_MS,
    retries: ATTEMPTS,
    retryDelay,
    ...(credentials && { sasl: { ...credentials } }),
    ...(tls && tlsOptions(brokers, tls)),
  }
}

const tlsOptions = (brokers: readonly string[], { caFile }: NonNullable<Connection['tls']>) => ({
  tls: caFile === undefined ? {} : { ca: readAuthorities(caFile) },
  // Brokers behind one address are told apart by the name that the client asks for; an address is no name.
  tlsServerName: brokers.every((broker) => isIP(broker.slice(0, broker.lastIndexOf(':'))) === 0),
})

function readAuthorities(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    throw failure('INVALID_SETTING', { name: 'KAFKA_SSL_CA_FILE', reason: `${file} can't be read` }, error)
  }
}

/** A producer whose first transaction ends any that an earlier producer of the same id has left open. */
export const transactionalProducer = (options: BaseOptions, transactionalId: string): Producer =>
  new Producer({
    ...options,
    idempotent: true,
    transactionalId,
    producerId: -1n,
    producerEpoch: -1,
  })

/** What a broker answers to a fetch. */
export type FetchResponse = Awaited<ReturnType<Consumer['fetch']>>

const SESSION_TIMEOUT_MS = 10_000
/** How long the others wait for a member that is alive and does not join; shorter than any request may take. */
const REBALANCE_TIMEOUT_MS = 20_000

/** A member of a group that reads only what is committed, and commits when told to. */
export const groupConsumer = (
  options: BaseOptions,
  groupId: string,
  more: Partial<ConsumerOptions<Buffer, Buffer, Buffer, Buffer>> = {},
): Consumer =>
  new Consumer({
    ...options,
    groupId,
    autocommit: false,
    isolationLevel: 1,
    sessionTimeout: SESSION_TIMEOUT_MS,
    heartbeatInterval: SESSION_TIMEOUT_MS / 5,
    heartbeatStallTimeout: SESSION_TIMEOUT_MS,
    rebalanceTimeout: REBALANCE_TIMEOUT_MS,
    maxWaitTime: 500,
    minBytes: 1,
    ...more,
  })

const CLOSE_MS = 2_000

/** Closes clients, whatever state they are in. One whose broker does not answer is left to itself. */
export async function closeAll(clients: readonly { close(): Promise<void> }[]): Promise<void> {
  const done = new AbortController()
  const closing = Promise.all(clients.map((client) => client.close().catch(() => {})))
  await Promise.race([closing, sleep(CLOSE_MS, undefined, { signal: done.signal, ref: false }).catch(() => {})])
  done.abort()
}
