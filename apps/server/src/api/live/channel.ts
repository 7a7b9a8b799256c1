import type { ChannelType, Subscription } from '@candlewire/protocol'

/** One stream of messages with its own sequence. `timeframe` is empty where the type has none. */
export interface Channel {
  readonly type: ChannelType
  readonly exchange: string
  readonly symbol: string
  readonly timeframe: string
}

export const ANY = '*'

/** Key of a channel or of a pattern of channels. */
const channelKey = (type: ChannelType, exchange: string, symbol: string, timeframe: string): string =>
  `${type} ${exchange} ${symbol} ${timeframe}`

export const keyOf = (channel: Channel): string =>
  channelKey(channel.type, channel.exchange, channel.symbol, channel.timeframe)

/** Every pattern that holds the channel: itself first, then those with `*` in one or more places. */
export function patternsOf({ type, exchange, symbol, timeframe }: Channel): string[] {
  const keys: string[] = []
  for (const frame of timeframe ? [timeframe, ANY] : [''])
    for (const name of [symbol, ANY])
      for (const venue of [exchange, ANY]) keys.push(channelKey(type, venue, name, frame))
  return keys
}

/** Whether `pattern` holds `channel`. */
export const matches = (pattern: Channel, channel: Channel): boolean =>
  pattern.type === channel.type &&
  (pattern.exchange === ANY || pattern.exchange === channel.exchange) &&
  (pattern.symbol === ANY || pattern.symbol === channel.symbol) &&
  (pattern.timeframe === ANY || pattern.timeframe === channel.timeframe)

/** How the protocol names it. */
export const subscriptionOf = ({ type, exchange, symbol, timeframe }: Channel): Subscription =>
  timeframe ? { type, symbol, timeframe, exchange } : { type, symbol, exchange }
