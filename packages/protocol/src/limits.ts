/** Where the live protocol is spoken. */
export const LIVE_PATH = '/ws/crypto'

/** Limits of one live connection. Times in ms, sizes in bytes. */
export const LIMITS = {
  /** A longer client message closes the connection with 1009. */
  messageBytes: 512,
  /** Messages waiting for a slow client; beyond it the oldest are dropped and named in `lagged`. */
  pendingMessages: 1000,
  /** A client that shows no frame for this long is closed with 1001; pongs count. */
  readTimeout: 60_000,
  /** A write that takes longer ends the connection. */
  writeTimeout: 10_000,
  /** The server pings this often. */
  pingInterval: 30_000,
  /** A forming candle is sent at most this often per series. */
  formingInterval: 250,
  /** Client messages per second, and how many may come at once. */
  messagesPerSecond: 20,
  messageBurst: 40,
  /** This many bad messages within the window close the connection with 1008. */
  badMessages: 20,
  badMessageWindow: 10_000,
  /** Candles in one REST answer: without and with `limit`. */
  defaultCandles: 100,
  maxCandles: 1000,
} as const

/** Close codes of the live protocol and what they mean to a client. */
export const CLOSE = {
  normal: 1000,
  /** The server heard nothing for `readTimeout`. */
  goingAway: 1001,
  /** Only text frames are understood. */
  binary: 1003,
  /** Too many bad messages. */
  policy: 1008,
  /** A message above `messageBytes`. */
  tooBig: 1009,
  internal: 1011,
  /** The server restarts: connect again. */
  restart: 1012,
  /** The client read too slowly and had asked for `slow=close`. */
  slow: 1013,
} as const

export type CloseCode = (typeof CLOSE)[keyof typeof CLOSE]

/** Whether connecting again can help after this close code. */
export const worthReconnecting = (code: number): boolean => code !== CLOSE.normal && code !== CLOSE.policy

/** What may be subscribed to. */
export const CHANNEL_TYPES = ['candles', 'trades', 'indicators', 'news'] as const
export type ChannelType = (typeof CHANNEL_TYPES)[number]

/** Codes in `error` messages of the live protocol. */
export const LIVE_ERRORS = [
  'MALFORMED_MESSAGE',
  'UNKNOWN_ACTION',
  'INVALID_PARAMETER',
  'SYMBOL_NOT_FOUND',
  'EXCHANGE_NOT_FOUND',
  'RATE_LIMITED',
] as const
export type LiveErrorCode = (typeof LIVE_ERRORS)[number]
