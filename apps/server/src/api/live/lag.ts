import type { Trade } from '../../domain/trade.ts'
import type { Metrics } from '../../lib/metrics.ts'

/** How long trades take until they are written to sockets: for each turn of the event loop, its oldest. */
export function createLag(metrics: Metrics, now: () => number) {
  const send = metrics.latency.labels({ stage: 'send' })
  let oldest: Trade | undefined
  return {
    /** Somebody will get this trade in this turn. */
    note(trade: Trade): void {
      if (!oldest || trade.received < oldest.received) oldest = trade
    },
    /** The turn's messages have been written. */
    sent(): void {
      if (!oldest) return
      const at = now()
      send.observe(Math.max(0, at - oldest.received) / 1_000)
      metrics.endToEnd.observe({ exchange: oldest.exchange }, Math.max(0, at - oldest.time) / 1_000)
      oldest = undefined
    },
  }
}
