import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { connect } from 'node:net'
import { promisify } from 'node:util'
import { createClient } from 'redis'
import { redisCache } from '../../src/cache/redis.ts'
import { createDispatcher } from '../../src/dispatch/dispatcher.ts'
import { memorySource } from '../../src/dispatch/memorySource.ts'
import { silent } from '../../src/lib/log.ts'
import { createMetrics } from '../../src/lib/metrics.ts'
import { type Figure, type Suite, timedAsync } from './harness.ts'

const RECORDS = 50_000
const BATCH = 500
const { REDIS_HOST = 'localhost', REDIS_PORT = '6379' } = process.env
const url = `redis://${REDIS_HOST}:${REDIS_PORT}`

const channel = 'market.data.BTCUSDT.1m'
const payload =
  '{"type":"candle","exchange":"binance","symbol":"BTCUSDT","timeframe":"1m","time":1705757700000,' +
  '"close_time":1705757759999,"open":"45000","high":"45100","low":"44900","close":"45050","volume":"1.5",' +
  '"quote_volume":"67575","trades":42,"closed":true,"revision":0,"source":"trades"}'

/** Whether a Redis answers; without one there is nothing to compare. */
export async function isRedisThere(): Promise<boolean> {
  const socket = connect(Number(REDIS_PORT), REDIS_HOST)
  try {
    await once(socket, 'connect')
    return true
  } catch {
    process.stderr.write(`the suite dispatch is left out: no Redis at ${REDIS_HOST}:${REDIS_PORT}\n`)
    return false
  } finally {
    socket.destroy()
  }
}

/** Records through the whole role: routed, published once by their id, counted, committed. */
async function dispatcher(): Promise<Figure> {
  const metrics = createMetrics()
  const channels = redisCache({ url, log: silent, metrics })
  const store = { putMessages: async () => {}, messages: async () => [], ping: async () => {} }
  let run = 0
  const figure = await timedAsync(
    RECORDS,
    async () => {
      const name = `${process.pid}:${run++}`
      const source = memorySource({ batch: BATCH })
      const stop = new AbortController()
      for (let n = 0; n < RECORDS; n++) source.push({ topic: channel, value: payload, id: `bench:${name}:${n}` })
      const role = createDispatcher({ source, topics: [channel], channels, store, log: silent, metrics })
      const running = role.run(stop.signal)
      while (source.committed() < RECORDS) await new Promise(setImmediate)
      stop.abort()
      await running
    },
    { passes: 3, warm: 1 },
  )
  await channels.close()
  return figure
}

/** The same records published plainly, a pipeline of one batch at a time: no routing, nothing remembered. */
async function plain(): Promise<Figure> {
  const client = createClient({ url, RESP: 2 })
  await client.connect()
  const batch = Array.from({ length: BATCH }, () => payload)
  const figure = await timedAsync(
    RECORDS,
    async () => {
      for (let n = 0; n < RECORDS; n += BATCH) await Promise.all(batch.map((text) => client.publish(channel, text)))
    },
    { passes: 3, warm: 1 },
  )
  client.destroy()
  return figure
}

/** Redis's own benchmark: the same command from one connection, as deep a pipeline. */
async function limit(): Promise<Figure> {
  const options = [
    '-h',
    REDIS_HOST,
    '-p',
    REDIS_PORT,
    '-n',
    String(4 * RECORDS),
    '-c',
    '1',
    '-P',
    String(BATCH),
    '--csv',
  ]
  const { stdout } = await promisify(execFile)('redis-benchmark', [...options, 'PUBLISH', channel, payload])
  // The last row ends with seven figures, requests a second first; before them the command stands as it was given.
  const figures = stdout.trim().split('","').slice(-7)
  return { perSecond: Number(figures[0]) }
}

export const dispatch: Suite = {
  name: 'dispatch',
  unit: 'record published on a Redis channel',
  by: 'perSecond',
  variants: [
    { name: 'dispatcher, each record once', role: 'ours', run: dispatcher },
    { name: 'node-redis PUBLISH', role: 'peer', run: plain },
    { name: 'redis-benchmark PUBLISH', role: 'limit', run: limit },
  ],
}
