import type { Budget, SharedBudget, Taking } from '../lib/budget.ts'
import { isFailure } from '../lib/failure.ts'
import type { Logger } from '../lib/log.ts'

/** A request that may leave. `settle` must be called once when it has ended. */
export interface Granted {
  settle(reported?: number): void
}

export interface ShareAnswer {
  /** Absent: it may not leave yet. */
  readonly granted?: Granted
  readonly waitMs: number
  /** What the exchange told one of the other processes, our clock, ms. */
  readonly blockedUntil: number
}

/** This process's part in a budget that several share. */
export interface Share {
  take(weight: number, cap: number): Promise<ShareAnswer>
  block(until: number): void
  /** Cost of the last window of all, as last heard; 0 once that is older than a window. */
  used(): number
}

interface Settings {
  readonly exchange: string
  readonly shared: SharedBudget
  /** What this process counts by itself. */
  readonly budget: Budget
  readonly windowMs: number
  readonly now: () => number
  readonly log: Logger
}

/** How many processes there are at least, as far as one knows that can't see the others. */
const FEWEST = 2
/** A settled request that nobody holds in the shared budget. */
const ALONE: Granted = { settle: () => {} }

/** For so many windows after the shared budget answers again the others may not have noticed yet. */
const HELD_WINDOWS = 2

/**
 * Takes from the shared budget. While that does not answer, and for a while after, this process keeps to its part of
 * the budget, an equal one for each process last seen. Where there were others it first waits for a window: nobody can
 * tell what they have just spent. So all that lost sight of it stay below the cap together; they go slower.
 */
export function createShare({ exchange, shared, budget, windowMs, now, log }: Settings): Share {
  let last: (Taking & { at: number }) | undefined
  let alone = false
  let heldUntil = 0

  const usedByAll = () => (last && now() - last.at < windowMs ? last.used : 0)

  const partOf = (cap: number) => Math.floor(cap / Math.max(FEWEST, last?.processes ?? 0))

  function leaveShared(error: unknown, cap: number): void {
    if (alone) return
    alone = true
    log.warn({ exchange, err: error }, 'the shared request budget does not answer: going on with a part of it')
    if (last && last.processes > 1) budget.take(partOf(cap)).settle()
  }

  function waitForPart(weight: number, cap: number): number {
    const wait = budget.waitFor(weight, partOf(cap))
    return Number.isFinite(wait) ? wait : Math.min(100, windowMs / 20)
  }

  function takeAlone(weight: number, cap: number): ShareAnswer {
    const waitMs = waitForPart(weight, cap)
    return { ...(waitMs === 0 && { granted: ALONE }), waitMs, blockedUntil: 0 }
  }

  function answersAgain(): void {
    if (!alone) return
    alone = false
    heldUntil = now() + HELD_WINDOWS * windowMs
    log.info({ exchange }, 'the shared request budget answers again')
  }

  const settleOf = (ticket: string): Granted => ({
    settle(reported) {
      // When it is not heard, the budget counts the request as ended a little later.
      shared.settle(ticket, reported).catch(giveUp('settle'))
    },
  })
  const giveUp = (what: string) => (error: unknown) => {
    if (!isFailure(error)) log.error({ exchange, err: error }, `the shared request budget failed to ${what}`)
  }

  return {
    async take(weight, cap) {
      const waitMs = now() < heldUntil ? waitForPart(weight, cap) : 0
      if (waitMs > 0) return { waitMs, blockedUntil: 0 }
      try {
        const taking = await shared.take(weight, cap, { used: budget.used(), alone })
        answersAgain()
        last = { ...taking, at: now() }
        return {
          ...(taking.ticket !== undefined && { granted: settleOf(taking.ticket) }),
          waitMs: taking.waitMs,
          blockedUntil: taking.blockedMs > 0 ? now() + taking.blockedMs : 0,
        }
      } catch (error) {
        leaveShared(error, cap)
        return takeAlone(weight, cap)
      }
    },
    block(until) {
      shared.block(Math.max(0, until - now())).catch(giveUp('block'))
    },
    used: usedByAll,
  }
}
