import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { Spot, SpotRestAPI, SpotWebsocketStreams } from '@binance/spot'
import ccxt from 'ccxt'
import { createSimulator, type Simulator } from '../src/index.ts'

/** Clients that nobody here wrote, unchanged but for the address, must find an exchange. */
let simulator: Simulator
before(async () => {
  simulator = await createSimulator({
    symbols: ['BTCUSDT', 'ETHBTC', 'ADAUSDT'],
    tradesPerSecond: { BTCUSDT: 40, ETHBTC: 10, ADAUSDT: 5 },
    historyMs: 3 * 3_600_000,
    keys: [{ key: 'test-key', secret: 'test-secret-binance' }],
  })
})
after(() => simulator.close())

describe('ccxt', () => {
  const options = { options: { fetchMarkets: { types: ['spot'] }, fetchMargins: false, fetchCurrencies: false } }
  const point = <T extends { urls: { api: Record<string, unknown> } }>(exchange: T): T => {
    for (const name of ['public', 'private']) exchange.urls.api[name] = `${simulator.restUrl}/api/v3`
    exchange.urls.api.ws = { spot: `${simulator.wsUrl}/ws` }
    return exchange
  }

  test('REST: markets, candles, trades, book, tickers, time, account', async () => {
    const exchange = point(new ccxt.binance({ ...options, apiKey: 'test-key', secret: 'test-secret-binance' }))
    const markets = await exchange.loadMarkets()
    assert.deepEqual(Object.keys(markets), ['BTC/USDT', 'ETH/BTC', 'ADA/USDT'])
    assert.deepEqual([markets['BTC/USDT']?.precision.price, markets['BTC/USDT']?.precision.amount], [0.01, 0.00001])
    const rows = simulator.truth.candles('BTCUSDT', '1m', 0, Date.now()).slice(0, 50)
    const candles = await exchange.fetchOHLCV('BTC/USDT', '1m', rows[0]![0], 50)
    assert.deepEqual(
      candles,
      rows.map((row) => [row[0], ...row.slice(1, 6).map(Number)]),
    )
    const trades = await exchange.fetchTrades('ETH/BTC', undefined, 100)
    assert.equal(trades.length, 100)
    const since = await exchange.fetchTrades('ETH/BTC', trades[10]!.timestamp, 5)
    assert.equal(since[0]!.timestamp, trades[10]!.timestamp)
    const book = await exchange.fetchOrderBook('BTC/USDT', 100)
    assert.equal(book.bids.length, 100)
    assert.ok(book.bids[0]![0]! < book.asks[0]![0]!)
    assert.deepEqual(Object.keys(await exchange.fetchTickers()), ['BTC/USDT', 'ETH/BTC', 'ADA/USDT'])
    const ticker = await exchange.fetchTicker('BTC/USDT')
    assert.ok(ticker.low! <= ticker.last! && ticker.last! <= ticker.high!)
    assert.ok(Math.abs((await exchange.fetchTime())! - simulator.now()) < 60_000)
    assert.equal((await exchange.fetchBalance({ type: 'spot' })).USDT?.free, 10_000)
    await assert.rejects(exchange.fetchOHLCV('BTC/USDT', '7m'), ccxt.BadRequest)
    await assert.rejects(exchange.publicGetDepth({ symbol: 'NOPEUSDT' }), ccxt.BadSymbol)
  })

  test('WebSocket: trades without a hole, a book that keeps its checks, candles, tickers', async (t) => {
    const exchange = point(new ccxt.pro.binance(options))
    t.after(() => exchange.close())
    await exchange.loadHttpProxyAgent()
    const ids: number[] = []
    while (ids.length < 60) {
      for (const trade of await exchange.watchTrades('BTC/USDT')) {
        const id = Number(trade.id)
        if (ids.length === 0 || id > ids.at(-1)!) ids.push(id)
      }
    }
    assert.deepEqual(
      ids,
      ids.map((_, index) => ids[0]! + index),
    )
    const truth = new Map(simulator.truth.trades('BTCUSDT', ids[0]).map((trade) => [trade.id, trade]))
    assert.ok(ids.every((id) => truth.has(id)))
    let updates = 0
    let nonce = 0
    while (updates < 10) {
      const book = await exchange.watchOrderBook('BTC/USDT')
      assert.ok(book.nonce! >= nonce)
      assert.ok(book.bids[0]![0]! < book.asks[0]![0]!)
      nonce = book.nonce!
      updates++
    }
    const candle = (await exchange.watchOHLCV('BTC/USDT', '1m')).at(-1)!
    assert.equal(candle[0]! % 60_000, 0)
    assert.ok((await exchange.watchTicker('ADA/USDT')).last! > 0)
    assert.ok((await exchange.watchTradesForSymbols(['BTC/USDT', 'ETH/BTC'])).length > 0)
    assert.ok((await exchange.watchBidsAsks(['BTC/USDT']))['BTC/USDT']?.bid)
  })
})

