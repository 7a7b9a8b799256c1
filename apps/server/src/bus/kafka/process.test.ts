import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { TradeBatch } from '../../domain/trade.ts'
import { failure } from '../../lib/failure.ts'
import type { Begin, Output, Taken } from '../bus.ts'
import { numbered } from '../contract.ts'
import { freshPrefix, noBroker, openTestBus } from './testSupport.ts'

/** A worker that remembers nothing. */
const worker =
  (work: (taken: readonly Taken<'trades'>[], out: Output) => Promise<void>): Begin<'trades'> =>
  async () => ({ again() {}, work, end: async () => {} })
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
    const begin: Begin<'trades'> = (kept) => {
      begins++
      return worker(async (taken, out) => {
        for (const { events } of taken)
          out.publish(
            'gaps',
            events.map(({ upTo }) => until(upTo)),
          )
        if (taken.length > 0 && ++batches % 4 === 0) throw failure('BUS_UNAVAILABLE', { reason: 'test' })
      })(kept)
    }
    await observer!.bus.publish('feed', [{ exchange: 'x', symbol: 'y', state: 'up', reason: '', time: 1 }])
    const running = [
      first!.bus.process(['trades'], 'fold', begin, handOver.signal),
      second!.bus.process(['trades'], 'fold', begin, stop.signal),
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
    const mistake = worker(async (taken, out) => {
      if (taken.length === 0) return
      out.publish('gaps', [until(1)])
      throw new TypeError('a mistake')
    })
    const running = bus.process(['trades'], 'fold', mistake, stop.signal)
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

  test('what is kept of a market comes to whoever works on it next, with the events since', async (t) => {
    const prefix = freshPrefix()
    const [first, second, observer] = await Promise.all([0, 1, 2].map(() => openTestBus({ prefix, partitions: 2 })))
    const [stop, handOver] = [new AbortController(), new AbortController()]
    t.after(async () => {
      handOver.abort()
      stop.abort()
      await Promise.all([first, second, observer].map((one) => one?.close()))
    })
    const results = observer!.bus.subscribe('gaps', 'observer', stop.signal)
    const symbols = Array.from({ length: 5 }, (_, n) => `S${n}USDT`)
    /** A running sum by market; kept at every fifth event, lost with every seventh step, told about with each event. */
    let steps = 0
    const adding: Begin<'trades'> = async (kept) => {
      const sums = new Map([...kept].map(([key, state]) => [key, Number(state)]))
      const add = ({ symbol, upTo }: { symbol: string; upTo: number }) => {
        const sum = (sums.get(`binance:${symbol}`) ?? 0) + upTo
        sums.set(`binance:${symbol}`, sum)
        return sum
      }
      return {
        again: (events) => void events.forEach(add),
        async work(taken, out) {
          const due = new Map<string, TradeBatch>()
          for (const { events } of taken)
            for (const event of events) {
              const known = sums.has(`binance:${event.symbol}`)
              const to = add(event)
              out.publish('gaps', [{ exchange: 'binance', symbol: event.symbol, from: event.upTo, to }])
              if (!known || event.upTo % 5 === 0) due.set(event.symbol, event)
            }
          for (const market of due.values()) out.keep(market, String(sums.get(`binance:${market.symbol}`)))
          if (taken.length > 0 && ++steps % 7 === 0) throw failure('BUS_UNAVAILABLE', { reason: 'test' })
        },
        end: async () => {},
      }
    }
    await observer!.bus.publish('feed', [{ exchange: 'x', symbol: 'y', state: 'up', reason: '', time: 1 }])
    const running = [
      first!.bus.process(['trades'], 'aggregate', adding, handOver.signal),
      second!.bus.process(['trades'], 'aggregate', adding, stop.signal),
    ]
    const sent = 60
    for (let n = 1; n <= sent; n++) {
      await first!.bus.publish(
        'trades',
        symbols.map((symbol) => numbered(n, symbol)),
      )
      if (n === sent / 2) handOver.abort()
    }
    const sums = new Map<string, number[]>()
    let seen = 0
    for await (const batch of results) {
      for (const { symbol, to } of batch) sums.set(symbol, [...(sums.get(symbol) ?? []), to])
      seen += batch.length
      if (seen >= sent * symbols.length) break
    }
    for (const symbol of symbols)
      assert.deepEqual(
        sums.get(symbol),
        Array.from({ length: sent }, (_, n) => ((n + 1) * (n + 2)) / 2),
        `${symbol}: exact and in order`,
      )
    stop.abort()
    await Promise.all(running)
  })
})
