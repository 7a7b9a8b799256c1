import type {
  Candles,
  DayStats,
  FetchHistoricalRequest,
  FetchPlan,
  Health,
  Latest,
  Ready,
  Stats,
  WsStats,
} from '@candlewire/protocol'
import { readEnv } from './env.ts'
import { hasShape } from './frames.ts'
import { type Reply, requester } from './request.ts'

export interface RestOptions {
  /** `VITE_API_URL` when absent; `''` means the page's own origin. */
  readonly baseUrl?: string
  readonly fetch?: typeof fetch
}

export interface CallOptions {
  readonly signal?: AbortSignal
}

/** `start` and `end` are inclusive open times: ISO 8601, or ms. */
export interface CandlesQuery extends CallOptions {
  readonly interval?: string
  /** At most 1000; the server's default is 100. */
  readonly limit?: number
  readonly start?: string | number
  readonly end?: string | number
  /** True leaves out the forming candle. */
  readonly closed?: boolean
  readonly exchange?: string
}

export interface SymbolQuery extends CallOptions {
  readonly exchange?: string
}

/**
 * Typed REST calls. Each rejects with a `RestError` that carries the server's code, or with the signal's reason
 * when it is aborted.
 */
export function createRestClient(options: RestOptions = {}) {
  const request = requester(options.baseUrl ?? readEnv().apiUrl, options.fetch ?? globalThis.fetch.bind(globalThis))
  const at = (path: TemplateStringsArray, symbol: string) => `${path[0]}${encodeURIComponent(symbol)}${path[1]}`

  return {
    /** Ascending by open time; a forming candle is last. Throws `SYMBOL_NOT_FOUND`, `INVALID_PARAMETER`, … */
    candles: (symbol: string, { signal, ...query }: CandlesQuery = {}): Promise<Candles> =>
      request(at`/api/v1/crypto/${symbol}/data`, isCandles, { query: { ...query }, signal }),
    /** The newest known price. Throws `NO_DATA` when there is none yet. */
    latest: (symbol: string, { signal, ...query }: SymbolQuery = {}): Promise<Latest> =>
      request(at`/api/v1/crypto/${symbol}/latest`, isLatest, { query: { ...query }, signal }),
    /** Rolling 24 hours. */
    stats: (symbol: string, { signal, ...query }: SymbolQuery = {}): Promise<DayStats> =>
      request(at`/api/v1/stats/${symbol}`, isDayStats, { query: { ...query }, signal }),
    /** Performance, and how complete each series is. */
    system: (call: CallOptions = {}): Promise<Stats> => request('/stats', isStats, { ...call, plain: true }),
    health: (call: CallOptions = {}): Promise<Health> => request('/health', isHealth, { ...call, plain: true }),
    /** Resolves also when the answer is 503: `status` then says `error`. */
    ready: (call: CallOptions = {}): Promise<Ready> =>
      request('/ready', isReady, { ...call, plain: true, alsoStatus: 503 }),
    liveStats: (call: CallOptions = {}): Promise<WsStats> => request('/ws/stats', isWsStats, { ...call, plain: true }),
    /** Asks the server to fetch missing history; answers with the plan. */
    fetchHistorical: (body: FetchHistoricalRequest, call: CallOptions = {}): Promise<FetchPlan> =>
      request('/fetch-historical', isPlan, { ...call, body }),
  }
}

export type RestClient = ReturnType<typeof createRestClient>

const guard =
  <T>(shape: Parameters<typeof hasShape>[1]) =>
  (value: Reply): value is T & Reply =>
    hasShape(value, shape)

const candleShape = {
  time: 'string',
  open: 'number',
  high: 'number',
  low: 'number',
  close: 'number',
  volume: 'number',
} as const
const isCandles = (value: Reply): value is Candles =>
  hasShape(value, { symbol: 'string', interval: 'string', data: 'array' }) &&
  Array.isArray(value.data) &&
  value.data.every((row) => hasShape(row, candleShape))
const isLatest = guard<Latest>({ symbol: 'string', price: 'number', timestamp: 'string' })
const isDayStats = guard<DayStats>({
  symbol: 'string',
  high_24h: 'number',
  low_24h: 'number',
  change_24h: 'number',
  volume_24h: 'number',
})
const isStats = guard<Stats>({ status: 'string', coverage: 'array' })
const isHealth = guard<Health>({ status: 'string', service: 'string' })
const isReady = guard<Ready>({ status: 'string', checks: 'object' })
const isWsStats = guard<WsStats>({ status: 'string', data: 'object' })
const isPlan = guard<FetchPlan>({ symbol: 'string', timeframe: 'string', missing: 'array' })