describe("the exchange's own SDK", () => {
  const client = () =>
    new Spot({
      configurationRestAPI: { apiKey: 'test-key', apiSecret: 'test-secret-binance', basePath: simulator.restUrl },
      configurationWebsocketStreams: { wsURL: simulator.wsUrl },
    })

  test('REST', async () => {
    const { restAPI } = client()
    const info = await (await restAPI.exchangeInfo({ symbol: 'BTCUSDT' })).data()
    assert.equal(info.symbols?.[0]?.baseAsset, 'BTC')
    const interval = SpotRestAPI.KlinesIntervalEnum.INTERVAL_1m
    const klines = await (await restAPI.klines({ symbol: 'BTCUSDT', interval, limit: 10 })).data()
    const rows = simulator.truth.candles('BTCUSDT', '1m', Number(klines[0]?.[0]), Number(klines[8]?.[0]))
    assert.deepEqual(klines.slice(0, 9), rows)
    assert.equal((await (await restAPI.depth({ symbol: 'BTCUSDT', limit: 20 })).data()).bids?.length, 20)
    assert.equal((await (await restAPI.getTrades({ symbol: 'ETHBTC', limit: 7 })).data()).length, 7)
    assert.equal((await (await restAPI.aggTrades({ symbol: 'ETHBTC', limit: 7 })).data()).length, 7)
    const response = await restAPI.ticker24hr({ symbols: ['BTCUSDT', 'ETHBTC'] })
    assert.ok(Array.isArray(await response.data()))
    assert.ok(response.rateLimits?.some(({ rateLimitType, count }) => rateLimitType === 'REQUEST_WEIGHT' && count > 0))
    assert.equal((await (await restAPI.getAccount({ omitZeroBalances: true })).data()).accountType, 'SPOT')
    await assert.rejects(restAPI.depth({ symbol: 'NOPEUSDT' }), /Invalid symbol/)
  })

  test('streams', async (t) => {
    const connection = await client().websocketStreams.connect({ mode: 'single' })
    t.after(() => connection.disconnect())
    const first = <T>(stream: { on(event: 'message', listener: (data: T) => void): void }): Promise<T> =>
      new Promise((resolve) => stream.on('message', resolve))
    const trade = await first(connection.trade({ symbol: 'btcusdt' }))
    assert.deepEqual([trade.e, trade.s], ['trade', 'BTCUSDT'])
    const levels = SpotWebsocketStreams.PartialBookDepthLevelsEnum.LEVELS_5
    const updateSpeed = SpotWebsocketStreams.PartialBookDepthUpdateSpeedEnum.UPDATE_SPEED_100ms
    const book = await first(connection.partialBookDepth({ symbol: 'btcusdt', levels, updateSpeed }))
    assert.equal(book.bids?.length, 5)
    const diff = await first(connection.diffBookDepth({ symbol: 'btcusdt' }))
    assert.ok(Number(diff.U) <= Number(diff.u))
  })
})
