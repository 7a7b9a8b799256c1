/** How long to wait before trying to connect again. */
export interface Backoff {
  /** Before the first retry, ms. */
  readonly firstMs: number
  /** No wait is longer than this before jitter, ms. */
  readonly maxMs: number
  /** 0.2 spreads each wait by ±20 %, so that clients of a restarted server don't all return in the same instant. */
  readonly jitter: number
}

export const defaultBackoff: Backoff = { firstMs: 3_000, maxMs: 30_000, jitter: 0.2 }

/** The wait before retry number `attempt` (0 is the first), ms. `random` yields [0, 1). */
export function retryDelay(attempt: number, { firstMs, maxMs, jitter }: Backoff, random: () => number): number {
  const base = Math.min(maxMs, firstMs * 2 ** Math.min(attempt, 30))
  return Math.round(base * (1 + jitter * (2 * random() - 1)))
}
