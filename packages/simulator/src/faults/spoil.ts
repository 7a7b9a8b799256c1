import type { Channel } from '../ws/channels.ts'
import type { Frame } from '../ws/hub.ts'

const cutShort = (text: string): string => text.slice(0, Math.floor(text.length * 0.6))
const garbage = (): string => '\u0000<html>502 Bad Gateway</html>'
const wrongTypes = (text: string): string =>
  text.replace(/"(p|o|b|c|u)":"?[^,"[\]}]*"?/, '"$1":{"unexpected":true}').replace(/"T":[0-9]+/, '"T":"soon"')

const ways = [cutShort, garbage, wrongTypes]

type Counted = 'duplicate' | 'reorder' | 'missing' | 'malformed'
type Order = { kind: Counted; stream?: string; count: number; half?: boolean }

/** Spoils frames by symbol and stream: each order says how many frames are still to be hit. */
export const createSpoiler = () => {
  /** Kind, symbol and stream to the number of frames left, and whether half of the connections are spared. */
  const left = new Map<string, { count: number; half: boolean }>()
  const held = new WeakMap<Channel, Frame>()
  let turn = 0

  const key = (kind: Counted, symbol: string, stream: string): string => `${kind} ${symbol} ${stream}`

  const take = (kind: Counted, { channel }: Frame): { half: boolean } | undefined => {
    for (const stream of [channel.kind, '*']) {
      const name = key(kind, channel.symbol ?? '', stream)
      const order = left.get(name)
      if (!order) continue
      if (--order.count === 0) left.delete(name)
      return order
    }
    return undefined
  }

  return {
    order(symbols: readonly string[], { kind, stream = 'trade', count, half = false }: Order): void {
      for (const symbol of symbols) left.set(key(kind, symbol, stream), { count, half })
    },
    /** What goes out instead of a frame. */
    alter(frame: Frame): readonly Frame[] {
      const before = held.get(frame.channel)
      if (before) {
        held.delete(frame.channel)
        return [frame, before]
      }
      if (left.size === 0) return [frame]
      const missing = take('missing', frame)
      if (missing) return missing.half ? [{ ...frame, sparesEven: true }] : []
      if (take('duplicate', frame)) return [frame, frame]
      if (take('malformed', frame)) return [{ ...frame, mangle: ways[turn++ % ways.length]! }]
      if (!take('reorder', frame)) return [frame]
      held.set(frame.channel, frame)
      return []
    },
    pending: (): Record<string, number> => Object.fromEntries([...left].map(([name, { count }]) => [name, count])),
  }
}
