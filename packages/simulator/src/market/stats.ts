import { type Bar, flatBar, joinBars } from './bars.ts'
import { dayMs, minuteMs } from './grid.ts'
import type { Market } from './market.ts'
import type { Trade } from './tape.ts'

/** A rolling window: `bar` sums its trades, `before` is the last price ahead of it in ticks, times in ms. */
export type Stats = { from: number; to: number; bar: Bar; before: number; last: Trade }

/** The length in ms of a rolling window's name: minutes up to 59, hours up to 23, days up to 7; else undefined. */
export const windowOf = (name: string): number | undefined => {
  const match = /^([1-9][0-9]?)([mhd])$/.exec(name)
  if (!match) return undefined
  const count = Number(match[1])
  if (match[2] === 'm') return count <= 59 ? count * minuteMs : undefined
  if (match[2] === 'h') return count <= 23 ? count * 60 * minuteMs : undefined
  return count <= 7 ? count * dayMs : undefined
}

/**
 * A reader of rolling windows over one market. The whole minutes inside a window are summed once a minute, only the
 * two ends are folded at each call.
 */
export const createStats = (market: Market) => {
  const cores = new Map<number, { key: string; bar: Bar | undefined }>()

  const core = (window: number, from: number, to: number, now: number): Bar | undefined => {
    const key = `${from} ${to} ${market.version()} ${market.arrivedLate(now)}`
    const known = cores.get(window)
    if (known?.key === key) return known.bar
    const bar = market.fold(from, to, now)
    cores.set(window, { key, bar })
    return bar
  }

  /** The window that ends at `now`; one without trades is flat at the last price. Undefined before any trade. */
  return (window: number, now: number): Stats | undefined => {
    const last = market.last(now)
    if (!last) return undefined
    const from = now - window
    const first = Math.ceil(from / minuteMs) * minuteMs
    const end = Math.floor(now / minuteMs) * minuteMs
    const inner = joinBars(market.fold(from, Math.min(first, now + 1), now), core(window, first, end, now))
    const bar = joinBars(inner, market.fold(Math.max(first, end), now + 1, now)) ?? flatBar(last.price)
    const previous = bar.count > 0 ? market.fromId(bar.first - 1, 1, now)[0] : last
    return { from, to: now, bar, before: previous?.price ?? bar.open, last }
  }
}

export type StatsReader = ReturnType<typeof createStats>
