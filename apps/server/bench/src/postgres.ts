import { silent } from '../../src/lib/log.ts'
import { copyContent } from '../../src/store/postgres/binary.ts'
import { FIELDS } from '../../src/store/postgres/candleColumns.ts'
import { openDatabase, type Session } from '../../src/store/postgres/database.ts'
import { postgresStore } from '../../src/store/postgres/index.ts'
import { createDatabases, missingServer } from '../../src/store/postgres/testServer.ts'
import type { Store } from '../../src/store/store.ts'
import { type Figure, type Suite, timedAsync } from './harness.ts'
import { batches, ROWS, SERIES, symbol } from './store.ts'

const PASSES = { passes: 3, warm: 1 }
const READS = 2_000

/** A database of its own for each pass, gone at the end. */
async function withDatabases<R>(work: (fresh: () => Promise<string>) => Promise<R>): Promise<R> {
  const databases = createDatabases()
  try {
    return await work(databases.fresh)
  } finally {
    await databases.drop()
  }
}

const write = async (store: Store, shift: number): Promise<void> => {
  await Promise.all(batches(shift).map((batch) => store.putCandles(batch)))
}

const load = (): Promise<Figure> =>
  withDatabases((fresh) =>
    timedAsync(
      ROWS,
      async () => {
        const store = await postgresStore({ url: await fresh(), log: silent })
        await write(store, 0)
        await store.close()
      },
      PASSES,
    ),
  )

/** Runs `work` on a store that holds the rows, or its changed ones. */
const filled = (work: (store: Store) => Promise<Figure>): Promise<Figure> =>
  withDatabases(async (fresh) => {
    const store = await postgresStore({ url: await fresh(), log: silent })
    await write(store, 0)
    const figure = await work(store)
    await store.close()
    return figure
  })

const upsert = (): Promise<Figure> =>
  filled((store) => {
    let shift = 0
    return timedAsync(ROWS, () => write(store, ++shift), PASSES)
  })

const READ = (series: number) => ({ exchange: 'binance', symbol: symbol(series), timeframe: '1m' })

const lastHundred = (): Promise<Figure> =>
  filled((store) =>
    timedAsync(READS, async () => {
      for (let read = 0; read < READS; read++) await store.candles(READ(read % SERIES), { limit: 100, newest: true })
    }),
  )

const TABLE = `CREATE TABLE plain (series int4, time timestamptz, open float8, high float8, low float8, close float8,
  volume float8, volume_rest float8, quote_volume float8, quote_volume_rest float8, trades int8, revision int8,
  source int2, known_at int8, PRIMARY KEY (series, time))`
const COPY = 'COPY plain FROM STDIN (FORMAT binary)'

/** The rows in the server's own form, made beforehand. */
const contents = (): Buffer[] =>
  batches(0).map((batch) =>
    copyContent(
      FIELDS,
      batch.map((candle) => ({ candle, knownAt: 0, series: Number(candle.symbol.slice(1, -4)) })),
    ),
  )

/** One plain table with the same key, on one connection, nothing around it. */
const plain = (work: (session: Session, input: readonly Buffer[]) => Promise<Figure>): Promise<Figure> =>
  withDatabases(async (fresh) => {
    const database = openDatabase({ url: await fresh(), connections: 1 }, silent)
    const figure = await work(database, contents())
    await database.close()
    return figure
  })

async function copyAll(session: Session, input: readonly Buffer[]): Promise<void> {
  for (const content of input) await session.copy(COPY, content)
}

const copyOnly = (): Promise<Figure> =>
  plain((session, input) =>
    timedAsync(
      ROWS,
      async () => {
        await session.query(`DROP TABLE IF EXISTS plain; ${TABLE}`)
        await copyAll(session, input)
      },
      PASSES,
    ),
  )

const readOnly = (): Promise<Figure> =>
  plain(async (session, input) => {
    await session.query(TABLE)
    await copyAll(session, input)
    return timedAsync(READS, async () => {
      for (let read = 0; read < READS; read++)
        await session.query('SELECT * FROM plain WHERE series = $1 ORDER BY time DESC LIMIT 100', [read % SERIES])
    })
  })

const limit = { name: 'plain binary COPY', role: 'limit', run: copyOnly } as const

export const postgresLoad: Suite = {
  name: 'postgres load',
  unit: 'new candles',
  by: 'perSecond',
  missing: missingServer,
  variants: [{ name: 'candlewire', role: 'ours', run: load }, limit],
}

export const postgresUpsert: Suite = {
  name: 'postgres upsert',
  unit: 'changed candles',
  by: 'perSecond',
  missing: missingServer,
  variants: [{ name: 'candlewire', role: 'ours', run: upsert }, limit],
}

export const postgresRead: Suite = {
  name: 'postgres read',
  unit: 'reads of the last 100',
  by: 'perSecond',
  missing: missingServer,
  variants: [
    { name: 'candlewire', role: 'ours', run: lastHundred },
    { name: 'one table, one query', role: 'limit', run: readOnly },
  ],
}
