import { LIMITS } from '@candlewire/protocol'
import type { LiveLimits } from './deps.ts'

export const defaultLimits: LiveLimits = {
  maxConnections: 10_000,
  messageBytes: LIMITS.messageBytes,
  pendingMessages: LIMITS.pendingMessages,
  readTimeout: LIMITS.readTimeout,
  writeTimeout: LIMITS.writeTimeout,
  pingInterval: LIMITS.pingInterval,
  messagesPerSecond: LIMITS.messagesPerSecond,
  messageBurst: LIMITS.messageBurst,
  badMessages: LIMITS.badMessages,
  badMessageWindow: LIMITS.badMessageWindow,
  closeTimeout: 2_000,
}
