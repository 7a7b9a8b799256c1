import { fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import fastify from 'fastify'
import type { Candle } from '../../src/domain/candle.ts'
import type { Figure, Suite } from './harness.ts'
import { openApi } from './server.ts'

const CANDLES = 1000
const FIRST = 1_759_316_400_000
const MINUTE = 60_000

const candle = (index: number): Candle => ({
  exchange: 'binance',
  symbol: 'BTCUSDT',
  timeframe: '1m',
  time: FIRST + index * MINUTE,
  open: 60123.45 + index,
  high: 60200.1 + index * 1.5,
  low: 60000.02 + index / 4,
  close: 60111.17 + index * 0.5,
  volume: 12.34567 + index,
  volumeRest: 0,
  quoteVolume: 743210.55 + index * 3.25,
  quoteVolumeRest: 0,
  trades: 123 + index,
  closed: true,
  revision: 0,
  source: 'trades',
})

const candles = Array.from({ length: 3 * CANDLES }, (_, index) => candle(index))

/** Requests from a process of its own for a few seconds; the CPU is ours alone. */
async function measure(target: (index: number) => string): Promise<Figure> {
  const load = fork(fileURLToPath(new URL('./requests.ts', import.meta.url)))
  load.send([0, 1, 2, 3].map(target))
  await new Promise<void>((resolve) => load.once('message', () => resolve()))
  const cpu = process.cpuUsage()
  const answer = await new Promise<{ requests: number; seconds: number; failed: number }>((resolve) =>
    load.once('message', (message) => resolve(message as { requests: number; seconds: number; failed: number })),
  )
  const { user, system } = process.cpuUsage(cpu)
  load.kill()
  if (answer.failed > 0) throw new Error(`${answer.failed} requests failed`)
  return { perSecond: answer.requests / answer.seconds, cpuMicros: (user + system) / answer.requests }
}

/** Four ranges that start at different candles, so that no whole answer can be kept. */
async function ours(): Promise<Figure> {
  const { store, url } = await openApi()
  await store.putCandles(candles)
  const whole = { exchange: 'binance', symbol: 'BTCUSDT', series: '1m', from: FIRST, to: FIRST + 3 * CANDLES * MINUTE }
  await store.cover([{ ...whole, state: 'complete' }])
  const path = `${url}/api/v1/crypto/BTCUSDT/data?interval=1m&limit=${CANDLES}`
  return measure((index) => `${path}&start=${FIRST + index * 137 * MINUTE}`)
}

/** What one writes on a first afternoon, with the candles already in memory. */
async function stringify(): Promise<Figure> {
  const app = fastify()
  app.get('/data', (request) => {
    const start = Number((request.query as { start: string }).start)
    const rows = candles.slice(start, start + CANDLES).map(({ time, open, high, low, close, volume }) => ({
      time: new Date(time).toISOString(),
      open,
      high,
      low,
      close,
      volume,
    }))
    return {
      success: true,
      data: { symbol: 'BTCUSDT', interval: '1m', data: rows },
      timestamp: new Date().toISOString(),
    }
  })
  const url = await app.listen({ port: 0, host: '127.0.0.1' })
  return measure((index) => `${url}/data?start=${index * 137}`)
}

/** The limit: one kept buffer of that size. */
async function keptBuffer(): Promise<Figure> {
  const app = fastify()
  const body = Buffer.from(JSON.stringify(candles.slice(0, CANDLES)))
  app.get('/data', (_, reply) => reply.header('content-type', 'application/json').send(body))
  const url = await app.listen({ port: 0, host: '127.0.0.1' })
  return measure((index) => `${url}/data?start=${index * 137}`)
}

export const rest: Suite = {
  name: 'rest',
  unit: 'answers of 1,000 candles',
  by: 'perSecond',
  aims: { 'Fastify + JSON.stringify': 10 },
  variants: [
    { name: 'candlewire', role: 'ours', run: ours },
    { name: 'Fastify + JSON.stringify', role: 'peer', run: stringify },
    { name: 'Fastify, one kept buffer', role: 'limit', run: keptBuffer },
  ],
}
