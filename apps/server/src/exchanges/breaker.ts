export type BreakerState = 'closed' | 'open' | 'half-open'

/** Stops asking an exchange that keeps failing, and lets single requests try it again after a pause. */
export interface Breaker {
  state(): BreakerState
  succeeded(): void
  failed(): void
}

const FAILURES = 5
const SUCCESSES = 2

/** Opens after five failures in a row, tries again after `openMs`, closes after two successes, opens again on a failure. */
export function createBreaker({ openMs, now }: { openMs: number; now: () => number }): Breaker {
  let failures = 0
  let successes = 0
  let openUntil: number | undefined

  const state = (): BreakerState => {
    if (openUntil === undefined) return 'closed'
    return now() < openUntil ? 'open' : 'half-open'
  }
  return {
    state,
    succeeded() {
      failures = 0
      if (state() !== 'half-open' || ++successes < SUCCESSES) return
      openUntil = undefined
    },
    failed() {
      failures++
      if (state() === 'closed' && failures < FAILURES) return
      openUntil = now() + openMs
      successes = 0
    },
  }
}
