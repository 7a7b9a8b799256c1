import type { DriftOf } from '../../collect/drift.ts'
import type { ReplayTally } from '../../collect/replay.ts'
import { iso } from '../context.ts'
import { count, plural, table } from '../table.ts'
import type { Digest } from './digest.ts'

/** What a replay came to. */
export interface ReplayReport extends Digest {
  readonly tally: ReplayTally
  readonly drifting: readonly Pick<DriftOf, 'symbol' | 'kinds'>[]
  readonly badLines: number
  readonly answers: number
  readonly broken: readonly string[]
}

const TOLD = 10

/** What a replay came to, for people; the hash is the last line, for scripts. */
export function replaySummary(report: ReplayReport): string {
  const { tally, drifting, trades, candles, hash, badLines, answers } = report
  const lines = [
    `${plural(tally.frames, 'frame')}, ${plural(answers, 'REST answer')}; ${plural(trades, 'trade')} stored.`,
    tally.duplicates && `${plural(tally.duplicates, 'trade')} came twice and counted once.`,
    badLines && `${plural(badLines, 'line')} could not be read.`,
    tally.setAside && `${plural(tally.setAside, 'frame')} set aside.`,
    ...drifting.map(({ symbol, kinds }) => `  ${symbol}: ${kindsText(kinds)}`),
    ...holeLines(tally.holes),
    '',
    table(['timeframe', 'candles'], [...candles]),
    '',
    `sha256 ${hash}`,
  ]
  return `${lines.filter((line) => typeof line === 'string').join('\n')}\n`
}

const kindsText = (kinds: Readonly<Record<string, number>>): string =>
  Object.entries(kinds)
    .map(([kind, times]) => `${kind} × ${count(times)}`)
    .join(', ')

function holeLines(all: ReplayReport['tally']['holes']): string[] {
  // A market begins with a hole that reaches back to where nothing is known.
  const holes = all.filter(({ from }) => from > 0)
  if (holes.length === 0) return []
  const told = holes.slice(0, TOLD).map(({ symbol, from, to }) => `  ${symbol}: ${iso(from)} to ${iso(to)}`)
  const more = holes.length > TOLD ? [`  and ${count(holes.length - TOLD)} more`] : []
  return [`${plural(holes.length, 'hole')}, whose trades are unknown:`, ...told, ...more]
}
