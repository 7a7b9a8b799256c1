import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, test } from 'node:test'
import type { Simulator } from '@candlewire/simulator'
import { createClient } from 'redis'
import { BROKER, freshPrefix, noBroker } from '../src/bus/kafka/testSupport.ts'
import { silent } from '../src/lib/log.ts'
import { freshDatabase, noServer } from '../src/store/mysql/testDatabase.ts'
import { postgresStore } from '../src/store/postgres/index.ts'
import { createDatabases, missingServer } from '../src/store/postgres/testServer.ts'
import { run } from './command.ts'
import { tradeFaults } from './compare.ts'
import { type LocalProcess, localProcesses } from './distributed/local.ts'
import { noPrometheus, startPrometheus } from './distributed/prometheus.ts'
import { liveClient } from './liveClient.ts'
import { get, openExchange, temporary } from './platform.ts'
import { absent, rabbitAt, rabbitUrl, redisAt } from './service.ts'
import { until } from './until.ts'

const databases = createDatabases()
after(databases.drop)
const skip =
  noBroker ||
  (await missingServer()) ||
  noServer ||
  (await absent('redis', redisAt)) ||
  (await absent('rabbitmq', rabbitAt)) ||
  noPrometheus

/** Markets of this test alone: topics and channels are named after them. */
const SYMBOLS = ['ADAUSDT', 'DOTUSDT']
const LONG = 150_000

interface Running extends LocalProcess {
  readonly process: ReturnType<typeof run>
  /** Of the port that compose.yaml has it on. */
  readonly at: (inside: number) => string
}

