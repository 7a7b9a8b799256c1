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

/**
 * The open candle, as far as its closed parts go, from the store; when these move on meanwhile, once more. One that began
 * before the live trades is to be given its beginning anew.
 */
async function remakeOpen(store: Store, lane: Lane, fill: Filled, frames: readonly Timeframe[]): Promise<void> {
  const open = openTime(lane.frame, fill.to - 1)
  const end = nextOpen(lane.frame, open)
  const smaller = frames.filter((frame) => bySize(frame, lane.frame) < 0)
  const partial = lane.partials.find((one) => one.open === open)
  if (partial && fill.from < partial.until) {
    lane.amended = true
    partial.history = undefined
  }
  // The bar of a partial candle holds what came after its beginning.
  const from = partial?.until ?? open
  for (let tries = 0; tries < TRIES && open >= lane.closedTo; tries++) {
    const upTo = Math.min(end, lane.from?.closedTo ?? open)
    if (upTo <= from) return
    const history = await composeHistory(store, fill, { from, to: upTo }, smaller)
    const moved = lane.closedTo > open || Math.min(end, lane.from?.closedTo ?? open) !== upTo
    if (!moved && history.unknown.length === 0) {
      lane.amended = true
      lane.rows.set(barOf(history.candles, open, end), barAt(lane, open))
      return
    }
    if (history.unknown.some(({ to }) => to < upTo - RECORDING_MS)) return
    await sleep(PAUSE_MS)
  }
}
