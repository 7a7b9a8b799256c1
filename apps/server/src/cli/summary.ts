import type { Interval } from '../domain/coverage.ts'
import type { Timeframe } from '../domain/timeframe.ts'
import { iso } from './context.ts'
import type { Reading } from './files.ts'
import type { KlineReport } from './importKlines.ts'
import type { FrameCount, TradeReport } from './importTrades.ts'
import { count, plural, table } from './table.ts'

const TOLD = 5

/** What an import of trades came to, for people. */
export function tradeSummary(report: TradeReport, reading: Reading, elapsedMs: number): string {
  const lines = [
    `Read ${plural(reading.rows, 'row')} in ${seconds(elapsedMs)}; ${plural(report.trades, 'trade')} stored.`,
    report.duplicates && `${plural(report.duplicates, 'trade')} came before and left out (told by the ids).`,
    report.misplaced &&
      `${plural(report.misplaced, 'of them was', 'of them were')} out of order, so that a hole remains: sort the file by id.`,
    report.quarantined && `${plural(report.quarantined, 'trade')} of price or quantity 0 set aside.`,
    report.covered && `Trades known from ${iso(report.covered.from)} to ${iso(report.covered.to)}.`,
    ...holeLines(report.holes),
    '',
    candleTable(report.candles),
    ...partialNote(report.candles, 'the trades do not cover them whole (see --help: Which candles are written)'),
  ]
  return lines.filter((line) => typeof line === 'string').join('\n')
}

/** What an import of candles came to, for people. */
export function klineSummary(report: KlineReport, reading: Reading, frame: Timeframe, elapsedMs: number): string {
  const lines = [
    `Read ${plural(reading.rows, 'row')} of ${frame.code} in ${seconds(elapsedMs)}.`,
    report.duplicates && `${plural(report.duplicates, 'row')} stood there twice.`,
    report.kept &&
      `${plural(report.kept, 'candle')} kept as stored, folded from trades or richer; ${count(report.differing)} of them differ.`,
    report.covered && `Candles known from ${iso(report.covered.from)} to ${iso(report.covered.to)}.`,
    ...holeLines(report.holes),
    '',
    candleTable(report.candles),
    ...partialNote(report.candles, 'rows are missing in them or they reach past the files'),
  ]
  return lines.filter((line) => typeof line === 'string').join('\n')
}

const seconds = (ms: number): string => `${(ms / 1_000).toFixed(1)} s`

function holeLines(holes: readonly (Interval & { trades?: number })[]): string[] {
  if (holes.length === 0) return []
  const told = holes.slice(0, TOLD).map(({ from, to, trades }) => {
    const missing = trades ? `, ${plural(trades, 'trade')} missing` : ''
    return `  ${iso(from)} to ${iso(to)}${missing}`
  })
  const more = holes.length > TOLD ? [`  and ${count(holes.length - TOLD)} more`] : []
  return [`${plural(holes.length, 'hole')}:`, ...told, ...more]
}

const candleTable = (candles: ReadonlyMap<string, FrameCount>): string =>
  table(
    ['timeframe', 'candles', 'left out'],
    [...candles].map(([code, { written, partial }]) => [code, written, partial]),
  )

function partialNote(candles: ReadonlyMap<string, FrameCount>, why: string): string[] {
  const ranges = [...candles].flatMap(([code, { partial, firstPartial, lastPartial }]) => {
    if (firstPartial === undefined || lastPartial === undefined) return []
    if (partial === 1) return [`  ${code}: ${iso(firstPartial)}`]
    return [`  ${code}: ${count(partial)} between ${iso(firstPartial)} and ${iso(lastPartial)}`]
  })
  return ranges.length ? [`Left out because ${why}:`, ...ranges] : []
}
