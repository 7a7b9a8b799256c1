import type { ChannelType } from '@candlewire/protocol'
import type { ChannelName, SeqGap, WSMessage } from './events.ts'
import { type Fields, hasShape } from './frames.ts'

export interface Channel {
  readonly type: ChannelType
  readonly symbol: string
  readonly timeframe?: string
  /** The server's primary exchange when absent. */
  readonly exchange?: string
}

/** Which channel a data event belongs to. */
const channelOf: Readonly<Record<string, ChannelType>> = {
  candle: 'candles',
  correction: 'candles',
  coverage: 'candles',
  trade: 'trades',
  indicator: 'indicators',
  news: 'news',
}

interface Position {
  epoch?: string
  seq: number
}

export const channelKey = ({ type, symbol, timeframe, exchange }: Channel): string =>
  [type, symbol, timeframe ?? '', exchange ?? ''].join('|')

/** Whether an acknowledgement answers the wish for `channel`: servers fill in what the wish left open. */
export const answers = (channel: Channel, ack: ChannelName): boolean =>
  channel.type === ack.type &&
  channel.symbol === ack.symbol &&
  (channel.timeframe === undefined || channel.timeframe === ack.timeframe) &&
  (channel.exchange === undefined || channel.exchange === ack.exchange)

/**
 * What the user wants to receive, and how far each channel has come. The wish outlives a connection; positions let
 * a reconnect ask for what it missed. Both hold one small entry per channel.
 */
export function createChannels() {
  const wanted = new Map<string, Channel>()
  const positions = new Map<string, Position>()

  /** Servers name the exchange in what they send, users rarely do: then any exchange of the same channel counts. */
  const positionFor = (channel: Channel): Position | undefined => {
    const prefix = channelKey({ ...channel, exchange: '' })
    const hits = [...positions].filter(([key]) =>
      channel.exchange ? key === channelKey(channel) : key.startsWith(prefix),
    )
    return hits.length === 1 ? hits[0]![1] : undefined
  }

  return {
    add(channel: Channel) {
      wanted.set(channelKey(channel), channel)
    },
    remove(channel: Channel) {
      wanted.delete(channelKey(channel))
      const prefix = channelKey(channel)
      for (const key of positions.keys()) if (key.startsWith(prefix)) positions.delete(key)
    },
    clear() {
      wanted.clear()
      positions.clear()
    },
    wanted: (): readonly Channel[] => [...wanted.values()],

    /** What to put into `recover` when this channel is subscribed again. */
    recoverFrom(channel: Channel): { epoch: string; seq: number } | undefined {
      const { epoch, seq } = positionFor(channel) ?? {}
      return epoch !== undefined && seq !== undefined ? { epoch, seq } : undefined
    },

    /** Takes the position out of a `subscribed` message. `complete`: the server says that it sends all that was missed. */
    acknowledge(message: WSMessage): (ChannelName & { complete: boolean }) | undefined {
      if (!hasShape(message.data, { type: 'string', symbol: 'string' })) return undefined
      const { type, epoch, recovered } = message.data
      const key = keyOf(type, message.data)
      const seq = message.data.seq ?? message.seq
      if (key && recovered !== true) {
        // Without a number the next message begins the count: what was counted before a pause says nothing now.
        if (typeof seq !== 'number') positions.delete(key)
        else positions.set(key, typeof epoch === 'string' ? { epoch, seq } : { seq })
      }
      return { ...describe(String(type), message.data), complete: recovered === true }
    },

    /** Follows `seq`; tells which numbers of the channel were jumped over. */
    follow(message: WSMessage): SeqGap | undefined {
      const type = Object.hasOwn(channelOf, message.type) ? channelOf[message.type] : undefined
      if (message.seq === undefined || !type || !hasShape(message.data, { symbol: 'string' })) return undefined
      const key = keyOf(type, message.data)
      if (!key) return undefined
      const position = positions.get(key)
      if (!position) {
        positions.set(key, { seq: message.seq })
        return undefined
      }
      const expected = position.seq + 1
      position.seq = Math.max(position.seq, message.seq)
      if (message.seq <= expected) return undefined
      return { ...describe(type, message.data), from_seq: expected, to_seq: message.seq - 1 }
    },

    /** A new connection counts anew unless the server names an epoch. */
    forgetSequences() {
      for (const [key, position] of positions) if (position.epoch === undefined) positions.delete(key)
    },
  }
}

const text = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined)

function keyOf(type: unknown, data: Fields): string | undefined {
  if (typeof type !== 'string' || typeof data.symbol !== 'string') return undefined
  return [type, data.symbol, text(data.timeframe) ?? '', text(data.exchange) ?? ''].join('|')
}

function describe(type: string, data: Fields): ChannelName {
  const timeframe = text(data.timeframe)
  const exchange = text(data.exchange)
  return { type, symbol: text(data.symbol) ?? '', ...(timeframe && { timeframe }), ...(exchange && { exchange }) }
}
