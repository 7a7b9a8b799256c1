const BUCKET_MS = 30_000
/** A trade that is reported far too late is an exception, not the exchange's pace. */
const MOST_MS = 2_000

/** How late trades reach us, by their own stamps: the worst of the last 30 to 60 s, at most 2 s. Times in ms. */
export function createLag() {
  let since = 0
  let worst = 0
  let before = 0
  return {
    seen(lag: number, now: number): void {
      if (now - since >= BUCKET_MS) {
        before = worst
        worst = 0
        since = now
      }
      if (lag > worst) worst = Math.min(lag, MOST_MS)
    },
    worst: (): number => Math.max(worst, before),
  }
}

export type Lag = ReturnType<typeof createLag>
