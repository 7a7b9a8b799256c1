import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { createSimulator } from '@candlewire/simulator'
import { lines, noRecordings, streamTrades, xrpEthTrades } from '../../test/recordings.ts'
import { defaults } from './settings.ts'
import { createTrust } from './trust.ts'

const HOUR = 3_600_000
const GRACE = defaults.graceMs
const TICK = defaults.tickMs
/** Nobody waits longer than this for the suspicion of a silent stream, whatever its rhythm. */
const LONGEST = defaults.silenceMaxMs + GRACE + 2 * TICK

/** Uniform in (0, 1), the same each time. */
function seeded(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return (state + 0.5) / 2 ** 32
  }
}

/** Times of trades whose pauses are drawn from `pause` (ms). */
function drawn(count: number, pause: (random: () => number) => number): number[] {
  const random = seeded(count)
  let at = 1_000_000
  return Array.from({ length: count }, () => {
    at += pause(random)
    return Math.floor(at)
  })
}
const poisson = (perSecond: number, hours: number) =>
  drawn(perSecond * 3_600 * hours, (random) => (-Math.log(random()) * 1_000) / perSecond)
/** Tail exponent 1.5: the variance of such pauses does not exist. */
const heavy = (perSecond: number, hours: number) =>
  drawn(perSecond * 3_600 * hours, (random) => ((1_000 / perSecond) * random() ** (-1 / 1.5)) / 3)

interface Run {
  /** Questions to the exchange that found nothing missing. */
  readonly alarms: number
  /** From the first trade that did not come to the verdict, ms; `undefined` when nothing was missed to the end. */
  readonly delay?: number
  /** How far the claim went beyond the first missed trade before the verdict, ms. */
  readonly overclaim?: number
  /** The silence allowed before the stream is suspected, ms, at the end. */
  readonly silence: number
}

/** Plays trades (ids are places in the list) to a stream that hears none from `deafFrom` on, in virtual time. */
function play(times: readonly number[], deafFrom = Number.POSITIVE_INFINITY): Run {
  const trust = createTrust(defaults)
  let next = 0
  let alarms = 0
  trust.joined(times[0]!)
  /** Asks as the collector does, at its ticks; the answer is what the exchange has at that moment. */
  function askUntil(end: number, newestAt: (at: number) => number): number | undefined {
    for (let at = trust.askAt(); at < end; at = trust.askAt()) {
      const asked = Math.ceil(at / TICK) * TICK
      if (asked >= end) return undefined
      const newest = newestAt(asked)
      trust.told(newest, next, asked, true)
      const verdict = Math.ceil((asked + GRACE) / TICK) * TICK
      if (newest >= next && verdict < end && trust.overdue(next, verdict, GRACE)) return verdict
      alarms += 1
    }
    return undefined
  }
  for (const [id, at] of times.entries()) {
    if (at >= deafFrom) break
    askUntil(at, () => next - 1)
    next = id + 1
    trust.heard(at)
  }
  const silence = trust.silence()
  const missed = times[next]
  if (missed === undefined) return { alarms, silence }
  let newest = next - 1
  let furthest = 0
  const verdict = askUntil(missed + 2 * LONGEST, (at) => {
    furthest = Math.max(furthest, Math.min(at, trust.until(next)))
    while ((times[newest + 1] ?? Number.POSITIVE_INFINITY) <= at) newest += 1
    return newest
  })
  assert.ok(verdict !== undefined, 'a deaf stream is always found')
  return { alarms, silence, delay: verdict - missed, overclaim: Math.max(0, furthest - missed) }
}

const part = (sorted: readonly number[], share: number) =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0

interface Row {
  readonly stream: string
  readonly trades: number
  readonly hours: number
  readonly silence: number
  readonly alarmsPerHour: number
  readonly p50: number
  readonly p95: number
  readonly worst: number
  readonly overclaim: number
}

const PLAYS = 40
/** Before this many trades nobody can know a rhythm. */
const LEARNED = 0.3

