import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { type TestContext, test } from 'node:test'
import { gunzipSync } from 'node:zlib'
import { openExchange } from '../../test/exchange-rig.ts'
import { until } from '../../test/until.ts'
import { foldTrades } from '../domain/fold.ts'
import { timeframe } from '../domain/timeframe.ts'
import type { Trade } from '../domain/trade.ts'
import { silent } from '../lib/log.ts'
import { embeddedStore } from '../store/embedded/index.ts'
import type { CommandContext } from './context.ts'
import { recordFrames } from './record.ts'
import { replayFiles } from './replay.ts'
import { temporary } from './testSupport.ts'

const hasty = { graceMs: 200, reorderMs: 50, tickMs: 20, overlapMs: 200, backoffBaseMs: 20, backoffMaxMs: 200 }

/** A recorder of a simulated exchange. `stop` resolves when its files are whole. */
async function openRecorder(t: TestContext, rotateMegabytes = 256) {
  const { simulator, rest } = await openExchange({ tradesPerSecond: { BTCUSDT: 120, ETHUSDT: 20 } })
  const folder = temporary(t)
  const abort = new AbortController()
  const err = new PassThrough().resume()
  const context: CommandContext = {
    signal: abort.signal,
    out: err,
    err,
    env: {},
    exit: () => {},
    openStore: (path) => embeddedStore({ path, log: silent }),
    restClient: () => rest,
  }
  const running = recordFrames({
    context,
    wsUrl: simulator.wsUrl,
    log: silent,
    settings: hasty,
    options: {
      exchange: 'binance',
      symbols: 'BTCUSDT,ETHUSDT',
      output: folder,
      channels: ['trades', 'top', 'depth'],
      rotateMinutes: 60,
      rotateMegabytes,
    },
  })
  t.after(async () => {
    abort.abort()
    await running
    await simulator.close()
  })
  const files = () => readdirSync(folder)
  return {
    simulator,
    folder,
    context: { ...context, signal: new AbortController().signal },
    files,
    async trades(more: number): Promise<void> {
      const ends = simulator.symbols.map((symbol) => [symbol, simulator.truth.ids(symbol).last + more] as const)
      await until('trades', () => ends.every(([symbol, end]) => simulator.truth.ids(symbol).last >= end))
    },
    async stop() {
      abort.abort()
      return running
    },
  }
}

const textOf = (folder: string): string =>
  readdirSync(folder)
    .sort()
    .map((name) => gunzipSync(readFileSync(join(folder, name))).toString())
    .join('')

test('what was recorded through cuts and losses gives the trades and candles that the exchange had', async (t) => {
  const recorder = await openRecorder(t)
  const { simulator, folder } = recorder
  await until('the first file', () => recorder.files().length > 0)
  await recorder.trades(12)
  simulator.faults.missing({ count: 5 })
  await recorder.trades(12)
  simulator.faults.cut({})
  await recorder.trades(12)
  simulator.faults.duplicate({ count: 3 })
  simulator.faults.reorder({ count: 3 })
  await recorder.trades(15)
  assert.ok(
    recorder.files().every((name) => name.endsWith('.gz.part')),
    'no file bears its name before it is whole',
  )
  const { frames, writer } = await recorder.stop()
  assert.equal(writer.lost(), 0)
  const text = textOf(folder)
  const lines = text.trim().split('\n')
  for (const line of lines) assert.match(line, /^\d{19} \{.*\}$/)
  assert.match(lines[0]!, /"candlewire":"capture"/)
  assert.match(lines.at(-1)!, /"candlewire":"end"/)
  assert.match(text, /"path":"\/api\/v3\/exchangeInfo".*\n\d+ \{.*"symbols":\[/)
  assert.match(text, /"path":"\/api\/v3\/depth".*\n\d+ \{"lastUpdateId":/)

  const files = recorder.files().map((name) => join(folder, name))
  const frames1 = ['1s', '5s', '1m'].map(timeframe)
  const hashes: string[] = []
  for (const speed of [0, 50]) {
    const store = await embeddedStore({ path: join(temporary(t), 'candlewire.db'), log: silent })
    const options = { exchange: 'binance', speed, timeframes: frames1, lateness: 0 }
    const report = await replayFiles(recorder.context, store, files, options)
    hashes.push(report.hash)
    assert.equal(report.tally.frames, frames)
    assert.deepEqual([report.badLines, report.broken, report.drifting], [0, [], []])
    assert.deepEqual(
      report.tally.holes.filter(({ from }) => from > 0),
      [],
      'what the socket lost is in the recording, as REST gave it',
    )
    for (const symbol of simulator.symbols) {
      const market = { exchange: 'binance', symbol }
      const trades = await store.trades(market, { from: 0, to: simulator.now() + 60_000 })
      const minute = Math.floor((trades[0]?.time ?? 0) / 60_000) * 60_000
      const truth = simulator.truth.trades(symbol, Number(trades[0]?.id), Number(trades.at(-1)?.id))
      assert.deepEqual(
        trades.map(({ id, price, quantity, time }) => [id, price, quantity, time]),
        truth.map(({ id, price, qty, time }) => [id, Number(price), Number(qty), time]),
      )
      const before = simulator.truth.trades(symbol, Number(trades[0]?.id) - 1, Number(trades[0]?.id) - 1)
      assert.ok((before[0]?.time ?? 0) < minute, 'the first minute is whole')
      await assertCandles(store, trades)
    }
    await store.close()
  }
  assert.equal(hashes[0], hashes[1], 'at any speed')
})

/** Every candle but the last ones, which the recording may not have seen close. */
async function assertCandles(store: Awaited<ReturnType<typeof embeddedStore>>, trades: readonly Trade[]) {
  const [first] = trades
  assert.ok(first)
  const frame = timeframe('1s')
  const stored = await store.candles({ ...first, timeframe: '1s' }, {})
  const folded = foldTrades(trades, frame)
  assert.ok(stored.length >= folded.length - 3 && stored.length > 0)
  const figures = (candles: typeof stored) =>
    candles.map(({ time, open, high, low, close, volume, quoteVolume }) => [
      time,
      open,
      high,
      low,
      close,
      volume,
      quoteVolume,
    ])
  assert.deepEqual(figures(stored), figures(folded.slice(0, stored.length)))
}

test('files are rotated by size, and the second one can be replayed on its own', async (t) => {
  const recorder = await openRecorder(t, 0.002)
  await until('three files', () => recorder.files().filter((name) => name.endsWith('.gz')).length > 2)
  await recorder.stop()
  const names = recorder.files().sort()
  assert.ok(names.every((name) => /^binance-\d{8}T\d{6}Z-\d{4}\.gz$/.test(name)))
  const store = await embeddedStore({ path: join(temporary(t), 'candlewire.db'), log: silent })
  const options = { exchange: 'binance', speed: 0, timeframes: [timeframe('1s')], lateness: 0 }
  const all = names.map((name) => join(recorder.folder, name))
  const report = await replayFiles(recorder.context, store, all.slice(1), options)
  assert.ok(report.trades > 0)
  assert.deepEqual([report.badLines, report.broken], [0, []])
  await store.close()
})
