/** What was spent and when, ms. */
interface Spent {
  readonly at: number
  weight: number
}

export interface Budget {
  /** Cost of the last window, ours and, where the exchange tells, of others behind the same address. */
  used(): number
  /** ms until `weight` fits under `cap`; 0 for now. Something dearer than the whole cap waits for an empty window. */
  waitFor(weight: number, cap: number): number
  /** Counts a request that leaves now. Call `settle` once when it has ended, with the exchange's own count if it told. */
  take(weight: number): { settle(reported?: number): void }
}

/**
 * Exchanges count cost in windows of their own clock (Binance: calendar minutes). We keep what we spent in the last
 * `windowMs`: wherever the exchange's window lies, it lies inside that, so no clock needs to agree with another.
 * The exchange's own count then corrects ours both ways: up, when others spend too; down, when its window began anew.
 */
export function createBudget({ windowMs, now }: { windowMs: number; now: () => number }): Budget {
  const spent: Spent[] = []
  let sum = 0
  let inFlight = 0
  let sent = 0
  let corrected = 0

  function expire(): void {
    const before = now() - windowMs
    while (spent.length > 0 && spent[0]!.at <= before) sum -= spent.shift()!.weight
  }

  function correct(target: number): void {
    expire()
    if (sum < target) {
      spent.push({ at: now(), weight: target - sum })
      sum = target
    }
    while (sum > target) {
      const oldest = spent[0]!
      const cut = Math.min(oldest.weight, sum - target)
      oldest.weight -= cut
      sum -= cut
      if (oldest.weight === 0) spent.shift()
    }
  }

  return {
    used() {
      expire()
      return sum
    },
    waitFor(weight, cap) {
      expire()
      let left = sum
      let free = now()
      for (const { at, weight: part } of spent) {
        if (left + weight <= cap) break
        left -= part
        free = at + windowMs
      }
      return free - now()
    },
    take(weight) {
      expire()
      spent.push({ at: now(), weight })
      sum += weight
      inFlight += weight
      const order = ++sent
      return {
        settle(reported) {
          inFlight -= weight
          // An answer that was overtaken may tell the count of a window that has ended.
          if (reported === undefined || order < corrected) return
          corrected = order
          correct(reported + inFlight)
        },
      }
    },
  }
}
