import type { Candle } from '../domain/candle.ts'
import type { Interval } from '../domain/coverage.ts'
import { nextOpen, type Timeframe } from '../domain/timeframe.ts'
import { compareCandles, type Difference } from './compare.ts'
import type { History } from './history.ts'
import type { KlineRow } from './readers/klines.ts'
import type { Kind } from './reasons.ts'
import type { Reference } from './reference.ts'

/** One figure that differs, and why its candle does. */
interface Shown extends Difference {
  readonly kind: Kind
}

export interface Comparison {
  /** Candles that both sides have, and how many of them say the same. */
  readonly compared: number
  readonly equal: number
  /** Candles of the reference that we lack, and the other way round. */
  readonly missing: number
  readonly extra: number
  /** Rows of the reference outside the time that is compared. */
  readonly outside: number
  /** Candles by why they differ. */
  readonly kinds: ReadonlyMap<Kind, number>
  /** The first `limit` figures. */
  readonly differences: readonly Shown[]
}

interface Options {
  readonly timeframe: Timeframe
  readonly relative: number
  readonly limit: number
  readonly kindOf: (ours: Candle | undefined, theirs: Candle) => Promise<Kind>
}

/** Holds every candle of ours in `range` against the reference's. */
export async function compareAll(
  history: History,
  { batches }: Reference,
  range: Interval,
  { timeframe, relative, limit, kindOf }: Options,
): Promise<Comparison> {
  const counts = { compared: 0, equal: 0, missing: 0, extra: 0, outside: 0 }
  const kinds = new Map<Kind, number>()
  const differences: Shown[] = []
  const note = (kind: Kind, found: readonly Difference[]): void => {
    kinds.set(kind, (kinds.get(kind) ?? 0) + 1)
    const room = Math.max(0, limit - differences.length)
    differences.push(...found.slice(0, room).map((difference) => ({ ...difference, kind })))
  }
  const compareRow = async (row: KlineRow, ours: Candle | undefined): Promise<void> => {
    const found = ours ? compareCandles(ours, row, relative) : [oneSided(row.candle.time, 'missing', 'present')]
    if (ours) counts.compared++
    else counts.missing++
    if (found.length === 0) counts.equal++
    else note(await kindOf(ours, row.candle), found)
  }

  let reached: number | undefined
  for await (const batch of batches) {
    const rows = batch.filter(({ candle: { time } }) => time >= range.from && time < range.to).sort(byTime)
    counts.outside += batch.length - rows.length
    const [first, last] = [rows[0], rows.at(-1)]
    if (!first || !last) continue
    const end = nextOpen(timeframe, last.candle.time)
    const begin = reached !== undefined && reached <= first.candle.time ? reached : first.candle.time
    const ours = await collect(history, { from: begin, to: end })
    for (const row of rows) {
      const candle = ours.get(row.candle.time)
      ours.delete(row.candle.time)
      await compareRow(row, candle)
    }
    for (const { time, source } of ours.values()) {
      if (source === 'filled') continue
      counts.extra++
      note('no_candle', [oneSided(time, 'present', 'missing')])
    }
    reached = Math.max(end, reached ?? end)
  }
  return { ...counts, kinds, differences }
}

const oneSided = (time: number, ours: string, theirs: string): Difference => ({
  time,
  field: 'candle',
  ours,
  theirs,
  difference: '',
})

const byTime = (a: KlineRow, b: KlineRow): number => a.candle.time - b.candle.time

async function collect(history: History, range: Interval): Promise<Map<number, Candle>> {
  const candles = new Map<number, Candle>()
  for await (const page of history.pages(range)) for (const candle of page.candles) candles.set(candle.time, candle)
  return candles
}
