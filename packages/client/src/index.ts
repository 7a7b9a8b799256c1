export type {
  Candle,
  Candles,
  ChannelType,
  DayStats,
  Gap,
  Health,
  Latest,
  LiveCandle,
  LiveTrade,
  SeriesCoverage,
  Stats,
} from '@candlewire/protocol'
export type { Backoff } from './backoff.ts'
export type { Channel } from './channels.ts'
export { type ClientEnv, readEnv } from './env.ts'
export type { ChannelName, ClientEvents, EventMessage, SeqGap, WSMessage } from './events.ts'
export { mockSocket } from './mock.ts'
export {
  type CallOptions,
  type CandlesQuery,
  createRestClient,
  type RestClient,
  type RestOptions,
  type SymbolQuery,
} from './rest.ts'
export { RestError } from './rest-error.ts'
export { type ChannelOptions, RTClient, type RTClientOptions } from './rt-client.ts'
export { disconnectRT, getRTClient } from './shared.ts'
export { type OpenSocket, openWebSocket, type Socket, type SocketEvents } from './socket.ts'
