import type { MarketId } from '../domain/market.ts'
import type { StreamEvent } from '../exchanges/exchange.ts'
import type { Connection } from './connection.ts'
import type { MarketFeed } from './market.ts'
import type { Publisher } from './publisher.ts'
import type { Quarantine } from './quarantine.ts'

interface Deps {
  readonly feed: (symbol: string) => MarketFeed | undefined
  readonly publisher: Publisher
  readonly quarantine: Quarantine
  /** The exchange is about to close this connection. */
  readonly retire: (connection: Connection) => void
}

type Data = Extract<StreamEvent, MarketId>

/** Brings each thing that a frame says to its place. Whatever has no place is counted and kept aside. */
export function createIntake({ feed, publisher, quarantine, retire }: Deps) {
  function data(connection: Connection, event: Data, raw: Buffer, received: number): void {
    const market = feed(event.symbol)
    if (!market) quarantine.add('unknown symbol', event.symbol, raw, received)
    else if (event.type === 'ticker') {
      if (event.lastTradeId !== undefined) market.told(event.lastTradeId, received, false)
      publisher.ticker(event)
    } else if (event.type === 'top') publisher.top(event)
    else if (event.type === 'book') publisher.book(event)
    else if (event.type === 'candle') {
      const { type: _, ...candle } = event
      publisher.candle(candle)
    } else if (typeof event.id === 'number') market.receive(event, connection)
    else quarantine.add('uncounted id', event.id, raw, received)
  }

  return (connection: Connection, event: StreamEvent, raw: Buffer, received: number): void => {
    if (event.type === 'ack') connection.answer(event.id, event.error)
    else if (event.type === 'shutdown') retire(connection)
    else if ('symbol' in event) data(connection, event, raw, received)
    else if (event.type !== 'pong') quarantine.add(event.type, event.reason, raw, received)
  }
}
