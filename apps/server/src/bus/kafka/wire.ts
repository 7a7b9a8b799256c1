import Type from 'typebox'
import { edge } from '../../lib/edge.ts'
import type { Taken, Topic, Topics } from '../bus.ts'
import { reasonOf } from './errors.ts'
import type { Incoming } from './record.ts'

/**
 * How events look in the log between our own processes: one record an event, the event itself as JSON. JSON prints the
 * shortest text of a double, which reads back as the same double, so nothing is lost. Fields that a reader does not know
 * pass; a record that lacks one that it knows is set aside.
 */
const market = { exchange: Type.String(), symbol: Type.String() }
const time = Type.Number()
const count = Type.Integer({ minimum: 0 })
const Level = Type.Tuple([Type.Number(), Type.Number()])

const Trade = Type.Object({
  type: Type.Literal('trade'),
  ...market,
  id: Type.Union([Type.Number(), Type.String()]),
  count,
  price: Type.Number(),
  quantity: Type.Number(),
  side: Type.Union([Type.Literal('buy'), Type.Literal('sell')]),
  time,
  received: time,
})

const Candle = Type.Object({
  ...market,
  timeframe: Type.String(),
  time,
  open: Type.Number(),
  high: Type.Number(),
  low: Type.Number(),
  close: Type.Number(),
  volume: Type.Number(),
  volumeRest: Type.Number(),
  quoteVolume: Type.Number(),
  quoteVolumeRest: Type.Number(),
  trades: count,
  closed: Type.Boolean(),
  revision: count,
  source: Type.Union([
    Type.Literal('trades'),
    Type.Literal('exchange'),
    Type.Literal('backfill'),
    Type.Literal('filled'),
  ]),
})

const read: { [T in Topic]: (value: unknown) => Topics[T] } = {
  trades: edge(
    Type.Object({
      ...market,
      trades: Type.Array(Trade),
      upTo: time,
      doubtFrom: Type.Optional(time),
      filled: Type.Optional(Type.Object({ from: time, to: time })),
      halted: Type.Optional(Type.Literal(true)),
      hole: Type.Optional(Type.Object({ from: time, to: time })),
    }),
  ),
  exchangeCandles: edge(Candle),
  tickers: edge(
    Type.Object({
      type: Type.Literal('ticker'),
      ...market,
      last: Type.Number(),
      bid: Type.Optional(Type.Number()),
      ask: Type.Optional(Type.Number()),
      open: Type.Number(),
      high: Type.Number(),
      low: Type.Number(),
      volume: Type.Number(),
      quoteVolume: Type.Number(),
      lastTradeId: Type.Optional(Type.Number()),
      time,
      received: time,
    }),
  ),
  tops: edge(
    Type.Object({
      type: Type.Literal('top'),
      ...market,
      bid: Type.Number(),
      bidQuantity: Type.Number(),
      ask: Type.Number(),
      askQuantity: Type.Number(),
      sequence: Type.Number(),
      received: time,
    }),
  ),
  books: edge(
    Type.Object({
      type: Type.Literal('book'),
      ...market,
      kind: Type.Union([Type.Literal('snapshot'), Type.Literal('delta')]),
      firstSequence: Type.Number(),
      lastSequence: Type.Number(),
      bids: Type.Array(Level),
      asks: Type.Array(Level),
      time,
      received: time,
    }),
  ),
  feed: edge(
    Type.Object({
      ...market,
      state: Type.Union([Type.Literal('up'), Type.Literal('down')]),
      reason: Type.String(),
      time,
    }),
  ),
  markets: edge(
    Type.Object({
      ...market,
      change: Type.Union([
        Type.Literal('listed'),
        Type.Literal('halted'),
        Type.Literal('resumed'),
        Type.Literal('renamed'),
        Type.Literal('delisted'),
      ]),
      before: Type.Optional(Type.String()),
      time,
    }),
  ),
  filled: edge(
    Type.Object({
      ...market,
      from: time,
      to: time,
      timeframe: Type.String(),
      candles: count,
      repaired: Type.Optional(Type.Literal(true)),
    }),
  ),
  gaps: edge(Type.Object({ ...market, from: time, to: time })),
  candles: edge(Candle),
}

/** Every topic of the bus. */
export const internalTopics: readonly Topic[] = Object.keys(read).filter((name): name is Topic => name in read)

/** The text of an event. */
export const encode = <T extends Topic>(event: Topics[T]): string => JSON.stringify(event)

/** The event of a record's value. Throws a plain Error that says what is wrong with it. */
export const decode = <T extends Topic>(topic: T, value: Buffer): Topics[T] => read[topic](JSON.parse(value.toString()))

/** The events of records of several topics; those that follow each other in one topic together. `bad` hears of others. */
export function readRuns<T extends Topic>(
  prefix: string,
  topics: readonly T[],
  records: readonly Incoming[],
  bad: (record: Incoming, reason: string) => void,
): Taken<T>[] {
  const taken: Taken<T>[] = []
  for (let from = 0, to = 0; from < records.length; from = to) {
    const name = records[from]!.topic
    while (to < records.length && records[to]!.topic === name) to++
    const topic = topics.find((one) => `${prefix}${one}` === name)
    if (topic) taken.push(run(topic, records.slice(from, to), bad))
  }
  return taken.filter(({ events }) => events.length > 0)
}

function run<T extends Topic>(
  topic: T,
  records: readonly Incoming[],
  bad: (record: Incoming, reason: string) => void,
): Taken<T> {
  const events: Topics[T][] = []
  for (const record of records) {
    try {
      events.push(decode(topic, record.value))
    } catch (error) {
      bad(record, reasonOf(error))
    }
  }
  return { topic, events }
}
