import { existsSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { gunzipSync } from 'node:zlib'
import type { Candle } from '../src/domain/candle.ts'
import type { Trade } from '../src/domain/trade.ts'

const folder = resolve(import.meta.dirname, '../../../../shared/data')

/** For `test(name, { skip: noRecordings }, …)`: says which folder is missing. */
export const noRecordings: string | false = existsSync(folder) ? false : `recorded market data is not there: ${folder}`

/** The text of a recorded file, unzipped. */
export function recording(path: string): string {
  const bytes = readFileSync(join(folder, path))
  return (path.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString('utf8')
}

export const lines = (path: string): string[] => recording(path).split('\n').filter(Boolean)

type Row = readonly (number | string | undefined)[]

/** A recorded kline. `quote` and `count` where the recording has them. */
export function kline(timeframe: string, [time, o, h, l, c, v, quote = 0, count = 0]: Row): Candle {
  const opened = typeof time === 'number' || /^\d+$/.test(time ?? '') ? Number(time) : Date.parse(time ?? '')
  return {
    exchange: 'recorded',
    symbol: 'RECORDED',
    timeframe,
    time: opened,
    open: Number(o),
    high: Number(h),
    low: Number(l),
    close: Number(c),
    volume: Number(v),
    volumeRest: 0,
    quoteVolume: Number(quote),
    quoteVolumeRest: 0,
    trades: Number(count),
    closed: true,
    revision: 0,
    source: 'backfill',
  }
}

/** Klines of a CSV file whose first six columns are time, open, high, low, close, volume; a header is skipped. */
export const csvKlines = (timeframe: string, path: string, quote = -1, count = -1): Candle[] =>
  lines(path)
    .map((line) => line.split(','))
    .filter(([first = '']) => /^\d/.test(first))
    .map((row) => kline(timeframe, [...row.slice(0, 6), row[quote], row[count]]))

/** Klines of a JSON file of arrays. */
export const jsonKlines = (timeframe: string, path: string): Candle[] =>
  JSON.parse(recording(path)).map((row: Row) => kline(timeframe, row.slice(0, 6)))

/** The trades of a recorded Binance stream (`<local time> <frame>` lines), in order. */
export const streamTrades = (path: string): Trade[] =>
  lines(path)
    .map((line) => JSON.parse(line.slice(line.indexOf(' '))).data)
    .filter((data) => data?.e === 'trade')
    .map((data) => trade({ id: data.t, price: data.p, quantity: data.q, time: data.T, maker: data.m }))

/** The aggregate trades of XRP/ETH, in order. */
export const xrpEthTrades = (): Trade[] =>
  lines('pairs/binance-spot-XRPETH-2019-10/XRP_OLD-trades.2019-10-11_12.jsonl.gz')
    .map((line) => JSON.parse(line).info)
    .map((info) => ({
      ...trade({ id: info.f, price: info.p, quantity: info.q, time: info.T, maker: info.m }),
      count: info.l - info.f + 1,
    }))

interface RawTrade {
  id: number
  price: string
  quantity: string
  time: number
  maker: boolean
}

const trade = ({ id, price, quantity, time, maker }: RawTrade): Trade => ({
  type: 'trade',
  exchange: 'recorded',
  symbol: 'RECORDED',
  id,
  count: 1,
  price: Number(price),
  quantity: Number(quantity),
  side: maker ? 'sell' : 'buy',
  time,
  received: time,
})
