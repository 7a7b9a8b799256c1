import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { describe, type TestContext, test } from 'node:test'
import { Admin, ConfigResourceTypes } from '@platformatic/kafka'
import type { TradeBatch } from '../../domain/trade.ts'
import { numbered, numbers, readEvents } from '../contract.ts'
import type { KafkaSettings } from './kafka.ts'
import type { Incoming, Outgoing } from './record.ts'
import { BROKER, freshPrefix, noBroker, openTestBus } from './testSupport.ts'
import { families, type Profile } from './topics.ts'

async function start(t: TestContext, more: Partial<KafkaSettings> = {}) {
  const { bus, close } = await openTestBus(more)
  const stop = new AbortController()
  t.after(async () => {
    stop.abort()
    await close()
  })
  return { bus, stop, signal: stop.signal, close }
}

const symbols = Array.from({ length: 40 }, (_, n) => `S${n}USDT`)

describe('Kafka groups', { skip: noBroker }, () => {
  test('processes of a group share the markets; when one leaves, the others take over where it was', async (t) => {
    const prefix = freshPrefix()
    const [one, two, writer] = await Promise.all([0, 1, 2].map(() => start(t, { prefix, partitions: 4 })))
    const seen = new Map<string, number[]>()
    const readers = { one: 0, two: 0 }
    const sent = 60
    const all = Promise.withResolvers<void>()
    const read = async (name: 'one' | 'two', events: AsyncIterable<readonly TradeBatch[]>) => {
      for await (const batch of events) {
        readers[name] += batch.length
        for (const { symbol, upTo } of batch) seen.set(symbol, [...(seen.get(symbol) ?? []), upTo])
        if ([...seen.values()].every((list) => list.at(-1) === sent) && seen.size === symbols.length) all.resolve()
        if (name === 'one' && (seen.get(symbols[0]!) ?? []).length > sent / 2) return
      }
    }
    const reading = [
      read('one', one!.bus.subscribe('trades', 'shared', one!.signal)),
      read('two', two!.bus.subscribe('trades', 'shared', two!.signal)),
    ]
    // What a bus writes comes after its subscriptions have their place in the log; the writer has none.
    await one!.bus.publish('feed', [{ exchange: 'x', symbol: 'y', state: 'up', reason: '', time: 1 }])
    for (let n = 1; n <= sent; n++) {
      await writer!.bus.publish(
        'trades',
        symbols.map((symbol) => numbered(n, symbol)),
      )
      if (n === sent / 2) one!.stop.abort()
    }
    await all.promise
    two!.stop.abort()
    await Promise.all(reading)
    for (const [symbol, list] of seen) {
      const distinct = [...new Set(list)]
      assert.deepEqual(
        distinct,
        Array.from({ length: sent }, (_, n) => n + 1),
        `${symbol}: whole and in order`,
      )
    }
    assert.ok(readers.two > 0)
  })

  test('a reader that does not keep up holds no writer back and loses nothing', async (t) => {
    const { bus, signal } = await start(t, { capacity: 100, partitions: 1 })
    const events = bus.subscribe('trades', 'slow', signal)
    const sent = 5000
    for (let n = 0; n < sent; n += 500) {
      await bus.publish(
        'trades',
        Array.from({ length: 500 }, (_, i) => numbered(n + i)),
      )
    }
    const waiting = bus.depth().find(({ group }) => group === 'slow')?.events ?? 0
    assert.ok(waiting >= sent && waiting <= sent + 10, 'the markers of ten transactions may count')
    assert.deepEqual(numbers(await readEvents(events, sent)), [...Array(sent).keys()])
  })

  test('a group goes on where it stopped, also in another process', async (t) => {
    const prefix = freshPrefix()
    const first = await start(t, { prefix })
    const events = first.bus.subscribe('trades', 'one', first.signal)[Symbol.asyncIterator]()
    await first.bus.publish('trades', [numbered(1)])
    assert.deepEqual(numbers((await events.next()).value), [1])
    const more = events.next()
    await first.bus.publish('trades', [numbered(2)])
    assert.deepEqual(numbers((await more).value), [2], 'which commits 1')
    await events.return?.(undefined)
    await first.bus.publish('trades', [numbered(3)])
    const second = await start(t, { prefix })
    const again = await readEvents(second.bus.subscribe('trades', 'one', second.signal), 2)
    assert.deepEqual(numbers(again), [2, 3], 'what was not committed comes again, and what came meanwhile')
  })

  test('a record that can’t be read is set aside with the reason, and reading goes on', async (t) => {
    const { bus, signal } = await start(t, { partitions: 1 })
    const letters = bus.consume(['dead-letter'], `letters-${randomUUID()}`, signal)
    const events = bus.subscribe('trades', 'one', signal)
    const topic = bus.topicName('trades')
    const broken = (value: string): Outgoing => ({ topic, key: 'binance:BTCUSDT', value, headers: { schema: 'x' } })
    await bus.send([broken('{'), broken('{"exchange":"binance","symbol":"BTCUSDT","trades":7,"upTo":1}')])
    await bus.publish('trades', [numbered(2)])
    assert.deepEqual(await readEvents(events, 1), [numbered(2)])
    const found: Incoming[] = []
    for await (const batch of letters) {
      found.push(...batch.filter(({ headers }) => headers['source-topic'] === topic))
      if (found.length >= 2) break
    }
    assert.deepEqual(
      found.map(({ value, headers }) => [value.toString().slice(0, 10), headers['source-offset'], headers.schema]),
      [
        ['{', '0', 'x'],
        ['{"exchange', '1', 'x'],
      ],
    )
    assert.match(found[1]!.headers.reason!, /trades/)
  })

  test('topics are made as they should be, and a second start finds them', async (t) => {
    const name = `T${randomUUID().slice(0, 8).toUpperCase()}`
    const profile: Profile = {
      families: new Set(families),
      timeframes: ['1m'],
      primaryExchange: 'binance',
      symbols: new Set([name]),
    }
    const prefix = freshPrefix()
    const first = await start(t, { prefix, profile })
    const candle = {
      exchange: 'binance',
      symbol: name,
      timeframe: '1m',
      time: 60_000,
      open: 1,
      high: 1,
      low: 1,
      close: 1,
      volume: 1,
      volumeRest: 0,
      quoteVolume: 1,
      quoteVolumeRest: 0,
      trades: 1,
      closed: true,
      revision: 0,
      source: 'trades',
    } as const
    const wanted = ['normalized-ohlcv', 'crypto.aggregated.1m', `market.data.${name}`, `market.data.${name}.1m`]
    const records = first.bus.consume(wanted, `views-${randomUUID()}`, first.signal)
    const events = first.bus.subscribe('candles', 'one', first.signal)
    await first.bus.publish('candles', [candle])
    for await (const [event] of events) {
      assert.deepEqual(event, candle)
      break
    }
    const found: Incoming[] = []
    for await (const batch of records) {
      found.push(...batch.filter(({ key }) => key === `binance:${name}`))
      if (found.length >= wanted.length) break
    }
    assert.deepEqual(found.map(({ topic }) => topic).sort(), [...wanted].sort(), 'one fact under all its names')

    const second = await start(t, { prefix, profile })
    await second.bus.publish('candles', [{ ...candle, revision: 1 }])
    const admin = new Admin({ clientId: 'test', bootstrapBrokers: [BROKER] })
    t.after(() => admin.close())
    const { topics } = await admin.metadata({ topics: ['raw-market-data', `market.data.${name}`, 'orders'] })
    assert.deepEqual(
      [...topics.values()].map(({ partitionsCount }) => partitionsCount).sort((a, b) => a - b),
      [1, 3, 12],
    )
    const [described] = await admin.describeConfigs({
      resources: [
        {
          resourceType: ConfigResourceTypes.TOPIC,
          resourceName: `market.data.${name}`,
          configurationKeys: ['retention.ms'],
        },
      ],
    })
    assert.equal(described?.configs[0]?.value, '86400000')
    await admin.deleteTopics({ topics: [`market.data.${name}`, `market.data.${name}.1m`] })
  })

  test('lag is told for each group and topic', async (t) => {
    const { bus, signal } = await start(t, { partitions: 1 })
    bus.subscribe('trades', 'one', signal)
    await bus.publish('trades', [numbered(1), numbered(2)])
    const [row] = await bus.lag()
    assert.equal(row?.topic, bus.topicName('trades'))
    assert.ok(
      row?.records === 2 || row?.records === 3,
      'two records, and the marker of their transaction once it is there',
    )
  })
})
