import CliTable from 'cli-table3'
import type { Losses } from './check.ts'
import type { Outcome } from './run.ts'

const counted = ['lost', 'doubled', 'invented', 'candles', 'coverage'] as const satisfies (keyof Losses)[]

/** `1:05` for 65,000 ms. */
export const clock = (ms: number): string =>
  `${Math.floor(ms / 60_000)}:${String(Math.floor(ms / 1_000) % 60).padStart(2, '0')}`

const seconds = (ms: number | undefined): string =>
  ms === undefined || Number.isNaN(ms) ? '-' : (ms / 1_000).toFixed(1)

/** A row a kind of fault, and all together. */
export function table(outcomes: readonly Outcome[]): string {
  const head = ['fault', 'runs', 'trades', ...counted, 'heal, median s', 'heal, max s']
  const made = new CliTable({ head, style: { head: [], border: [] } })
  const groups = Map.groupBy(outcomes, ({ kind }) => kind)
  for (const [kind, group] of [...groups].sort(([a], [b]) => (a < b ? -1 : 1))) made.push(rowOf(kind, group))
  made.push(rowOf('all', outcomes))
  return made.toString()
}

function rowOf(name: string, group: readonly Outcome[]): (string | number)[] {
  const heals = group.map(({ healMs }) => healMs).sort((a, b) => a - b)
  const sum = (of: (outcome: Outcome) => number) => group.reduce((total, outcome) => total + of(outcome), 0)
  return [
    name,
    group.length,
    sum(({ trades }) => trades),
    ...counted.map((key) => sum(({ losses }) => losses[key])),
    seconds(heals[heals.length >> 1]),
    seconds(heals.at(-1)),
  ]
}
