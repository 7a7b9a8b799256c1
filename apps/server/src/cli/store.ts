import { join } from 'node:path'
import type { Config } from '../config.ts'
import type { DatabaseAddress } from '../databases.ts'
import type { Logger } from '../lib/log.ts'
import { persevere } from '../lib/persevere.ts'
import { dualStore } from '../store/dual.ts'
import { embeddedStore } from '../store/embedded/index.ts'
import { lockStore } from '../store/embedded/lock.ts'
import { mysqlStore } from '../store/mysql/index.ts'
import { postgresStore } from '../store/postgres/index.ts'
import type { MessageStore, Store } from '../store/store.ts'
import type { Part } from './roles.ts'

type Opener = (url: string, log: Logger) => Promise<Store>

const openers: Record<DatabaseAddress['kind'], Opener> = {
  postgres: (url, log) => postgresStore({ url, log }),
  mysql: (url, log) => mysqlStore({ url, log }),
}

/**
 * The store over the databases that are configured: one holds everything; two are both written, and the first is read.
 * `undefined` when there is none. With a signal, one that does not answer yet is waited for until the signal aborts.
 * Rejects as the stores do.
 */
export async function databaseStore(
  databases: readonly DatabaseAddress[],
  log: Logger,
  signal = AbortSignal.abort(),
): Promise<Store | undefined> {
  const opened: Store[] = []
  try {
    for (const { kind, url } of databases)
      opened.push(await persevere(() => openers[kind](url, log), 'opening the store', log, signal))
    return opened.reduceRight<Store | undefined>((rest, one) => (rest ? dualStore(one, rest) : one), undefined)
  } catch (error) {
    await Promise.all(opened.map((store) => store.close()))
    throw error
  }
}

type FileStore = Store & MessageStore

/** Where a process keeps things. */
export interface Stores {
  readonly store: Store
  /** Where the dispatcher keeps messages of other services; absent where nobody dispatches. */
  readonly messages?: MessageStore & Pick<Store, 'ping'>
  close(): Promise<void>
}

/**
 * Opens what the parts of a process need: the databases, else a file in the data folder. Messages go into a file of the
 * dispatcher's own. Rejects as the stores do.
 */
export async function openStores(
  config: Config,
  parts: ReadonlySet<Part>,
  log: Logger,
  signal: AbortSignal,
): Promise<Stores> {
  const dispatches = parts.has('dispatch')
  if (dispatches && parts.size === 1) {
    const file = await embedded(config, 'messages.db', log)
    return { store: file, messages: file, close: file.close }
  }
  const store = (await databaseStore(config.databases, log, signal)) ?? (await embedded(config, 'candlewire.db', log))
  if (!dispatches) return { store, close: store.close }
  try {
    const messages = await embedded(config, 'messages.db', log)
    return { store, messages, close: () => Promise.all([store.close(), messages.close()]).then(() => undefined) }
  } catch (error) {
    await store.close()
    throw error
  }
}

/** One server to a file: a second one is refused. */
async function embedded(config: Config, name: string, log: Logger): Promise<FileStore> {
  const path = join(config.CANDLEWIRE_DATA, name)
  const unlock = await lockStore(path)
  try {
    const file = await embeddedStore({ path, synchronous: config.STORE_SYNCHRONOUS, log })
    return { ...file, close: () => file.close().finally(unlock) }
  } catch (error) {
    unlock()
    throw error
  }
}