function measure(stream: string, times: readonly number[]): Row {
  const hours = (times.at(-1)! - times[0]!) / HOUR
  const { alarms, silence } = play(times)
  const random = seeded(times.length)
  const runs = Array.from({ length: PLAYS }, () => {
    const place = Math.floor(times.length * (LEARNED + (0.99 - LEARNED) * random()))
    return play(times, times[place])
  })
  const delays = runs.map(({ delay = 0 }) => delay).sort((a, b) => a - b)
  return {
    stream,
    trades: times.length,
    hours,
    silence,
    alarmsPerHour: alarms / hours,
    p50: part(delays, 0.5),
    p95: part(delays, 0.95),
    worst: part(delays, 1),
    overclaim: Math.max(...runs.map(({ overclaim = 0 }) => overclaim)),
  }
}

const seconds = (ms: number) => (ms / 1_000).toFixed(1)
function show(rows: readonly Row[], print: (line: string) => void): void {
  const head = ['stream', 'trades', 'hours', 'silence s', 'false/h', 'found p50 s', 'p95 s', 'worst s', 'overclaim s']
  const cells = rows.map((row) => [
    row.stream,
    String(row.trades),
    row.hours.toFixed(2),
    seconds(row.silence),
    row.alarmsPerHour.toFixed(1),
    ...[row.p50, row.p95, row.worst, row.overclaim].map(seconds),
  ])
  const widths = head.map((name, column) => Math.max(name.length, ...cells.map((row) => row[column]!.length)))
  for (const row of [head, ...cells]) print(row.map((cell, column) => cell.padStart(widths[column]!)).join('  '))
}

/** What holds for any stream: suspicion within the longest silence, and no more questions than one in that time. */
function assertBounded(rows: readonly Row[]): void {
  for (const row of rows) {
    assert.ok(row.worst <= LONGEST, `${row.stream}: ${row.worst} ms until a deaf stream is found`)
    assert.ok(row.overclaim <= LONGEST, `${row.stream}: claimed ${row.overclaim} ms too far`)
    assert.ok(row.alarmsPerHour <= (1.2 * HOUR) / defaults.silenceMaxMs, `${row.stream}: ${row.alarmsPerHour} false`)
  }
}

