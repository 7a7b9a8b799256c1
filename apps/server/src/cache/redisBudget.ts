import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import Type from 'typebox'
import { Value } from 'typebox/value'
import type { SharedBudget } from '../lib/budget.ts'
import type { Connection } from './connection.ts'
import { luaScript } from './script.ts'

const script = luaScript(readFileSync(join(import.meta.dirname, 'budget.lua'), 'utf8'))
const Reply = Type.Tuple([Type.String(), Type.Number(), Type.Number(), Type.Number(), Type.Number()])

/**
 * The budget that every process with this Redis shares: `ratelimit:{exchange}`, kept by one script.
 * `now` is for tests; by default all use the server's clock.
 */
export function redisBudget(
  connection: Connection,
  { exchange, windowMs, now }: { exchange: string; windowMs: number; now?: (() => number) | undefined },
): SharedBudget {
  const key = `ratelimit:${exchange}`
  const process = randomUUID()

  async function call(what: string, ...rest: (string | number)[]) {
    const args = [what, now?.() ?? '', windowMs, process, ...rest].map(String)
    const reply = await connection.run((client) => script(client, [key], args))
    const [ticket, waitMs, blockedMs, used, processes] = Value.Parse(Reply, reply)
    return { ...(ticket && { ticket }), waitMs, blockedMs, used, processes }
  }

  return {
    take: (weight, cap, { used, alone }) => call('take', weight, cap, used, alone ? 1 : 0),
    async settle(ticket, reported) {
      await call('settle', ticket, reported ?? '')
    },
    async block(ms) {
      await call('block', Math.ceil(ms))
    },
  }
}
