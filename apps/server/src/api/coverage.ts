import type { CoverageNotice } from '@candlewire/protocol'
import type { Gap } from '../bus/bus.ts'
import { bySize, nextOpen, openTime, timeframe } from '../domain/timeframe.ts'
import type { Catalog } from './deps.ts'
import type { Views } from './views.ts'

/**
 * Takes in that what is known of a stretch has changed: flat candles that it touches are void, ready answers are
 * forgotten, and who listens to a series of the market is told, in whole candles of that series.
 */
export function createCoverageNotices(
  { timeframes }: Pick<Catalog, 'timeframes'>,
  { hub, state, cache }: Pick<Views, 'hub' | 'state' | 'cache'>,
) {
  const frames = timeframes.map(timeframe).sort(bySize)
  return (stretch: Gap & { timeframe?: string }, status: CoverageNotice['status']): void => {
    const { exchange, symbol, from, to } = stretch
    const smallest = stretch.timeframe === undefined ? undefined : timeframe(stretch.timeframe)
    if (status === 'unknown') state.withdraw({ exchange, symbol, from, to })
    for (const frame of frames) {
      if (smallest && bySize(frame, smallest) < 0) continue
      const series = { exchange, symbol, timeframe: frame.code }
      const whole = { from: openTime(frame, from), to: nextOpen(frame, openTime(frame, to - 1)) }
      cache.invalidate(series, whole)
      hub.publishCoverage(series, whole, status)
    }
  }
}
