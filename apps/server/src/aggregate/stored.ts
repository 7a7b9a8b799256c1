import { type Candle, contradict } from '../domain/candle.ts'
import type { Store } from '../store/store.ts'
import type { Aggregator } from './aggregator.ts'
import { takeOver } from './amend.ts'
import { setRevision } from './lane.ts'

/**
 * Closed candles of which an earlier process may have stored some: those that it stored alike are left out, those that
 * differ become revisions. A stored one that counts more trades than were seen was repaired from the exchange: it stays,
 * and is taken over into memory.
 */
export async function againstStored(
  store: Pick<Store, 'candles'>,
  aggregator: Aggregator,
  candles: readonly Candle[],
): Promise<Candle[]> {
  const news: Candle[] = []
  for (const candle of candles) {
    const lane = aggregator.lanes(candle).find(({ frame }) => frame.code === candle.timeframe)
    const stored =
      lane && candle.time <= lane.storedTo
        ? (await store.candles(candle, { from: candle.time, to: candle.time }))[0]
        : undefined
    if (!lane || !stored) news.push(candle)
    else if (stored.trades > candle.trades || candle.source === 'filled') takeOver(lane, stored)
    else if (contradict(stored, candle)) {
      const revision = Math.max(candle.revision, stored.revision + 1)
      setRevision(lane, candle.time, revision)
      news.push({ ...candle, revision })
    } else setRevision(lane, candle.time, Math.max(candle.revision, stored.revision))
  }
  return news
}
