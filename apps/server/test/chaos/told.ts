import { CorrectionSchema, LiveCandleSchema } from '@candlewire/protocol/schemas'
import Type from 'typebox'
import { Compile } from 'typebox/compile'
import { WebSocket } from 'ws'
import type { Candle } from '../../src/domain/candle.ts'
import type { Store } from '../../src/store/store.ts'

const message = Compile(
  Type.Union([
    Type.Object({ type: Type.Literal('candle'), data: LiveCandleSchema }),
    Type.Object({ type: Type.Literal('correction'), data: CorrectionSchema }),
  ]),
)

interface Told {
  readonly symbol: string
  readonly timeframe: string
  readonly time: number
  readonly figures: string
  readonly revision: number
}

const figuresOf = ({ open, high, low, close, volume }: Pick<Candle, 'open' | 'high' | 'low' | 'close' | 'volume'>) =>
  [open, high, low, close, volume].join(' ')

/** What clients were told is closed, over all lives of a server: the last word about each candle that traded. */
export function createMemory() {
  const told = new Map<string, Told>()

  function take(text: string): void {
    const received: unknown = JSON.parse(text)
    if (!message.Check(received) || !received.data.closed || received.data.volume === 0) return
    const { symbol, timeframe, time } = received.data
    const key = `${symbol} ${timeframe} ${time}`
    const revision = received.type === 'correction' ? received.data.revision : 0
    if ((told.get(key)?.revision ?? -1) > revision) return
    told.set(key, { symbol, timeframe, time: Date.parse(time), figures: figuresOf(received.data), revision })
  }

  return {
    size: () => told.size,
    /** Listens to a server until that is gone. Resolves with whether it was heard at all. */
    async listen(url: string): Promise<boolean> {
      const { promise, resolve } = Promise.withResolvers<boolean>()
      const socket = new WebSocket(`${url.replace('http', 'ws')}/ws/crypto`, { perMessageDeflate: false })
      let heard = false
      socket.on('open', () =>
        socket.send(JSON.stringify({ action: 'subscribe', type: 'candles', symbol: '*', timeframe: '*' })),
      )
      socket.on('message', (data) => {
        heard = true
        take(String(data))
      })
      socket.on('error', () => {})
      socket.on('close', () => resolve(heard))
      return promise
    },
    /**
     * Candles that the store does not have any more, or has with other figures and no later revision, in words: what a client
     * was told is closed survives whatever happens to the server.
     */
    async faults(store: Store): Promise<string[]> {
      const faults: string[] = []
      for (const { symbol, timeframe, time, figures, revision } of told.values()) {
        const name = `${symbol} ${timeframe} ${new Date(time).toISOString()} was told (${revision}): ${figures}`
        const series = { exchange: 'binance', symbol, timeframe }
        const [stored] = await store.candles(series, { from: time, to: time })
        if (!stored) faults.push(`${name}; it is not stored`)
        else if (stored.revision < revision || (stored.revision === revision && figuresOf(stored) !== figures))
          faults.push(`${name}; stored (${stored.revision}): ${figuresOf(stored)}`)
      }
      return faults
    },
  }
}
