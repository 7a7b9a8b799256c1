import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { runCollector } from '../../test/exchange-rig.ts'
import type { MarketChange } from '../bus/bus.ts'
import type { Market } from '../domain/market.ts'
import { silent } from '../lib/log.ts'
import { followMarkets } from './lifecycle.ts'
import { compareLists } from './listing.ts'

const market = (symbol: string, base: string, status: Market['status'] = 'trading'): Market => ({
  exchange: 'binance',
  symbol,
  nativeSymbol: symbol,
  base,
  quote: 'USDT',
  status,
  priceDecimals: 2,
  quantityDecimals: 5,
  minQuantity: 0,
})
const says = ({ symbol, change, before }: MarketChange) => [symbol, change, ...(before ? [before] : [])].join(' ')

describe('the list of markets', { concurrency: 2 }, () => {
  test('two answers compared', () => {
    const before = [
      market('AUSDT', 'A'),
      market('BUSDT', 'B'),
      market('CUSDT', 'C', 'halted'),
      market('DUSDT', 'D'),
      market('EUSDT', 'E'),
      market('FUSDT', 'F'),
    ]
    const after = [
      market('AUSDT', 'A'),
      market('BUSDT', 'B', 'halted'),
      market('CUSDT', 'C'),
      market('D2USDT', 'D'),
      market('FUSDT', 'F', 'delisted'),
      market('GUSDT', 'G'),
    ]
    assert.deepEqual(compareLists(before, after, 5).map(says), [
      'BUSDT halted',
      'CUSDT resumed',
      'D2USDT renamed DUSDT',
      'GUSDT listed',
      'EUSDT delisted',
      'FUSDT delisted',
    ])
    assert.deepEqual(compareLists(after, after, 5), [])
  })

  for (const all of [true, false]) {
    test(`markets come, halt, go on and go while it runs; ${all ? 'all' : 'the named ones'} are wanted`, async () => {
      const rig = await runCollector({ simulator: { symbols: ['BTCUSDT', 'ETHUSDT', 'XRPUSDT'] } })
      const stop = new AbortController()
      const events: MarketChange[] = []
      let list: readonly Market[] = await rig.rest.ask(rig.binance.rest.markets())
      rig.read('markets', 'test', (changes) => events.push(...changes))
      const running = followMarkets(
        {
          rest: rig.rest,
          bus: rig.bus,
          log: silent,
          everyMs: 100,
          known: list,
          symbols: rig.simulator.symbols,
          all,
          add: rig.collector.add,
          remove: rig.collector.remove,
          halt: rig.collector.halt,
          changed(markets) {
            list = markets
          },
        },
        stop.signal,
      )
      try {
        const { simulator, collector, until } = rig
        await until(() => rig.trades('ETHUSDT').length > 10, 'it trades')
        simulator.faults.list({ symbols: ['NEWUSDT'], tradesPerSecond: 20 })
        simulator.faults.delist({ symbols: ['XRPUSDT'] })
        simulator.faults.halt({ symbols: ['ETHUSDT'], ms: 3_000 })
        await until(() => collector.status().markets.halted === 1, 'the halt is noticed')
        await until(() => events.some(({ change }) => change === 'delisted'), 'the end is noticed')
        if (all) await until(() => rig.trades('NEWUSDT').length > 10, 'the new one is collected')
        assert.equal(collector.status().symbols, all ? 3 : 2)
        await until(() => collector.status().markets.halted === 0, 'it goes on')
        const count = rig.trades('ETHUSDT').length
        await until(() => rig.trades('ETHUSDT').length > count + 10, 'its trades come')
        simulator.faults.restDown({ ms: 500 })
        const flowing = rig.trades('BTCUSDT').length
        await until(() => rig.trades('BTCUSDT').length > flowing + 20, 'the others never cared')
        await until(() => events.length >= 4, 'all is told')
        assert.deepEqual(events.map(says).sort(), [
          'ETHUSDT halted',
          'ETHUSDT resumed',
          'NEWUSDT listed',
          'XRPUSDT delisted',
        ])
        assert.deepEqual(list.map(({ symbol }) => symbol).sort(), ['BTCUSDT', 'ETHUSDT', 'NEWUSDT'])
        assert.equal(collector.status().reconnects, 0)
      } finally {
        stop.abort()
        await running
        await rig.close()
      }
    })
  }
})
