export interface Budget {
  /** Cost of the last window, ours and, where the exchange tells, of others behind the same address. */
  used(): number
  /**
   * ms until `weight` fits under `cap`; 0 for now, Infinity when a request under way must end first.
   * Something dearer than the whole cap waits for an empty window.
   */
  waitFor(weight: number, cap: number): number
  /** Counts a request that leaves now. Call `settle` once when it has ended, with the exchange's own count if it told. */
  take(weight: number): { settle(reported?: number): void }
}

/**
 * Exchanges count cost in windows of their own clock (Binance: calendar minutes). We keep what ended in the last
 * `windowMs` and what is under way: wherever the exchange's window lies, it lies inside that, so no clock needs to
 * agree with another. The exchange's own count then corrects ours both ways: up, when others spend too; down, when its
 * window began anew.
 */
export function createBudget({ windowMs, now }: { windowMs: number; now: () => number }): Budget {
  const ended: { readonly at: number; weight: number }[] = []
  let sum = 0
  let underway = 0
  let endedEver = 0
  let sent = 0
  let corrected = 0

  function expire(): void {
    const before = now() - windowMs
    while (ended.length > 0 && ended[0]!.at <= before) sum -= ended.shift()!.weight
  }

  function add(weight: number): void {
    ended.push({ at: now(), weight })
    sum += weight
  }

  function remove(weight: number): void {
    let left = weight
    while (left > 0) {
      const oldest = ended[0]!
      const cut = Math.min(oldest.weight, left)
      oldest.weight -= cut
      sum -= cut
      left -= cut
      if (oldest.weight === 0) ended.shift()
    }
  }

  return {
    used() {
      expire()
      return sum + underway
    },
    waitFor(weight, cap) {
      expire()
      let left = sum + underway
      let free = now()
      for (const { at, weight: part } of ended) {
        if (left + weight <= cap) break
        left -= part
        free = at + windowMs
      }
      return left === 0 || left + weight <= cap ? free - now() : Number.POSITIVE_INFINITY
    },
    take(weight) {
      const order = ++sent
      const endedBefore = endedEver
      underway += weight
      return {
        settle(reported) {
          const beside = endedEver - endedBefore
          endedEver += weight
          underway -= weight
          expire()
          add(weight)
          // An answer that was overtaken may tell the count of a window that has ended.
          if (reported === undefined || order < corrected) return
          corrected = order
          if (reported > sum) add(reported - sum)
          // Requests that ended beside this one may have come to the exchange after it counted.
          else remove(sum - reported - beside)
        },
      }
    },
  }
}
