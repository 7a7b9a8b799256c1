import type { CoverageNotice, ServerEvents } from '@candlewire/protocol'
import type { Candle } from '../../domain/candle.ts'
import type { Interval } from '../../domain/coverage.ts'
import { healthOf } from '../../domain/health.ts'
import type { Trade } from '../../domain/trade.ts'
import { isoTime, numberText } from '../text.ts'
import type { Channel } from './channel.ts'
import { textFrame } from './frame.ts'

/** A message ready to send. It is serialised and framed once, when the first receiver needs it. */
export interface Message {
  /** Absent on answers to one client. */
  readonly channel?: Channel
  readonly key: string
  readonly seq: number
  /** A newer message of the channel makes it worthless. */
  readonly replaceable: boolean
  /** Open time of the candle it carries, ms; 0 of anything else. */
  readonly time: number
  readonly text: () => string
  readonly frame: () => Buffer
}

const once = <T>(make: () => T): (() => T) => {
  let made: T | undefined
  return () => {
    made ??= make()
    return made
  }
}

interface Stamp {
  readonly channel: Channel
  readonly key: string
  readonly seq: number
  /** Send time, ms. */
  readonly now: number
}

function onChannel(stamp: Stamp, kind: Pick<Message, 'replaceable' | 'time'>, head: () => string): Message {
  const text = once(() => `${head()},"timestamp":${stamp.now},"seq":${stamp.seq}}`)
  const { channel, key, seq } = stamp
  return { channel, key, seq, ...kind, text, frame: once(() => textFrame(text())) }
}

const candleFields = (candle: Candle): string =>
  `"exchange":${JSON.stringify(candle.exchange)},"symbol":${JSON.stringify(candle.symbol)},` +
  `"timeframe":"${candle.timeframe}","time":"${isoTime(candle.time)}",` +
  `"open":${candle.open},"high":${candle.high},"low":${candle.low},"close":${candle.close},` +
  `"volume":${numberText(candle.volume, candle.volumeRest)},"closed":${candle.closed}` +
  (healthOf(candle) === 'quiet' ? ',"state":"quiet"' : '')

/** A forming one is replaceable, a closed one is not. */
export const candleMessage = (stamp: Stamp, candle: Candle): Message =>
  onChannel(
    stamp,
    { replaceable: !candle.closed, time: candle.time },
    () => `{"type":"candle","data":{${candleFields(candle)}}`,
  )

/** Tells that a closed candle was made anew. */
export const correctionMessage = (stamp: Stamp, candle: Candle): Message =>
  onChannel(
    stamp,
    { replaceable: false, time: candle.time },
    () => `{"type":"correction","data":{${candleFields(candle)},"revision":${candle.revision}}`,
  )

/** Tells that a stretch of a series became unknown, or was repaired. */
export const coverageMessage = (stamp: Stamp, { from, to }: Interval, status: CoverageNotice['status']): Message =>
  onChannel(stamp, { replaceable: false, time: 0 }, () => {
    const { exchange, symbol, timeframe } = stamp.channel
    const data = { exchange, symbol, timeframe, from: isoTime(from), to: isoTime(to), status }
    return `{"type":"coverage","data":${JSON.stringify(data)}`
  })

export const tradeMessage = (stamp: Stamp, trade: Trade): Message =>
  onChannel(
    stamp,
    { replaceable: false, time: 0 },
    () =>
      `{"type":"trade","data":{"exchange":${JSON.stringify(trade.exchange)},"symbol":${JSON.stringify(trade.symbol)},` +
      `"id":${JSON.stringify(trade.id)},"price":${trade.price},"quantity":${trade.quantity},` +
      `"side":"${trade.side}","time":"${isoTime(trade.time)}"}`,
  )

/** An answer to one client. */
export function answer<T extends keyof ServerEvents>(type: T, data: ServerEvents[T], now: number): Message {
  const text = once(() => JSON.stringify({ type, data, timestamp: now }))
  return { key: '', seq: 0, replaceable: false, time: 0, text, frame: once(() => textFrame(text())) }
}
