import { CandlesTextSchema } from '@candlewire/protocol/schemas'
import type { Interval, KlineRow, Simulator, TradeBody } from '@candlewire/simulator'
import { Value } from 'typebox/value'
import type { Candle } from '../src/domain/candle.ts'
import type { Trade } from '../src/domain/trade.ts'
import { exactText } from '../src/lib/decimal.ts'

/** `1.50000000` is `1.5`. */
const trimmed = (text: string): string => (text.includes('.') ? text.replace(/\.?0+$/, '') : text)

type Figures = readonly [
  open: string,
  high: string,
  low: string,
  close: string,
  volume: string,
  quote: string,
  trades: number,
]

const figuresOf = (row: KlineRow): Figures => [
  trimmed(row[1]),
  trimmed(row[2]),
  trimmed(row[3]),
  trimmed(row[4]),
  trimmed(row[5]),
  trimmed(row[7]),
  row[8],
]

const figuresOfOurs = (candle: Candle): Figures => [
  exactText(candle.open, 0),
  exactText(candle.high, 0),
  exactText(candle.low, 0),
  exactText(candle.close, 0),
  exactText(candle.volume, candle.volumeRest),
  exactText(candle.quoteVolume, candle.quoteVolumeRest),
  candle.trades,
]

const at = (time: number): string => new Date(time).toISOString()

/** What is wrong with stored candles, beside the exchange's own rows of the same time; empty when nothing is. */
export function candleFaults(candles: readonly Candle[], rows: readonly KlineRow[]): string[] {
  const ours = new Map(candles.map((candle) => [candle.time, candle]))
  const faults: string[] = ours.size === candles.length ? [] : ['a candle is stored twice']
  for (const row of rows) {
    const candle = ours.get(row[0])
    ours.delete(row[0])
    if (!candle) {
      // A flat row needs no candle of ours: nothing traded.
      if (row[8] > 0) faults.push(`${at(row[0])} is missing`)
      continue
    }
    const [found, expected] = [figuresOfOurs(candle).join(' '), figuresOf(row).join(' ')]
    if (found !== expected)
      faults.push(`${at(row[0])} (${candle.source}, ${candle.revision}): ${found}, not ${expected}`)
  }
  for (const time of ours.keys()) faults.push(`${at(time)} is too many`)
  return faults
}

/** What is wrong with stored trades, beside what the market did; empty when nothing is. */
export function tradeFaults(trades: readonly Trade[], truth: readonly TradeBody[]): string[] {
  const faults: string[] = trades.length === truth.length ? [] : [`${trades.length} trades, not ${truth.length}`]
  for (const [index, { id, price, qty, time, isBuyerMaker }] of truth.entries()) {
    const trade = trades[index]
    const expected = [id, trimmed(price), trimmed(qty), time, isBuyerMaker ? 'sell' : 'buy'].join(' ')
    const found =
      trade && [trade.id, exactText(trade.price, 0), exactText(trade.quantity, 0), trade.time, trade.side].join(' ')
    if (found !== expected) faults.push(`place ${index}: ${found}, not ${expected}`)
    if (faults.length > 5) break
  }
  return faults
}

const UNITS = 10n ** 8n
const toUnits = (text: string): bigint => {
  const [whole = '0', fraction = ''] = text.split('.')
  return BigInt(whole) * UNITS + BigInt(fraction.padEnd(8, '0'))
}
const fromUnits = (units: bigint): string => `${units / UNITS}.${String(units % UNITS).padStart(8, '0')}`

/** The rows of a length that the exchange does not publish, summed by decimal arithmetic from what the market did. */
export function rowsOf(trades: readonly TradeBody[], lengthMs: number): KlineRow[] {
  const groups = Map.groupBy(trades, ({ time }) => Math.floor(time / lengthMs) * lengthMs)
  return [...groups].map(([open, group]) => {
    const prices = group.map(({ price }) => price).sort((a, b) => Number(a) - Number(b))
    const sum = (field: 'qty' | 'quoteQty') =>
      fromUnits(group.reduce((total, trade) => total + toUnits(trade[field]), 0n))
    const [first, last, low, high] = [group[0]!.price, group.at(-1)!.price, prices[0]!, prices.at(-1)!]
    return [open, first, high, low, last, sum('qty'), open + lengthMs - 1, sum('quoteQty'), group.length, '0', '0', '0']
  })
}

/** All that the market did since a moment, ms, up to one, exclusive. */
export const truthBetween = ({ truth }: Simulator, symbol: string, from: number, to: number): TradeBody[] =>
  truth.trades(symbol).filter(({ time }) => time >= from && time < to)

/** What is wrong with an answer of closed candles, `numbers=string`, beside the exchange's own; empty when nothing is. */
export function servedFaults(answer: unknown, simulator: Simulator, symbol: string, interval: Interval): string[] {
  const { data, meta } = Value.Parse(CandlesTextSchema, answer)
  const first = data[0]
  const last = data.at(-1)
  if (!first || !last) return ['nothing was served']
  const rows = simulator.truth.candles(symbol, interval, Date.parse(first.time), Date.parse(last.time))
  const faults = meta.gaps.map(({ from, to, status }) => `${from} to ${to} is ${status}`)
  for (const [index, row] of rows.entries()) {
    const candle = data[index]
    const found = candle && [candle.time, candle.open, candle.high, candle.low, candle.close, candle.volume].join(' ')
    const expected = [at(row[0]).replace('.000', ''), ...row.slice(1, 6).map((text) => trimmed(String(text)))].join(' ')
    if (found !== expected) faults.push(`place ${index}: ${found}, not ${expected}`)
    if (faults.length > 5) break
  }
  return data.length === rows.length ? faults : [...faults, `${data.length} candles, not ${rows.length}`]
}