test('every role of compose.yaml, with its command and its variables, on real services', {
  skip,
  timeout: 10 * 60_000,
}, async (t) => {
  const simulator = await openExchange(t, { symbols: SYMBOLS, tradesPerSecond: 100, historyMs: 3_600_000 })
  const data = await temporary(t)
  const timescale = await databases.fresh()
  const channels = freshPrefix()
  const heard = await listen(channels)
  const processes = await localProcesses(
    {
      kafka: BROKER,
      timescale,
      database: await freshDatabase(),
      redis: redisAt,
      rabbitmq: rabbitUrl(),
      exchange: simulator,
      symbols: SYMBOLS,
      data,
    },
    {
      KAFKA_TOPIC_PREFIX: freshPrefix(),
      KAFKA_GROUP_ID: freshPrefix(),
      REDIS_CHANNEL_PREFIX: channels,
      RABBITMQ_EXCHANGE: freshPrefix(),
      TIMEFRAMES: '1s,1m,5m',
      GAP_LOOKBACK_HOURS: '1',
    },
  )
  const running = new Map<string, Running>()
  for (const one of processes)
    running.set(one.name, {
      ...one,
      process: run(t, one.args, one.env, data, 10 * 60_000),
      at: (inside) => `http://127.0.0.1:${one.ports.get(inside)}`,
    })
  const at = (name: string, port: number) => running.get(name)!.at(port)
  const health = (name: string, port: number) => get(`${at(name, port)}/health`)

  await t.test('each is well, ready, and tells its figures on each of its ports', async () => {
    for (const { name, ports, at: address, process } of running.values())
      for (const port of ports.keys()) {
        const well = async () => {
          assert.equal(process.child.exitCode, null, process.said.err)
          const answer = await fetch(`${address(port)}/health`).catch(() => undefined)
          const body = answer?.ok ? Object(await answer.json()) : {}
          return body.status === 'ok' && body.service === name
        }
        await until(`${name} to be well: ${process.said.err.slice(-600)}`, well, LONG)
        assert.equal((await fetch(`${address(port)}/ready`)).status, 200)
        assert.match(await (await fetch(`${address(port)}/metrics`)).text(), /^candlewire_uptime_seconds \d/m)
      }
  })

  await t.test('the gateway says what is covered, and fetches on demand', async () => {
    await until(
      'history',
      async () => Object((await health('gateway', 5010)).stats).backfill?.candles_written > 0,
      LONG,
    )
    const stats = await get(`${at('gateway', 5010)}/stats`)
    assert.equal(Array.isArray(stats.coverage) && stats.coverage.length, SYMBOLS.length)
    const body = JSON.stringify({ symbol: SYMBOLS[0], timeframe: '1m', lookback_hours: 1 })
    const headers = { 'content-type': 'application/json' }
    const asked = await fetch(`${at('gateway', 5010)}/fetch-historical`, { method: 'POST', headers, body })
    assert.ok(asked.status === 200 || asked.status === 202)
  })

  await t.test('a trade and a candle reach a client of realtime', async (sub) => {
    const client = await liveClient(sub, `${at('realtime', 8080).replace('http', 'ws')}/ws/crypto`)
    client.send({ action: 'subscribe', type: 'trades', symbol: SYMBOLS[0] })
    client.send({ action: 'subscribe', type: 'candles', symbol: SYMBOLS[0], timeframe: '1s' })
    assert.equal((await client.nextOf('trade')).data.symbol, SYMBOLS[0])
    await client.nextOf('candle')
    await until('figures of the way', async () => {
      const figures = await (await fetch(`${at('realtime', 8002)}/metrics`)).text()
      return /trade_latency_seconds_count\{stage="send"\} [1-9]/.test(figures)
    })
  })

  await t.test('the dispatcher brings topics to the channels of the same names, and keeps a log', async () => {
    for (const channel of [`market.data.${SYMBOLS[0]}`, `market.data.${SYMBOLS[0]}.1m`])
      await until(channel, () => heard.channels.has(`${channels}${channel}`), LONG)
    const { connections, routes } = await get(`${at('dispatcher', 5004)}/diagnostic`)
    assert.equal(Object(connections).kafka.connected, true)
    assert.ok(Array.isArray(routes) && routes.length > 0)
    const stats = Object((await health('dispatcher', 5004)).stats)
    assert.ok(stats.messages_routed > 0)
    assert.match(await readFile(join(data, 'dispatcher/dispatcher.log'), 'utf8'), /"service":"dispatcher"/)
  })

  await t.test('crypto-microservice serves what others collected, on its three ports', async () => {
    for (const port of [8080, 8000, 8001])
      await until(`candles on ${port}`, async () => {
        const path = `/api/v1/crypto/${SYMBOLS[0]}/data?interval=1m&limit=3`
        const answer = await get(`${at('crypto-microservice', port)}${path}`)
        return Object(answer.data).data.length === 3
      })
  })

  await t.test('Prometheus loads the rules and looks at every role', async (sub) => {
    const prometheus = await startPrometheus(sub, await temporary(sub), processes)
    const ask = async (path: string) => {
      const answer = await fetch(`${prometheus}/api/v1/${path}`).catch(() => undefined)
      return answer?.ok ? Object((await answer.json()).data) : {}
    }
    const jobs = await until(
      'all to be up',
      async () => {
        const { activeTargets = [] } = await ask('targets?state=active')
        const up = activeTargets.filter(({ health: state }: { health: string }) => state === 'up')
        return up.length === processes.length + 1 && up.map(({ labels }: { labels: { job: string } }) => labels.job)
      },
      LONG,
    )
    for (const { name } of processes) assert.ok(jobs.includes(name), name)
    const rules = await until('the rules to be evaluated', async () => {
      const [group] = (await ask('rules')).groups ?? []
      return group?.rules.every(({ health: state }: { health: string }) => state === 'ok') && group.rules
    })
    assert.ok(rules.length > 10)
    const { result } = await ask(`query?query=${encodeURIComponent('sum(candlewire_trades_total)')}`)
    assert.ok(Number(result[0].value[1]) > 0)
  })

  await t.test('each stops within ten seconds, and every trade is stored once', async () => {
    await stop(running, ['collector'])
    await until('all to be written', async () => {
      const stats = Object((await health('historical', 8003)).stats)
      return stats.events_to_write === 0 && stats.trades_written > 0
    })
    await stop(
      running,
      [...running.keys()].filter((name) => name !== 'collector'),
    )
    await compareTrades(timescale, simulator)
  })
  await heard.close()
})

async function stop(running: ReadonlyMap<string, Running>, names: readonly string[]): Promise<void> {
  const begun = performance.now()
  for (const name of names) running.get(name)!.process.child.kill('SIGTERM')
  for (const name of names) {
    const { code, err } = await running.get(name)!.process.closed
    assert.equal(code, 0, `${name}: ${err.slice(-2_000)}`)
  }
  assert.ok(performance.now() - begun < 10_000, `${names.join(', ')} took ${Math.round(performance.now() - begun)} ms`)
}

/** Names of channels with this prefix on which something was said. */
async function listen(prefix: string) {
  const client = createClient({ url: `redis://${redisAt.host}:${redisAt.port}` })
  await client.connect()
  const channels = new Set<string>()
  await client.pSubscribe(`${prefix}*`, (_, channel) => void channels.add(channel))
  return { channels, close: async () => client.destroy() }
}

async function compareTrades(url: string, simulator: Simulator): Promise<void> {
  const store = await postgresStore({ url, connections: 2, log: silent })
  try {
    for (const symbol of SYMBOLS) {
      const trades = await store.trades({ exchange: 'binance', symbol }, { from: 0, to: simulator.now() + 60_000 })
      const ids = trades.map(({ id }) => Number(id))
      assert.ok(ids.length > 500, `${ids.length} trades of ${symbol}`)
      assert.deepEqual(tradeFaults(trades, simulator.truth.trades(symbol, ids[0], ids.at(-1))), [])
    }
  } finally {
    await store.close()
  }
}
