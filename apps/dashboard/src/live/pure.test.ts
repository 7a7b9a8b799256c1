import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { amountColumn, decimalsOf, formatAmount, formatPercent, formatPrice, priceDecimals } from './format.ts'
import { readRoute, symbolText, writeRoute } from './route.ts'
import { type Line, STALE_AFTER, statusOf } from './status.ts'
import { searchSymbols, splitSymbol, symbolsOf } from './symbols.ts'
import { nextOpen, stepTimeframe, timeframes } from './timeframes.ts'
import { addTrades, MAX_TRADES, toTrade } from './trades.ts'

test('an address survives the way there and back', () => {
  fc.assert(
    fc.property(fc.stringMatching(/^[A-Z0-9]{1,20}$/), fc.constantFrom(...timeframes), (symbol, timeframe) => {
      assert.deepEqual(readRoute(writeRoute({ symbol, timeframe })), { symbol, timeframe })
    }),
  )
  assert.deepEqual(readRoute('#/eth-usdt/7q'), { symbol: 'ETHUSDT', timeframe: '1m' })
  assert.deepEqual(readRoute('#/%/1h'), { symbol: 'BTCUSDT', timeframe: '1h' })
  assert.deepEqual(readRoute('', { symbol: 'SOLUSDT', timeframe: '1d' }), { symbol: 'SOLUSDT', timeframe: '1d' })
  assert.equal(symbolText(' btc/usdt '), 'BTCUSDT')
})

test('a minute and a month are two timeframes', () => {
  assert.equal(nextOpen('1m', 0), 60_000)
  assert.equal(nextOpen('1M', Date.UTC(2024, 1, 1)), Date.UTC(2024, 2, 1))
  assert.equal(stepTimeframe('1s', -1), '1s')
  assert.equal(stepTimeframe('1m', 1), '3m')
  assert.equal(stepTimeframe('1M', 1), '1M')
})

test('a price shows all its decimals, an amount what matters', () => {
  assert.equal(decimalsOf(1e-8), 8)
  assert.equal(priceDecimals([67_000, 67_000.1]), 2)
  assert.equal(priceDecimals([0.00001234]), 8)
  assert.equal(formatPrice(0.00001234, 8), '0.00001234')
  assert.equal(formatPrice(67_123.4, 2), '67,123.40')
  assert.equal(formatAmount(14_740), '14.74K')
  assert.equal(formatAmount(0.00013), '0.00013')
  assert.equal(formatPercent(-2.116), '−2.12 %')
  assert.deepEqual([1, 0.0125].map(amountColumn([1, 0.0125])), ['1.0000', '0.0125'])
  assert.deepEqual([250_000, 2].map(amountColumn([250_000, 2])), ['250.00K', '2'])
})

test('the light doubts a line that brings nothing and says why it is down', () => {
  const open: Line = { phase: 'open', heardAt: 0, attempt: 0, retryAt: 0, reason: '' }
  assert.equal(statusOf(open, STALE_AFTER - 1).light, 'live')
  assert.deepEqual(statusOf(open, 42_000), {
    light: 'stale',
    text: 'Stale',
    detail: 'Connected, but nothing has arrived for 42 s',
  })
  const down: Line = { ...open, phase: 'reconnecting', retryAt: 5000, reason: 'The server restarts' }
  assert.equal(statusOf(down, 2000).detail, 'The server restarts; next try in 3 s')
  assert.equal(statusOf(down, 9000).detail, 'The server restarts; trying now')
})

test('a search finds the exact symbol first, then what begins with it', () => {
  const symbols = symbolsOf(['WBTCETH', 'BTCUSDT', 'ETHBTC', 'BTC', 'BTCUSDT'].map((symbol) => ({ symbol })))
  assert.deepEqual(searchSymbols(symbols, 'BTC'), ['BTC', 'BTCUSDT', 'WBTCETH', 'ETHBTC'])
  assert.deepEqual(searchSymbols(symbols, ''), symbols)
  assert.deepEqual(splitSymbol('ETHBTC'), { base: 'ETH', quote: 'BTC' })
  assert.deepEqual(splitSymbol('USDT'), { base: 'USDT', quote: '' })
})

test('the list of trades is newest first, each once, and bounded', () => {
  const trade = (id: number) => toTrade({ id, time: '2025-01-20T10:30:00Z', price: 1, quantity: 1, side: 'buy' })!
  const list = addTrades([trade(2), trade(1)], [trade(2), trade(3)])
  assert.deepEqual(
    list.map(({ key }) => key),
    ['3', '2', '1'],
  )
  const many = Array.from({ length: 200 }, (_, id) => trade(id))
  assert.equal(addTrades([], many).length, MAX_TRADES)
  assert.equal(addTrades([], many)[0]!.key, '199')
  assert.equal(toTrade({ time: 'never', price: 1, quantity: 1, side: 'buy' }), undefined)
})
