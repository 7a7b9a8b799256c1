import type { ChannelType } from '@candlewire/protocol'
import { hasShape } from './frames.ts'
import { mockMarket } from './mock-market.ts'
import type { OpenSocket } from './socket.ts'

const TICK_MS = 250
const WILDCARD = ['BTCUSDT', 'ETHUSDT', 'SOLUSDT']

interface Wish {
  readonly type: ChannelType
  readonly symbol: string
  readonly timeframe: string
}

/**
 * A socket without a server: it speaks the live protocol and makes up markets that wander. For work on a user
 * interface with nothing running; used only when `VITE_USE_MOCK` is true.
 */
export const mockSocket: OpenSocket = (_url, events) => {
  const wishes = new Map<string, Wish>()
  const markets = new Map<string, ReturnType<typeof mockMarket>>()
  let closed = false
  const say = (type: string, data: unknown) => {
    if (!closed) events.frame(JSON.stringify({ type, data, timestamp: Date.now() }))
  }
  const market = (symbol: string) => {
    const found = markets.get(symbol) ?? mockMarket(symbol)
    markets.set(symbol, found)
    return found
  }

  const tick = () => {
    const now = Date.now()
    const traded = new Map([...active(wishes.values())].map((symbol) => [symbol, market(symbol).trade(now)]))
    for (const { type, symbol, timeframe } of wishes.values()) {
      for (const name of symbol === '*' ? WILDCARD : [symbol]) {
        if (type === 'trades') say('trade', traded.get(name))
        else if (type === 'candles') say('candle', market(name).candle(timeframe, now))
        else if (type === 'indicators') say('indicator', market(name).rsi(timeframe, now))
      }
    }
  }
  const timer = setInterval(tick, TICK_MS)
  setTimeout(() => !closed && events.open(), 0)

  return {
    send(text) {
      const message: unknown = JSON.parse(text)
      if (!hasShape(message, { action: 'string' })) return
      if (message.action === 'ping') say('pong', { time: Date.now() })
      if (message.action === 'list_subscriptions') say('subscriptions', [...wishes.values()])
      if (!isChannel(message)) return
      const wish = { type: message.type, symbol: message.symbol, timeframe: message.timeframe ?? '1m' }
      const key = Object.values(wish).join('|')
      if (message.action === 'subscribe') wishes.set(key, wish)
      else wishes.delete(key)
      say(message.action === 'subscribe' ? 'subscribed' : 'unsubscribed', wish)
    },
    close() {
      closed = true
      clearInterval(timer)
    },
  }
}

function active(wishes: Iterable<Wish>): Set<string> {
  return new Set([...wishes].flatMap(({ symbol }) => (symbol === '*' ? WILDCARD : [symbol])))
}

function isChannel(
  message: unknown,
): message is { type: ChannelType; symbol: string; timeframe?: string; action: string } {
  return hasShape(message, { type: 'string', symbol: 'string' })
}
