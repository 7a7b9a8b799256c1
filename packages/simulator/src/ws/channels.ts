import type { Exchange, Listing } from '../exchange.ts'
import { type Book, bookChange, depthLevels } from '../market/book.ts'
import { dayMs, type Interval, isInterval, nextOpen, openOf } from '../market/grid.ts'
import { mixText } from '../market/hash.ts'
import { windowOf } from '../market/stats.ts'
import { aggregates } from '../wire.ts'
import {
  aggTradeFrame,
  arrayFrame,
  avgPriceFrame,
  bookTickerFrame,
  depthFrame,
  klineFrame,
  miniTickerFrame,
  type Payload,
  partialDepthFrame,
  rollingFrame,
  tickerFrame,
  tradeFrame,
} from './frames.ts'

/** What a stream sends for the time after `from` up to `now` (ms of the simulated clock). */
type Pump = (from: number, now: number) => Payload[]

/** A running stream. `symbol` is absent for streams of all symbols; `ready` ends when its history is at hand. */
export type Channel = { name: string; symbol?: string; kind: string; pump: Pump; ready?: Promise<void> }

/** True when a moment of the rhythm lies in (from, now]. */
const due = (from: number, now: number, every: number, phase = 0): boolean =>
  Math.floor((now - phase) / every) > Math.floor((from - phase) / every)

const trade =
  ({ market }: Listing): Pump =>
  (from, now) =>
    market.arrivals(from, now).map((each) => tradeFrame(market.spec, each, now))

const aggTrade =
  ({ market }: Listing): Pump =>
  (from, now) =>
    aggregates(market.arrivals(from, now)).map((each) => aggTradeFrame(market.spec, each, now))

/** The longest that a closing frame comes after its boundary. */
const closingLagMs = 250

const kline = ({ market }: Listing, interval: Interval, shift: number, start: number): Pump => {
  const { spec } = market
  const seed = mixText(shift, spec.symbol + interval)
  const every = interval === '1s' ? 1_000 : 2_000
  const phase = seed % every
  const lag = interval === '1s' ? 20 : 20 + (seed % closingLagMs)
  let open = openOf(interval, start, shift)
  let sent = ''
  return (from, now) => {
    const frames: Payload[] = []
    for (let end = nextOpen(interval, open, shift); now >= end + lag; end = nextOpen(interval, open, shift)) {
      const row = market.rows(interval, open, open, now, 1, shift)[0]
      if (row) frames.push(klineFrame(spec, interval, row, true, now))
      open = end
    }
    if (!due(from, now, every, phase) || now >= nextOpen(interval, open, shift)) return frames
    const row = market.rows(interval, open, open, now, 1, shift)[0]
    const state = `${open} ${row?.bar.count} ${row?.bar.last}`
    if (row && state !== sent) frames.push(klineFrame(spec, interval, row, false, now))
    sent = state
    return frames
  }
}

const every =
  (ms: number, make: (now: number) => Payload | undefined): Pump =>
  (from, now) => {
    const frame = due(from, now, ms) ? make(now) : undefined
    return frame ? [frame] : []
  }

const ticker = ({ market, book, stats }: Listing, everyMs: number): Pump =>
  every(everyMs, (now) => {
    const found = stats(dayMs, now)
    const best = book.best(now)
    return found && best && tickerFrame(market.spec, found, best, now)
  })

const miniTicker = ({ market, stats }: Listing, everyMs: number): Pump =>
  every(everyMs, (now) => {
    const found = stats(dayMs, now)
    return found && miniTickerFrame(market.spec, found, now)
  })

const rolling = ({ market, stats }: Listing, window: string, everyMs: number): Pump =>
  every(everyMs, (now) => {
    const found = stats(windowOf(window)!, now)
    return found && rollingFrame(market.spec, window, found, now)
  })

const average = ({ market, stats }: Listing): Pump =>
  every(1_000, (now) => {
    const found = stats(5 * 60_000, now)
    return found && avgPriceFrame(market.spec, found, now)
  })

const bookTicker = ({ market, book }: Listing): Pump => {
  let sent = ''
  return (from, now) => {
    const best = due(from, now, 100) ? book.best(now) : undefined
    const state = `${best?.bid} ${best?.ask}`
    if (!best || state === sent) return []
    sent = state
    return [bookTickerFrame(market.spec, best)]
  }
}

const depth = ({ market, book }: Listing, every: number, start: number): Pump => {
  let held: Book | undefined = book.at(start, depthLevels)
  return (from, now) => {
    if (!due(from, now, every)) return []
    const next = book.at(now, depthLevels)
    if (!next) return []
    const change = bookChange(held ?? { ...next, bids: [], asks: [] }, next)
    if (held && change.bids.length + change.asks.length === 0) return []
    held = next
    return [depthFrame(market.spec, change, now)]
  }
}

