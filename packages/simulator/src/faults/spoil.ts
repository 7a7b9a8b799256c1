import type { Frame } from '../ws/hub.ts'

const cutShort = (text: string): string => text.slice(0, Math.floor(text.length * 0.6))
const garbage = (): string => '\u0000<html>502 Bad Gateway</html>'
const wrongTypes = (text: string): string =>
  text.replace(/"(p|o|b|c|u)":"?[^,"[\]}]*"?/, '"$1":{"unexpected":true}').replace(/"T":[0-9]+/, '"T":"soon"')

const ways = [cutShort, garbage, wrongTypes]

type Counted = 'duplicate' | 'reorder' | 'missing' | 'malformed'
type Order = { kind: Counted; stream?: string; count: number }

/** Spoils frames by symbol and stream: each order says how many frames are still to be hit. */
export const createSpoiler = () => {
  /** Kind, symbol and stream to the number of frames left. */
  const left = new Map<string, number>()
  const held = new Map<string, Frame>()
  let turn = 0

  const key = (kind: Counted, symbol: string, stream: string): string => `${kind} ${symbol} ${stream}`

  const take = (kind: Counted, { channel }: Frame): boolean => {
    for (const stream of [channel.kind, '*']) {
      const name = key(kind, channel.symbol ?? '', stream)
      const count = left.get(name)
      if (count === undefined) continue
      if (count > 1) left.set(name, count - 1)
      else left.delete(name)
      return true
    }
    return false
  }

  return {
    order(symbols: readonly string[], { kind, stream = 'trade', count }: Order): void {
      for (const symbol of symbols) left.set(key(kind, symbol, stream), count)
    },
    /** What goes out instead of a frame. */
    alter(frame: Frame): readonly Frame[] {
      const before = held.get(frame.channel.name)
      if (before) {
        held.delete(frame.channel.name)
        return [frame, before]
      }
      if (left.size === 0) return [frame]
      if (take('missing', frame)) return []
      if (take('duplicate', frame)) return [frame, frame]
      if (take('malformed', frame)) return [{ ...frame, mangle: ways[turn++ % ways.length]! }]
      if (!take('reorder', frame)) return [frame]
      held.set(frame.channel.name, frame)
      return []
    },
    pending: (): Record<string, number> => Object.fromEntries(left),
  }
}
