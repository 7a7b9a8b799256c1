import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { TradeBatch } from '../../domain/trade.ts'
import { failure } from '../../lib/failure.ts'
import { numbered } from '../contract.ts'
import type { Output } from './process.ts'
import { freshPrefix, noBroker, openTestBus } from './testSupport.ts'

const until = (events: number) => ({ exchange: 'binance', symbol: 'BTCUSDT', from: 0, to: events })

describe('Kafka processing', { skip: noBroker }, () => {
  test('each event is worked on once, also when work fails, is locked out or changes hands', async (t) => {
    const prefix = freshPrefix()
    const [first, second, observer] = await Promise.all([0, 1, 2].map(() => openTestBus({ prefix, partitions: 2 })))
    const stop = new AbortController()
    const handOver = new AbortController()
    t.after(async () => {
      stop.abort()
      await Promise.all([first, second, observer].map((one) => one?.close()))
    })
    const results = observer!.bus.subscribe('gaps', 'observer', stop.signal)
    const sent = 300
    let batches = 0
    let begins = 0
    const begin = async () => {
      begins++
      return async (events: readonly TradeBatch[], out: Output) => {
        out.publish(
          'gaps',
          events.map(({ upTo }) => until(upTo)),
        )
        if (++batches % 4 === 0) throw failure('BUS_UNAVAILABLE', { reason: 'test' })
      }
    }
    await observer!.bus.publish('feed', [{ exchange: 'x', symbol: 'y', state: 'up', reason: '', time: 1 }])
    const running = [
      first!.bus.process('trades', 'fold', handOver.signal, begin),
      second!.bus.process('trades', 'fold', stop.signal, begin),
    ]
    for (let n = 1; n <= sent; n++) {
      await first!.bus.publish('trades', [numbered(n, `S${n % 7}USDT`)])
      if (n === sent / 2) handOver.abort()
    }
    const seen: number[] = []
    for await (const batch of results) {
      seen.push(...batch.map(({ to }) => to))
      if (seen.length >= sent) break
    }
    assert.deepEqual(
      seen.sort((a, b) => a - b),
      Array.from({ length: sent }, (_, n) => n + 1),
      'each once',
    )
    assert.ok(begins > 2, 'work began anew after a failure')
    stop.abort()
    await Promise.all(running)
  })

  test('an error of the work itself ends the processing and leaves nothing behind', async (t) => {
    const { bus, close } = await openTestBus({ partitions: 1 })
    const stop = new AbortController()
    t.after(async () => {
      stop.abort()
      await close()
    })
    const results = bus.subscribe('gaps', 'observer', stop.signal)
    const running = bus.process('trades', 'fold', stop.signal, async () => async (_, out) => {
      out.publish('gaps', [until(1)])
      throw new TypeError('a mistake')
    })
    const failed = assert.rejects(running, { name: 'TypeError', message: 'a mistake' })
    while (bus.depth().length < 2)
      await bus.publish('feed', [{ exchange: 'x', symbol: 'y', state: 'up', reason: '', time: 1 }])
    await bus.publish('trades', [numbered(1)])
    await failed
    await bus.publish('gaps', [until(2)])
    for await (const batch of results) {
      assert.deepEqual(batch, [until(2)])
      break
    }
  })
})
