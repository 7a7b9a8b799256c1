import type { RestClient, RTClient } from '@candlewire/client'
import { RestError } from '@candlewire/client'
import { type Bar, type Change, findTail, type Hole, mergeBars, putBar, toBar } from './bars.ts'
import type { Route } from './route.ts'

/** What shows a series. `bars` stays the series' own array and must not be changed. */
export interface SeriesView {
  /** Draws everything anew; `fresh` for another series than before. `tail` is known to be missing after the last bar. */
  layout(bars: readonly Bar[], timeframe: string, fresh: boolean, tail?: Hole): void
  /** Draws one bar that was put in. */
  put(bar: Bar, change: 'last' | 'older'): void
  /** `loading` until the first history is there; then empty, or why there is none. */
  notice(text: string): void
}

export interface Sources {
  readonly client: Pick<RTClient, 'on' | 'subscribe' | 'unsubscribe'>
  readonly rest: Pick<RestClient, 'candles'>
}

const PAGE = 1000
const RETRY_MS = 4_000
/** A page left open for days keeps this many bars; beyond it the oldest go, and scrolling back reads them again. */
const MAX_BARS = 20_000
const DROP_BARS = 5_000

/**
 * One series on one view until `signal` aborts: history by REST, then live candles, older pages on demand, and the
 * newest page anew whenever the line may have lost something. Resolves to nothing; trouble is told by `notice`.
 */
export function openSeries({ client, rest }: Sources, route: Route, view: SeriesView, signal: AbortSignal) {
  const { symbol, timeframe } = route
  let bars: Bar[] = []
  let tail: Hole | undefined
  /** Live bars that came while a page was on its way; they are newer than the page. */
  let fresh: Bar[] | undefined
  let loaded = false
  let oldest = false
  let readingOlder = false
  let retry: ReturnType<typeof setTimeout> | undefined

  const show = (isFirst: boolean) => view.layout(bars, timeframe, isFirst, tail)

  const readPage = async (end?: number) => {
    const query = { interval: timeframe, limit: PAGE, signal, ...(end !== undefined && { end }) }
    const { data, meta } = await rest.candles(symbol, query)
    const gaps = (meta?.gaps ?? []).map(({ from, to }) => ({ from: Date.parse(from), to: Date.parse(to) }))
    return { page: data.flatMap((row) => toBar(row) ?? []), gaps: gaps.filter(({ to }) => Number.isFinite(to)) }
  }

  const readNewest = async () => {
    if (fresh || signal.aborted) return
    clearTimeout(retry)
    fresh = []
    try {
      const { page, gaps } = await readPage()
      const touches = page[0] !== undefined && bars.length > 0 && page[0].time <= bars.at(-1)!.time
      bars = mergeBars(touches ? bars.filter(({ time }) => time < page[0]!.time) : [], [...page, ...fresh])
      if (!touches) oldest = false
      tail = findTail(bars, gaps, timeframe)
      view.notice(bars.length ? '' : 'No candles yet')
      show(!loaded)
      loaded = true
    } catch (error) {
      if (!signal.aborted) fail(error)
    } finally {
      fresh = undefined
    }
  }

  const fail = (error: unknown) => {
    const refused = error instanceof RestError && error.status >= 400 && error.status < 500 && error.status !== 429
    if (refused) {
      view.notice(error.code === 'SYMBOL_NOT_FOUND' ? `The server does not know ${symbol}` : error.message)
      return
    }
    if (!loaded) view.notice('History cannot be read at the moment; trying again')
    retry = setTimeout(readNewest, error instanceof RestError ? (error.retryAfterMs ?? RETRY_MS) : RETRY_MS)
  }

  const take = (bar: Bar) => {
    fresh?.push(bar)
    if (!loaded) return
    const change: Change = putBar(bars, bar, timeframe)
    const crowded = bars.length > MAX_BARS
    if (crowded) {
      bars.splice(0, DROP_BARS)
      oldest = false
    }
    // The chart has empty slots where this bar belongs: what is missing now lies before it, not after.
    const filled = tail !== undefined && bar.time >= tail.from
    if (filled) tail = undefined
    if (filled || crowded || change === 'all') show(false)
    else if (change !== 'none') view.put(bar, change)
  }

  /** Nobody knows any more what traded there: flat bars drawn in it go, and its slots are hatched at once. */
  const lose = (hole: Hole) => {
    bars = bars.filter(({ time, volume }) => volume > 0 || time < hole.from || time >= hole.to)
    tail = findTail(bars, [hole], timeframe) ?? tail
    show(false)
  }

  const removers = [
    client.on('candle', ({ data }) => {
      const bar = data.symbol === symbol && data.timeframe === timeframe ? toBar(data) : undefined
      if (bar) take(bar)
    }),
    client.on('open', ({ data }) => data.reconnected && readNewest()),
    client.on('lagged', readNewest),
    client.on('coverage', ({ data }) => {
      if (data.symbol !== symbol || data.timeframe !== timeframe || !loaded) return
      if (data.status === 'repaired') void readNewest()
      else lose({ from: Date.parse(data.from), to: Date.parse(data.to) })
    }),
  ]
  client.subscribe('candles', symbol, timeframe)
  signal.addEventListener('abort', () => {
    clearTimeout(retry)
    for (const remove of removers) remove()
    client.unsubscribe('candles', symbol, timeframe)
  })
  view.notice('Loading history')
  void readNewest()

  return {
    /** Reads the page before the oldest bar, if there is one and nothing is being read. Never rejects. */
    async older() {
      const first = bars[0]
      if (!first || oldest || readingOlder || signal.aborted || bars.length >= MAX_BARS) return
      readingOlder = true
      try {
        const { page } = await readPage(first.time - 1)
        // The newest page may have started the series over meanwhile; this page then belongs to nothing.
        if (bars[0] !== first) return
        oldest = page.length === 0
        if (oldest) return
        bars = mergeBars(page, bars)
        show(false)
      } catch {
        // The reader keeps what is on the screen; scrolling on asks again.
      } finally {
        readingOlder = false
      }
    },
  }
}

export type Series = ReturnType<typeof openSeries>
