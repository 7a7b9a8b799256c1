import { DAY } from '../../domain/timeframe.ts'
import type { Database } from './database.ts'
import type { Layout } from './migrate.ts'
import { timeText } from './time.ts'

/** No exchange is older, ms; what claims to be is kept together with what lies far ahead. */
const OLDEST = Date.UTC(2009, 0, 1)
const AHEAD = 2 * DAY

interface Part {
  readonly suffix: string
  readonly starts: number
  readonly ends: number
}

/**
 * Makes the tables that rows of these times belong into, where they are not there yet: a month each for candles, a day
 * for trades, which are dropped by the day. TimescaleDB does it by itself.
 */
export function createPartitions(database: Database, layout: Layout, now: () => number) {
  const known = new Set<string>()

  async function prepare(parents: readonly string[], partOf: (time: number) => Part, times: Iterable<number>) {
    if (layout === 'timescale') return
    const newest = now() + AHEAD
    let [from, to] = [0, 0]
    for (const time of times) {
      if ((time >= from && time < to) || time < OLDEST || time > newest) continue
      const { suffix, starts, ends } = partOf(time)
      ;[from, to] = [starts, ends]
      for (const parent of parents) await add(parent, { suffix, starts, ends })
    }
  }

  async function add(parent: string, { suffix, starts, ends }: Part): Promise<void> {
    const name = `${parent}_${suffix}`
    if (known.has(name)) return
    const parameters = [parent, suffix, timeText(starts), timeText(ends)]
    await database.query('SELECT candlewire.add_partition($1, $2, $3, $4)', parameters)
    known.add(name)
  }

  return {
    forCandles: (times: Iterable<number>) => prepare(['candles'], monthOf, times),
    forTrades: (times: Iterable<number>) => prepare(['trades', 'named_trades'], dayOf, times),
    /** After tables were dropped. */
    forget: () => known.clear(),
  }
}

function monthOf(time: number): Part {
  const date = new Date(time)
  const [year, month] = [date.getUTCFullYear(), date.getUTCMonth()]
  const starts = Date.UTC(year, month)
  return { suffix: timeText(starts).slice(0, 7).replace('-', ''), starts, ends: Date.UTC(year, month + 1) }
}

function dayOf(time: number): Part {
  const starts = Math.floor(time / DAY) * DAY
  return { suffix: timeText(starts).slice(0, 10).replaceAll('-', ''), starts, ends: starts + DAY }
}