describe('silence', () => {
  test('of recorded streams', { skip: noRecordings }, (t) => {
    const spot = ['ws/hftbacktest/spot_btcusdt_20240808.gz', 'ws/hftbacktest/spot_btcusdt_20240809.gz']
    const trx = lines('ws/binance-data-processor/test_positive_binance_trade_stream_spot_trxusdt_04-03-2025.csv.gz')
      // The header, and a last row that was doctored.
      .slice(1, -1)
      .map((line) => Math.floor(Number(line.split(',')[3]) / 1_000))
    const times = (trades: readonly { time: number }[]) => trades.map(({ time }) => time)
    const rows = [
      measure('BTCUSDT spot', times(spot.flatMap(streamTrades))),
      measure('BTCUSDT futures', times(streamTrades('ws/hftbacktest/usdm_btcusdt_20240808.gz'))),
      measure('TRXUSDT', trx),
      measure('XRPETH 2019', times(xrpEthTrades())),
    ]
    show(rows, (line) => t.diagnostic(line))
    assertBounded(rows)
    const [btc, futures, tron] = rows
    for (const busy of [btc, futures]) {
      assert.ok(busy!.worst <= 6_000, 'a busy pair is suspected within seconds')
      assert.ok(busy!.alarmsPerHour <= 12)
    }
    assert.ok(tron!.worst <= 30_000)
    assert.ok(tron!.alarmsPerHour <= 12)
  })

  test('of generated streams', async (t) => {
    const simulator = await createSimulator({
      clock: 'manual',
      start: Date.UTC(2026, 6, 1),
      symbols: ['BTCUSDT', 'ETHUSDT', 'XRPUSDT'],
      tradesPerSecond: { BTCUSDT: 20, ETHUSDT: 1, XRPUSDT: 0.05 },
      historyMs: 2 * HOUR,
    })
    t.after(() => simulator.close())
    const rows = [
      ...simulator.symbols.map((symbol) =>
        measure(
          `simulated ${symbol}`,
          simulator.truth.trades(symbol).map(({ time }) => time),
        ),
      ),
      measure('Poisson 50/s', poisson(50, 0.2)),
      measure('Poisson 1/s', poisson(1, 2)),
      measure('Poisson 1/min', poisson(1 / 60, 12)),
      measure('Pareto 1.5, 10/s', heavy(10, 0.5)),
      measure('Pareto 1.5, 1/s', heavy(1, 2)),
      measure('Pareto 1.5, 6/min', heavy(0.1, 6)),
    ]
    show(rows, (line) => t.diagnostic(line))
    assertBounded(rows)
    for (const { stream, worst, alarmsPerHour } of [rows[0]!, rows[3]!]) {
      assert.ok(worst <= 6_000, stream)
      assert.ok(alarmsPerHour <= 12, stream)
    }
  })

  test('of a market whose pace changes is learned anew', () => {
    const busy = poisson(20, 0.3)
    const calm = poisson(0.5, 1).map((at) => at + busy.at(-1)!)
    const trust = createTrust(defaults)
    for (const at of busy) trust.heard(at)
    const before = trust.silence()
    for (const at of calm) trust.heard(at)
    assert.ok(before <= 3_000, `${before}`)
    assert.ok(trust.silence() >= 8_000, `${trust.silence()}`)
  })

  test('is no proof once the exchange has named a trade that did not come', () => {
    const trust = createTrust(defaults)
    trust.heard(10_000)
    assert.ok(trust.until(5) >= 12_000)
    trust.told(5, 5, 11_500, false)
    assert.equal(trust.until(5), 10_000, 'nothing is claimed beyond the last trade')
    assert.equal(trust.overdue(5, 12_000, 1_000), false)
    assert.equal(trust.overdue(5, 12_500, 1_000), true)
    assert.equal(trust.overdue(6, 12_500, 1_000), false, 'it came after all')
  })

  test('costs fewer and fewer questions, up to one in the longest silence', () => {
    const trust = createTrust(defaults)
    trust.joined(0.5)
    const asked: number[] = []
    for (let at = trust.askAt(); at < HOUR; at = trust.askAt()) {
      asked.push(at)
      trust.told(-1, 1, at, true)
    }
    const last = asked.slice(-10)
    for (const [index, at] of last.slice(1).entries()) assert.ok(at - last[index]! >= defaults.silenceMaxMs - 2_000)
    assert.ok(asked.length < 70)
  })

  test('goes no further because nobody answers', () => {
    const trust = createTrust(defaults)
    trust.heard(10_000)
    const until = trust.until(1)
    const asked = trust.askAt()
    trust.unanswered(asked)
    const again = trust.askAt()
    trust.unanswered(again)
    assert.equal(trust.until(1), until)
    assert.ok(trust.askAt() > again, 'not again at once')
    trust.told(0, 1, 40_000, true)
    assert.ok(trust.until(1) > until, 'an answer counts')
  })

  test('of a deaf stream teaches nothing about the market', () => {
    const trust = createTrust(defaults)
    for (const at of poisson(2, 0.05)) trust.heard(at)
    const [before, last] = [trust.silence(), poisson(2, 0.05).at(-1)!]
    trust.deafen(last + 30_000)
    trust.heard(last + 40_000)
    assert.equal(trust.silence(), before)
  })

  test('of a deaf stream is not trusted, and its connection is replaced ever more rarely', () => {
    const trust = createTrust(defaults)
    trust.heard(1_000)
    assert.equal(trust.deafen(10_000), true)
    assert.equal(trust.until(1), 1_000)
    trust.joined(9_500)
    assert.equal(trust.until(1), 9_500, 'only what REST has proven')
    assert.equal(trust.deafen(15_000), false, 'its successor has just been opened')
    assert.equal(trust.deafen(20_000), true)
    assert.equal(trust.deafen(35_000), false)
    assert.equal(trust.deafen(40_000), true)
    trust.heard(41_000)
    assert.equal(trust.deaf(), false)
  })
})
