import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Connection } from 'rabbitmq-client'
import { createClient } from 'redis'
import { get, openExchange, startBeforeMinute, startPlatform, temporary } from './platform.ts'
import { openRelay } from './relay.ts'
import { absent, rabbitAt, rabbitUrl, redisAt } from './service.ts'
import { until } from './until.ts'

const skip = (await absent('redis', redisAt)) || (await absent('rabbitmq', rabbitAt))

describe('with a Redis and a RabbitMQ', { skip }, () => {
  test('a server tells prices, candles and history, spends from the shared budget, and bears their absence', async (t) => {
    const exchange = `test${process.pid}x${Date.now()}`
    const [redisRelay, rabbitRelay] = [await openRelay(redisAt), await openRelay(rabbitAt)]
    const plain = createClient({ url: `redis://${redisAt.host}:${redisAt.port}` })
    await plain.connect()
    await plain.del('ratelimit:binance')
    const broker = new Connection(rabbitUrl())
    const heard = new Set<string>()
    const consumer = broker.createConsumer(
      {
        exchanges: [{ exchange, type: 'topic', durable: true }],
        queueOptions: { exclusive: true },
        queueBindings: [{ exchange, routingKey: '#' }],
      },
      ({ routingKey }) => void heard.add(routingKey),
    )
    await new Promise<void>((resolve) => consumer.on('ready', resolve))
    t.after(async () => {
      await consumer.close()
      await broker.exchangeDelete({ exchange })
      await broker.close()
      await plain.del('ratelimit:binance')
      plain.destroy()
      await Promise.all([redisRelay.close(), rabbitRelay.close()])
    })

    for (const relay of [redisRelay, rabbitRelay]) relay.cut()
    const simulator = await openExchange(t, {
      symbols: ['BTCUSDT'],
      tradesPerSecond: 20,
      start: startBeforeMinute(8_000),
    })
    const { url, stop } = await startPlatform(t, simulator, await temporary(t), {
      REDIS_HOST: '127.0.0.1',
      REDIS_PORT: String(redisRelay.port),
      RABBITMQ_URL: rabbitUrl(rabbitRelay.port),
      RABBITMQ_EXCHANGE: exchange,
      GAP_LOOKBACK_HOURS: '1',
      CACHE_TTL_TICKER: '60',
    })
    const health = () => get(`${url}/health`)
    await until('a price', async () => (await fetch(`${url}/api/v1/crypto/BTCUSDT/latest`)).ok)
    const { status, checks } = await health()
    assert.equal(status, 'degraded')
    assert.deepEqual([Object(checks).redis.status, Object(checks).rabbitmq.status], ['error', 'error'])

    for (const relay of [redisRelay, rabbitRelay]) relay.mend()
    await until('health', async () => (await health()).status === 'ok')
    await until('prices and history', () => heard.has('crypto.price.updated') && heard.has('crypto.historical.updated'))
    const ticker = JSON.parse(await until('a ticker', () => plain.get('cache:ticker:binance:BTCUSDT')))
    assert.equal(ticker.symbol, 'BTCUSDT')
    // More history than was filled at the start, so that the exchange is asked again now that the budget is there.
    const body = JSON.stringify({ symbol: 'BTCUSDT', lookback_hours: 3 })
    await fetch(`${url}/fetch-historical`, { method: 'POST', headers: { 'content-type': 'application/json' }, body })
    await until('a request from the shared budget', () => plain.exists('ratelimit:binance'))
    await until('a candle', () => heard.has('crypto.kline.updated'))
    await stop()
  })
})
