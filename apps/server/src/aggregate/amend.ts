import { setTimeout as sleep } from 'node:timers/promises'
import type { Filled } from '../bus/bus.ts'
import { clearBar, FIRST, LAST, setCandle } from '../domain/bar.ts'
import type { Candle } from '../domain/candle.ts'
import { bySize, nextOpen, openTime, type Timeframe, timeframe } from '../domain/timeframe.ts'
import type { Store } from '../store/store.ts'
import type { Aggregator } from './aggregator.ts'
import { composeHistory } from './history.ts'
import { barAt, barOf, findBar, type Lane } from './lane.ts'
import { rebuild } from './rebuild.ts'

const TRIES = 5
const PAUSE_MS = 200
/** The recorder may be this much behind, ms: what was unknown before stays so for now. */
const RECORDING_MS = 5_000

/**
 * Stored candles were corrected: takes them over into memory, and makes every larger candle that holds them anew, the
 * closed ones as revisions in the store, the open ones in memory. Answers the revisions, smallest timeframe first.
 */
export async function amend(
  store: Store,
  aggregator: Aggregator,
  fill: Filled,
  frames: readonly Timeframe[],
): Promise<Candle[]> {
  const { exchange, symbol, from, to } = fill
  const market = { exchange, symbol }
  const corrected = timeframe(fill.timeframe)
  const revised: Candle[] = []
  for (const lane of aggregator.lanes(market)) {
    const { frame } = lane
    lane.amended = true
    if (bySize(frame, corrected) > 0) {
      revised.push(...(await rebuild(store, market, frame, { from, to }, lane.closedTo, frames)))
      if (lane.from && from < lane.from.closedTo) await remakeOpen(store, lane, fill, frames)
    }
    const first = openTime(frame, from)
    for (const candle of await store.candles({ ...market, timeframe: frame.code }, { from: first, to: to - 1 }))
      takeOver(lane, candle)
  }
  return revised
}

/** A closed candle that is still in memory becomes the stored one; which trades it began and ended with is kept. */
export function takeOver(lane: Lane, candle: Candle): void {
  const at = findBar(lane, candle.time)
  if (candle.time >= lane.closedTo) return
  lane.amended = true
  const { rows } = lane
  const partial = lane.partials.find(({ open }) => open === candle.time)
  if (partial) {
    // What is in the stored candle must not be in the live part as well.
    if (!partial.history) return
    partial.history = barOf([candle], partial.open, partial.end)
    if (at >= 0) clearBar(rows, at, partial.open, partial.end)
    return
  }
  if (at < 0) return
  const [first, last] = [rows[at + FIRST]!, rows[at + LAST]!]
  setCandle(rows, at, candle)
  rows[at + FIRST] = first
  rows[at + LAST] = last
}

/** The open candle, as far as its closed parts go, from the store; when these move on meanwhile, once more. */
async function remakeOpen(store: Store, lane: Lane, fill: Filled, frames: readonly Timeframe[]): Promise<void> {
  const open = openTime(lane.frame, fill.to - 1)
  const end = nextOpen(lane.frame, open)
  const smaller = frames.filter((frame) => bySize(frame, lane.frame) < 0)
  for (let tries = 0; tries < TRIES && open >= lane.closedTo; tries++) {
    const upTo = Math.min(end, lane.from?.closedTo ?? open)
    const history = await composeHistory(store, fill, { from: open, to: upTo }, smaller)
    const moved = lane.closedTo > open || Math.min(end, lane.from?.closedTo ?? open) !== upTo
    if (!moved && history.unknown.length === 0) return put(lane, barOf(history.candles, open, end), open, end)
    if (history.unknown.some(({ to }) => to < upTo - RECORDING_MS)) return
    await sleep(PAUSE_MS)
  }
}

function put(lane: Lane, bar: Float64Array, open: number, end: number): void {
  const partial = lane.partials.find((one) => one.open === open)
  // It waits for its beginning, which it will get from the corrected store.
  if (partial && !partial.history) return
  const at = barAt(lane, open)
  if (partial) {
    partial.history = bar
    clearBar(lane.rows, at, open, end)
  } else lane.rows.set(bar, at)
}
