export interface Route {
  readonly topic: string
  /** The Redis channel, without the prefix. */
  readonly channel: string
  /** Whether its records are stored. */
  readonly kept: boolean
}

/** Topics of other services. */
const KEPT = ['signals', 'executions', 'orders', 'analyzer.signals']
/** `market.data.{symbol}` and `market.data.{symbol}.{timeframe}` */
const MARKET_DATA = /^market\.data\.[^.]+(\.[1-9]\d*[smhdwM])?$/

/** Where a topic's records go: a channel of the same name. Undefined for a topic that is not ours to route. */
export function routeOf(topic: string): Route | undefined {
  const kept = KEPT.includes(topic)
  return kept || MARKET_DATA.test(topic) ? { topic, channel: topic, kept } : undefined
}

/** Every topic that is routed, for these markets of the primary exchange. */
export const routedTopics = (symbols: readonly string[], timeframes: readonly string[]): string[] => [
  ...KEPT,
  ...symbols.flatMap((symbol) => [
    `market.data.${symbol}`,
    ...timeframes.map((timeframe) => `market.data.${symbol}.${timeframe}`),
  ]),
]
