import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { describe, type TestContext, test } from 'node:test'
import { openRelay } from './relay.ts'
import { absent, redisAt } from './service.ts'
import { until } from './until.ts'

const skip = await absent('redis', redisAt)
const LIMIT = 30
const WINDOW = 400
/** A process has at most so many requests of a backfill under way. */
const IN_FLIGHT = 8

/** An exchange that notes when requests came, and says 429 to those that `limited` names by their number. */
async function openExchange(t: TestContext, limited: (request: number) => boolean = () => false) {
  const arrivals: number[] = []
  let refusedAt = 0
  const server = createServer((_request, response) => {
    arrivals.push(performance.now())
    if (limited(arrivals.length)) {
      refusedAt ||= performance.now()
      response.writeHead(429, { 'retry-after': '1' }).end('{"code":-1003,"msg":"Too much request weight used."}')
    } else response.end('{"serverTime":1700000000000}')
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close())
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, arrivals, refusedAt: () => refusedAt }
}

/** Starts processes that spend from one budget; `done` resolves with what they say at their end. */
function startSpenders(t: TestContext, url: string, redisPort: number, requests: number[]) {
  const name = `t${process.pid}x${performance.now()}`
  const spenders = requests.map((count) => {
    const args = [url, `redis://127.0.0.1:${redisPort}`, name, LIMIT, WINDOW, count].map(String)
    const child = spawn(process.execPath, [join(import.meta.dirname, 'spender.ts'), ...args], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    t.after(() => child.kill())
    const said: string[] = []
    createInterface(child.stdout).on('line', (line) => said.push(line))
    return { said, end: once(child, 'exit') }
  })
  return {
    done: async () => {
      await Promise.all(spenders.map(({ end }) => end))
      return spenders.map(({ said }) => said.at(-1))
    },
  }
}

/** The most requests that came within one window, wherever it begins. */
const busiest = (arrivals: readonly number[]): number =>
  Math.max(...arrivals.map((from) => arrivals.filter((at) => at >= from && at < from + WINDOW).length))

describe('two processes with one budget', { skip }, () => {
  const all = [`done 50 0`, `done 50 0`]

  test('together never exceed it', async (t) => {
    const relay = await openRelay(redisAt)
    t.after(relay.close)
    const { url, arrivals } = await openExchange(t)
    assert.deepEqual(await startSpenders(t, url, relay.port, [50, 50]).done(), all)
    assert.ok(busiest(arrivals) <= LIMIT, `${busiest(arrivals)} in a window`)
    assert.equal(arrivals.length, 100)
  })

  test('keep below it while Redis is away, and go on', async (t) => {
    const relay = await openRelay(redisAt)
    t.after(relay.close)
    const { url, arrivals } = await openExchange(t)
    const spenders = startSpenders(t, url, relay.port, [50, 50])
    await until('both to spend', () => arrivals.length >= LIMIT + 5)
    relay.cut()
    const before = arrivals.length
    await until('requests without Redis', () => arrivals.length >= before + 10)
    relay.mend()
    assert.deepEqual(await spenders.done(), all)
    assert.ok(busiest(arrivals) <= LIMIT, `${busiest(arrivals)} in a window`)
  })

  test('stay away together when the exchange says so to one of them', async (t) => {
    const relay = await openRelay(redisAt)
    t.after(relay.close)
    const { url, arrivals, refusedAt } = await openExchange(t, (request) => request === 20)
    assert.deepEqual(await startSpenders(t, url, relay.port, [50, 50]).done(), all)
    const at = refusedAt()
    const meanwhile = arrivals.filter((time) => time > at && time < at + 1_000).length
    assert.ok(meanwhile <= 2 * IN_FLIGHT, `${meanwhile} requests though the exchange wanted none`)
    assert.equal(arrivals.length, 101)
  })
})
