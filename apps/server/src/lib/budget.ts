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

/** What became of a wish to spend from a shared budget. */
export interface Taking {
  /** Names the request until it is settled. Absent: it may not leave yet. */
  readonly ticket?: string
  /** When it is worth asking again, ms from now. */
  readonly waitMs: number
  /** Rest of a block that the exchange put on all of us, ms. */
  readonly blockedMs: number
  /** Cost of the last window, of all processes. */
  readonly used: number
  /** How many processes spend from it; at least 1. */
  readonly processes: number
}

/** What one process knows by itself. */
export interface OwnSpending {
  /** Its own count of the last window. */
  readonly used: number
  /** Part of that was spent while the shared budget did not answer. */
  readonly alone: boolean
}

/**
 * A budget that all processes behind one address share. Each call is atomic among them and uses one clock for all.
 * Rejects with `CACHE_UNAVAILABLE`.
 */
export interface SharedBudget {
  /** Takes `weight` if it fits under `cap`. What is dearer than the cap waits for an empty window. */
  take(weight: number, cap: number, own: OwnSpending): Promise<Taking>
  /** Ends a request, with the exchange's own count if it told; that corrects the shared count both ways. */
  settle(ticket: string, reported?: number): Promise<void>
  /** Lets nothing leave for `ms`; never shortens an earlier block. */
  block(ms: number): Promise<void>
}
