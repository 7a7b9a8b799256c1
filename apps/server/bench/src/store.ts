import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { Candle } from '../../src/domain/candle.ts'
import { silent } from '../../src/lib/log.ts'
import { embeddedStore } from '../../src/store/embedded/index.ts'
import { type Figure, type Suite, timedAsync } from './harness.ts'

export const SERIES = 500
const MINUTES = 1_000
export const ROWS = SERIES * MINUTES
const BATCH = 5_000
const FIRST = 1_759_316_400_000
const MINUTE = 60_000

const file = () => join(mkdtempSync(join(tmpdir(), 'candlewire-bench-')), 'b.db')

export const symbol = (series: number) => `S${series}USDT`

/** Minute by minute over all series, as live candles arrive. `shift` makes other values of the same keys. */
export function batches(shift: number): Candle[][] {
  const rows = Array.from({ length: ROWS }, (_, index): Candle => {
    const base = 100 + (index % 977) + shift
    return {
      exchange: 'binance',
      symbol: symbol(index % SERIES),
      timeframe: '1m',
      time: FIRST + Math.floor(index / SERIES) * MINUTE,
      open: base,
      high: base + 2.5,
      low: base - 1.25,
      close: base + 1,
      volume: 12.345 + (index % 89),
      volumeRest: 0,
      quoteVolume: 1234.5 + (index % 83),
      quoteVolumeRest: 0,
      trades: index % 500,
      closed: true,
      revision: 0,
      source: 'trades',
    }
  })
  return Array.from({ length: ROWS / BATCH }, (_, index) => rows.slice(index * BATCH, (index + 1) * BATCH))
}

async function filled() {
  const store = await embeddedStore({ path: file(), log: silent })
  for (const batch of batches(0)) await store.putCandles(batch)
  return store
}

async function load(): Promise<Figure> {
  const input = batches(0)
  return timedAsync(
    ROWS,
    async () => {
      const store = await embeddedStore({ path: file(), log: silent })
      await Promise.all(input.map((batch) => store.putCandles(batch)))
      await store.close()
    },
    { passes: 3, warm: 1 },
  )
}

async function upsert(): Promise<Figure> {
  const store = await filled()
  let shift = 0
  const inputs = [1, 2, 3, 4].map(batches)
  return timedAsync(
    ROWS,
    async () => {
      await Promise.all(inputs[shift++ % inputs.length]!.map((batch) => store.putCandles(batch)))
    },
    { passes: 3, warm: 1 },
  )
}

const READS = 2_000

async function lastHundred(): Promise<Figure> {
  const store = await filled()
  return timedAsync(READS, async () => {
    for (let read = 0; read < READS; read++) {
      const series = { exchange: 'binance', symbol: symbol(read % SERIES), timeframe: '1m' }
      await store.candles(series, { limit: 100, newest: true })
    }
  })
}

const KEY = 2 ** 33
const COLUMNS = 'id, open, high, low, close, volume, volume_rest, quote, quote_rest, trades, revision, source'
const ROWS_A_STATEMENT = 50

/** The engine alone: the same rows and key, bound in this thread, nothing around it. */
function engine() {
  const database = new DatabaseSync(file())
  database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA cache_size = -131072')
  database.exec(
    'CREATE TABLE candle (id INTEGER PRIMARY KEY, open REAL, high REAL, low REAL, close REAL, volume REAL, volume_rest REAL, quote REAL, quote_rest REAL, trades INTEGER, revision INTEGER, source INTEGER) STRICT',
  )
  const values = Array.from({ length: ROWS_A_STATEMENT }, () => '(?,?,?,?,?,?,?,?,?,?,?,?)').join(',')
  const put = database.prepare(
    `INSERT INTO candle (${COLUMNS}) VALUES ${values} ON CONFLICT (id) DO UPDATE SET open = excluded.open, high = excluded.high, low = excluded.low, close = excluded.close, volume = excluded.volume, quote = excluded.quote, trades = excluded.trades, revision = excluded.revision WHERE open <> excluded.open OR close <> excluded.close OR volume <> excluded.volume`,
  )
  const write = (input: Candle[][]) => {
    for (const batch of input) {
      database.exec('BEGIN')
      for (let at = 0; at < batch.length; at += ROWS_A_STATEMENT) {
        const row = (c: Candle) => [
          Number(c.symbol.slice(1, -4)) * KEY + c.time / 1000,
          ...[c.open, c.high, c.low, c.close, c.volume, 0, c.quoteVolume, 0, c.trades, 0, 0],
        ]
        put.run(...batch.slice(at, at + ROWS_A_STATEMENT).flatMap(row))
      }
      database.exec('COMMIT')
    }
  }
  return { database, write }
}

export const storeLoad: Suite = {
  name: 'store load',
  unit: 'new candles',
  by: 'perSecond',
  variants: [
    { name: 'candlewire', role: 'ours', run: load },
    {
      name: 'the engine alone',
      role: 'limit',
      run: () => {
        const input = batches(0)
        return timedAsync(ROWS, async () => engine().write(input), { passes: 3, warm: 1 })
      },
    },
  ],
}

export const storeUpsert: Suite = {
  name: 'store upsert',
  unit: 'changed candles',
  by: 'perSecond',
  variants: [
    { name: 'candlewire', role: 'ours', run: upsert },
    {
      name: 'the engine alone',
      role: 'limit',
      run: () => {
        const { write } = engine()
        write(batches(0))
        const inputs = [1, 2, 3, 4].map(batches)
        let pass = 0
        return timedAsync(ROWS, async () => write(inputs[pass++ % inputs.length]!), { passes: 3, warm: 1 })
      },
    },
  ],
}

export const storeRead: Suite = {
  name: 'store read',
  unit: 'reads of the last 100',
  by: 'perSecond',
  variants: [
    { name: 'candlewire', role: 'ours', run: lastHundred },
    {
      name: 'the engine alone',
      role: 'limit',
      run: () => {
        const { database, write } = engine()
        write(batches(0))
        const get = database.prepare(
          `SELECT ${COLUMNS} FROM candle WHERE id BETWEEN ? AND ? ORDER BY id DESC LIMIT 100`,
        )
        return timedAsync(READS, async () => {
          for (let read = 0; read < READS; read++) {
            const from = (read % SERIES) * KEY
            get.all(from, from + KEY - 1)
          }
        })
      },
    },
  ],
}
