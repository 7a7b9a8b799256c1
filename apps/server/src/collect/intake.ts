import type { MarketId } from '../domain/market.ts'
import type { Trade } from '../domain/trade.ts'
import type { StreamEvent } from '../exchanges/exchange.ts'
import type { Connection } from './connection.ts'
import type { MarketFeed } from './market.ts'
import type { Publisher } from './publisher.ts'
import type { Quarantine } from './quarantine.ts'
import type { Sentinel } from './sentinel.ts'

interface Deps {
  readonly feed: (symbol: string) => MarketFeed | undefined
  readonly publisher: Publisher
  readonly quarantine: Quarantine
  readonly sentinel: Sentinel
  /** The exchange is about to close this connection. */
  readonly retire: (connection: Connection) => void
}

type Data = Extract<StreamEvent, MarketId>
type Unreadable = Extract<StreamEvent, { reason: string }>

/** Brings each thing that a frame says to its place. Whatever has no place is counted and kept aside. */
export function createIntake({ feed, publisher, quarantine, sentinel, retire }: Deps) {
  function data(connection: Connection, event: Data, raw: Buffer, received: number): void {
    const market = feed(event.symbol)
    if (!market) quarantine.add('unknown symbol', event.symbol, raw, received)
    else if (event.type === 'ticker') {
      if (event.lastTradeId !== undefined) market.told(event.lastTradeId, received, false, event.time)
      publisher.ticker(event)
    } else if (event.type === 'top') publisher.top(event)
    else if (event.type === 'book') publisher.book(event)
    else if (event.type === 'candle') {
      const { type: _, ...candle } = event
      publisher.candle(candle)
    } else if (typeof event.id === 'number') trade(market, event, connection, raw)
    else quarantine.add('uncounted id', event.id, raw, received)
  }

  /** One that can't be right is as good as lost: its id is missing, and REST is asked for it. */
  function trade(market: MarketFeed, event: Trade, connection: Connection, raw: Buffer): void {
    const kind = sentinel.inspect(event)
    if (kind) {
      quarantine.add(kind, kind, raw, event.received, event.symbol)
      market.suspect()
    } else market.receive(event, connection)
  }

  function unreadable(event: Unreadable, raw: Buffer, received: number): void {
    quarantine.add(event.type, event.reason, raw, received, event.market)
    const market = event.market === undefined ? undefined : feed(event.market)
    if (!market) return
    sentinel.malformed(market.symbol, received)
    market.suspect()
  }

  return (connection: Connection, event: StreamEvent, raw: Buffer, received: number): void => {
    if (event.type === 'ack') connection.answer(event.id, event.error)
    else if (event.type === 'shutdown') retire(connection)
    else if ('symbol' in event) data(connection, event, raw, received)
    else if (event.type !== 'pong') unreadable(event, raw, received)
  }
}