const partialDepth =
  ({ market, book }: Listing, levels: number, every: number): Pump =>
  (from, now) => {
    const found = due(from, now, every) ? book.at(now, levels) : undefined
    return found ? [partialDepthFrame(market.spec, found)] : []
  }

/** All symbols that traded since the last second, in one array. */
const all = (exchange: Exchange, window: string | undefined): Pump => {
  const sent = new Map<string, number>()
  const length = window === undefined ? dayMs : windowOf(window)!
  return every(exchange.tickerMs, (now) => {
    const frames: Payload[] = []
    for (const [symbol, { market, stats }] of exchange.listings) {
      const id = market.last(now)?.id
      if (id === undefined || sent.get(symbol) === id) continue
      sent.set(symbol, id)
      const found = stats(length, now)
      if (!found) continue
      frames.push(window ? rollingFrame(market.spec, window, found, now) : miniTickerFrame(market.spec, found, now))
    }
    return frames.length > 0 ? arrayFrame(frames) : undefined
  })
}

type Made = { pump: Pump; reachMs?: number }
type Maker = (listing: Listing, parts: RegExpExecArray, now: number, tickerMs: number) => Made | undefined

const shiftMs = (zone: string | undefined): number => (zone ? 8 * 3_600_000 : 0)

const makers: readonly (readonly [RegExp, Maker])[] = [
  [/^trade$/, (listing) => ({ pump: trade(listing) })],
  [/^aggTrade$/, (listing) => ({ pump: aggTrade(listing) })],
  [
    /^kline_([0-9]{1,2}[smhdwM])(@\+08:00)?$/,
    (listing, [, interval = '', zone], now) => {
      if (!isInterval(interval)) return undefined
      const shift = shiftMs(zone)
      return { pump: kline(listing, interval, shift, now), reachMs: now - openOf(interval, now, shift) }
    },
  ],
  [/^ticker$/, (listing, _, __, tickerMs) => ({ pump: ticker(listing, tickerMs), reachMs: dayMs })],
  [/^miniTicker$/, (listing, _, __, tickerMs) => ({ pump: miniTicker(listing, tickerMs), reachMs: dayMs })],
  [
    /^ticker_(1h|4h|1d)$/,
    (listing, [, window = ''], _, tickerMs) => ({
      pump: rolling(listing, window, tickerMs),
      reachMs: windowOf(window) ?? 0,
    }),
  ],
  [/^avgPrice$/, (listing) => ({ pump: average(listing) })],
  [/^bookTicker$/, (listing) => ({ pump: bookTicker(listing) })],
  [
    /^depth(@100ms|@1000ms)?$/,
    (listing, [, speed], now) => ({ pump: depth(listing, speed === '@100ms' ? 100 : 1_000, now) }),
  ],
  [
    /^depth(5|10|20)(@100ms|@1000ms)?$/,
    (listing, [, levels, speed]) => ({ pump: partialDepth(listing, Number(levels), speed === '@100ms' ? 100 : 1_000) }),
  ],
]

const allStreams: Readonly<Record<string, string | undefined>> = {
  '!miniTicker@arr': undefined,
  '!ticker_1h@arr': '1h',
  '!ticker_4h@arr': '4h',
  '!ticker_1d@arr': '1d',
}

const prepareAll = async (exchange: Exchange, reachMs: number): Promise<void> => {
  const now = exchange.clock.now()
  for (const { market } of exchange.listings.values()) await market.prepare(now - reachMs, now, now)
}

/** Starts the stream of a name, or undefined for one that the exchange does not have: it then never sends anything. */
export const openChannel = (exchange: Exchange, name: string, now: number): Channel | undefined => {
  if (Object.hasOwn(allStreams, name)) {
    const window = allStreams[name]
    const ready = prepareAll(exchange, window === undefined ? dayMs : windowOf(window)!)
    return { name, kind: name, pump: all(exchange, window), ready }
  }
  const split = name.indexOf('@')
  const symbol = name.slice(0, split)
  const listing = exchange.listings.get(symbol.toUpperCase())
  if (!listing || symbol !== symbol.toLowerCase()) return undefined
  const kind = name.slice(split + 1)
  for (const [pattern, make] of makers) {
    const parts = pattern.exec(kind)
    const made = parts && make(listing, parts, now, exchange.tickerMs)
    if (!made) continue
    const channel: Channel = { name, symbol: listing.market.spec.symbol, kind, pump: made.pump }
    return made.reachMs ? { ...channel, ready: listing.market.prepare(now - made.reachMs, now, now) } : channel
  }
  return undefined
}
