import type { Collection, SeriesCoverage, Stats } from '@candlewire/protocol'
import type { FastifyPluginAsync } from 'fastify'
import type { Bus } from '../bus/bus.ts'
import type { Interval } from '../domain/coverage.ts'
import type { MarketId } from '../domain/market.ts'
import type { Logger } from '../lib/log.ts'
import type { Metrics } from '../lib/metrics.ts'
import type { Series, Store } from '../store/store.ts'

/** What can be asked for. */
export interface Catalog {
  readonly exchanges: readonly { readonly id: string; readonly name: string }[]
  /** Asked when a request names none. */
  readonly primaryExchange: string
  /** Codes of the timeframes that are kept and streamed. */
  readonly timeframes: readonly string[]
  /** Whether the exchange has the market; symbols in plain spelling. */
  readonly isMarket: (market: MarketId) => boolean
}

/** Limits of live connections; see `LIMITS` of the protocol for what they mean. Times in ms. */
export interface LiveLimits {
  readonly maxConnections: number
  readonly messageBytes: number
  readonly pendingMessages: number
  readonly readTimeout: number
  readonly writeTimeout: number
  readonly pingInterval: number
  readonly messagesPerSecond: number
  readonly messageBurst: number
  readonly badMessages: number
  readonly badMessageWindow: number
  /** How long clients may take to answer a close. */
  readonly closeTimeout: number
}

export interface ApiOptions {
  readonly host: string
  /** 0 picks a free one. */
  readonly port: number
  /** Further ports with the same routes. */
  readonly morePorts?: readonly number[]
  /** `*`, or the origins that browsers may come from. */
  readonly corsOrigins: readonly string[]
  /** Offers permessage-deflate to clients that ask for it. */
  readonly compression: boolean
  /** How long ready candles are served without looking at the store again, ms. */
  readonly candleCacheMs: number
  /** Above this lateness of the event loop most requests are refused, ms; two seconds unless given. */
  readonly maxLoopDelay?: number
  /** The built dashboard; a short page explains how to build it when the folder is absent. */
  readonly dashboardDir?: string
  readonly version: string
  /** Which roles run in this process, for `/health`. */
  readonly service: string
}

/** A backfill that was asked for. */
export interface FetchPlan extends Series {
  /** Absent when nothing is missing. */
  readonly jobId?: string
  readonly missing: readonly (Interval & { readonly candles: number })[]
  readonly requestsPlanned: number
  readonly estimatedSeconds: number
  /** IMMEDIATE, SHORT, MEDIUM or LONG. */
  readonly window: string
  readonly delaySeconds: number
  /** Settles when the job has ended; rejects with its failure. */
  readonly done: Promise<void>
}

/** What the collecting side says of itself. */
interface CollectorStatus {
  /** Absent where nothing is collected. */
  readonly stats?: Collection
  /** The API adds how often its own cache had the answer. */
  readonly performance: Omit<Stats['performance'], 'cache_hit_rate'>
  /** Why the service is degraded, by part; empty when all is well. */
  readonly problems: Readonly<Record<string, string>>
}

/** What the parts of a process say of themselves. */
export interface PartStatus {
  /** Figures for `/health`, beside those of the collection. */
  readonly stats: Readonly<Record<string, unknown>>
  /** Services by name: why one does not answer, `undefined` for one that does. Redis is needed to be ready. */
  readonly services: Readonly<Record<string, string | undefined>>
}

/** What other roles offer to the API. */
export interface ApiBackend {
  readonly collectorStatus: () => CollectorStatus
  readonly partStatus?: () => Promise<PartStatus>
  /** Plans and queues what is missing of a series. Rejects with `EXCHANGE_*` or `STORE_UNAVAILABLE`. */
  readonly fetchHistorical: (request: Series & Interval) => Promise<FetchPlan>
  /** How complete each kept series is. */
  readonly coverage: () => Promise<SeriesCoverage[]>
  /** What comparing our candles with the exchange's own has found so far; absent where nobody compares. */
  readonly reconciliation?: () => NonNullable<Stats['reconciliation']>
}

export interface ApiDeps {
  readonly store: Store
  readonly bus: Bus
  readonly catalog: Catalog
  readonly backend: ApiBackend
  readonly options: ApiOptions
  /** Routes that other parts of the process add. */
  readonly extras?: readonly FastifyPluginAsync[]
  readonly limits: LiveLimits
  readonly log: Logger
  readonly metrics: Metrics
  /** Our clock, ms. */
  readonly now: () => number
}
