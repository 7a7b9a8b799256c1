import type { Progress } from '../backfill/backfill.ts'
import type { Logger } from '../lib/log.ts'

const EVERY_MS = 2_000

/** Tells how far the filling of history is, at most every two seconds and at the end of each job. */
export function createTicker(log: Logger, now: () => number = Date.now): (progress: Progress) => void {
  let told = 0
  return ({ job, done }) => {
    const ended = job.state !== 'running' && job.state !== 'queued'
    if (!ended && now() - told < EVERY_MS) return
    told = now()
    const percent = Math.floor(done * 100)
    log.info({ candles: job.candlesWritten }, `history of ${job.symbol} ${job.timeframe}: ${job.state}, ${percent} %`)
  }
}
