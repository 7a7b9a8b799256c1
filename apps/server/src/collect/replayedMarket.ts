import type { MarketId } from '../domain/market.ts'
import type { Trade, TradeBatch } from '../domain/trade.ts'
import { createLag } from './lag.ts'
import { createLine } from './line.ts'
import { takeTrusted } from './refill.ts'
import type { CollectSettings } from './settings.ts'
import type { Start } from './start.ts'

interface Deps {
  readonly market: MarketId
  readonly settings: CollectSettings
  /** How long a jump in the ids may stay, on the clock of the recording, ms. */
  readonly patienceMs: number
  /** The recording tells where the market begins. */
  readonly waitForStart: boolean
  readonly confirm: (trade: Trade) => boolean
}

/** `now`: the recording's receive time; `newest`: the latest exchange time that any frame told. Both ms. */
export interface ReplayedMarket {
  receive(trade: Trade, now: number, newest: number): 'taken' | 'held' | 'duplicate'
  /** How many were new. */
  page(trades: readonly Trade[], now: number): number
  begin(start: Start, now: number): void
  /** Something may be missing: nothing is claimed until the ids go on without a gap. */
  doubt(): void
  /** Gives up what has been missing for too long. */
  expire(now: number): void
  giveUp(): void
  drain(newest: number): TradeBatch[]
}

/** One market of a recording: the same line that live trades stand in, with the recording's own time. */
export function createReplayedMarket(deps: Deps): ReplayedMarket {
  const { market, settings, patienceMs, waitForStart, confirm } = deps
  const line = createLine(market, settings.maxHeld)
  const lag = createLag()
  let joined = false
  let gapSince: number | undefined
  let dirty = false

  const isWaiting = () => line.held() > 0
  function follow(now: number): void {
    dirty = true
    if (isWaiting()) gapSince ??= now
    else gapSince = undefined
  }

  return {
    receive(trade, now, newest) {
      const first = line.next() === undefined && !waitForStart
      if (first && typeof trade.id === 'number') line.begin({ id: trade.id, since: 0, upTo: 0 })
      const outcome = line.live(trade)
      if (outcome === 'taken') {
        joined = !isWaiting()
        lag.seen(newest - trade.time, newest)
      }
      follow(now)
      return outcome
    },
    page(trades, now) {
      const [first] = trades
      const next = line.next()
      if (next === undefined) return 0
      if (next > 0 && typeof first?.id === 'number' && first.id > next) line.lose(first)
      const taken = takeTrusted(line, trades, confirm)
      if (taken) gapSince = undefined
      follow(now)
      return taken
    },
    begin(start, now) {
      if (line.next() === undefined) line.begin(start)
      follow(now)
    },
    doubt() {
      joined = false
    },
    expire(now) {
      if (gapSince === undefined || now - gapSince <= patienceMs) return
      line.skip()
      gapSince = undefined
      follow(now)
    },
    giveUp() {
      while (line.skip()) dirty = true
    },
    drain(newest) {
      const claim = joined && !isWaiting() ? newest - settings.marginMs - lag.worst() : undefined
      const crossed = claim !== undefined && Math.floor(claim / 1_000) > Math.floor(line.upTo() / 1_000)
      if (!dirty && !crossed) return []
      dirty = false
      return line.drain(claim, crossed)
    },
  }
}
