import { createHash } from 'node:crypto'
import type { RedisClientType } from 'redis'

/** The part of a client that scripts need. */
type Sender = Pick<RedisClientType, 'sendCommand'>

/** A Lua script: sent by its hash, and as a whole when the server does not know it (yet, or any more). Gives the raw reply. */
export function luaScript(source: string) {
  const hash = createHash('sha1').update(source).digest('hex')
  return async (client: Sender, keys: readonly string[], args: readonly string[]): Promise<unknown> => {
    const rest = [String(keys.length), ...keys, ...args]
    try {
      return await client.sendCommand(['EVALSHA', hash, ...rest])
    } catch (error) {
      if (!(error instanceof Error) || !error.message.startsWith('NOSCRIPT')) throw error
      return client.sendCommand(['EVAL', source, ...rest])
    }
  }
}
