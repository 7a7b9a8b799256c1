import type { Static } from 'typebox'
import type { ChannelType } from './limits.ts'
import type * as live from './live.ts'
import type * as proof from './proof.ts'
import type * as rest from './rest.ts'

export type SubscribeMessage = Static<typeof live.SubscribeMessage>
export type UnsubscribeMessage = Static<typeof live.UnsubscribeMessage>
export type ListMessage = Static<typeof live.ListMessage>
export type PingMessage = Static<typeof live.PingMessage>
/** Everything a client may send. */
export type ClientMessage = SubscribeMessage | UnsubscribeMessage | ListMessage | PingMessage

export type Subscription = Static<typeof live.SubscriptionSchema>
export type LiveCandle = Static<typeof live.LiveCandleSchema>
export type Correction = Static<typeof live.CorrectionSchema>
export type CoverageNotice = Static<typeof live.CoverageSchema>
export type LiveTrade = Static<typeof live.LiveTradeSchema>
export type Lagged = Static<typeof live.LaggedSchema>
export type LiveError = Static<typeof live.LiveErrorSchema>
export type Pong = Static<typeof live.PongSchema>

/** `data` of each server message, by `type`. */
export interface ServerEvents {
  candle: LiveCandle
  correction: Correction
  coverage: CoverageNotice
  trade: LiveTrade
  subscribed: Static<typeof live.SubscribedSchema>
  unsubscribed: Subscription
  subscriptions: Subscription[]
  pong: Pong
  error: LiveError
  lagged: Lagged
}

/** A message of the server. `timestamp` is its send time, ms; `seq` counts per channel by one. */
export type ServerMessage = {
  [T in keyof ServerEvents]: { type: T; data: ServerEvents[T]; timestamp: number; seq?: number }
}[keyof ServerEvents]

/** The live event that carries a channel's data. */
export type EventOf<T extends ChannelType> = {
  candles: 'candle'
  trades: 'trade'
  indicators: 'indicator'
  news: 'news'
}[T]

export interface Success<T> {
  success: true
  data: T
  timestamp: string
}
export type ErrorBody = Static<typeof rest.ErrorSchema>
export type Answer<T> = Success<T> | ErrorBody

export type Candle = Static<typeof rest.CandleSchema>
export type CandleText = Static<typeof rest.CandleTextSchema>
export type Gap = Static<typeof rest.GapSchema>
export type Candles = Static<typeof rest.CandlesSchema>
export type CandlesText = Static<typeof rest.CandlesTextSchema>
export type Latest = Static<typeof rest.LatestSchema>
export type DayStats = Static<typeof rest.DayStatsSchema>
export type WsStats = Static<typeof rest.WsStatsSchema>
export type Collection = Static<typeof rest.CollectionSchema>
export type Health = Static<typeof rest.HealthSchema>
export type Ready = Static<typeof rest.ReadySchema>
export type FetchHistoricalRequest = Static<typeof rest.FetchHistoricalBody>
export type FetchPlan = Static<typeof rest.FetchPlanSchema>
export type SeriesCoverage = Static<typeof rest.SeriesCoverageSchema>
export type Stats = Static<typeof rest.StatsSchema>
export type LedgerDay = Static<typeof proof.LedgerDaySchema>
export type Ledger = Static<typeof proof.LedgerSchema>
export type CandleRevision = Static<typeof proof.RevisionSchema>
export type Explanation = Static<typeof proof.ExplanationSchema>
