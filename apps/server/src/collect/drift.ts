/** Ways in which the exchange's data may change under us. The first four are set aside, the others only told. */
export type DriftKind =
  | 'time'
  | 'price jump'
  | 'precision'
  | 'malformed'
  | 'unknown field'
  | 'time unit'
  | 'unknown value'

/** A market counts as drifting for this long after the last thing set aside. */
const RECENT_MS = 10 * 60_000

/** What was set aside of one market, by kind. `last`: our clock, ms. */
export interface DriftOf {
  readonly symbol: string
  readonly kinds: Readonly<Record<string, number>>
  readonly last: number
}

/** Counts what was set aside, a row a market. */
export function driftLedger() {
  const rows = new Map<string, { kinds: Map<DriftKind, number>; last: number }>()
  return {
    add(symbol: string, kind: DriftKind, at: number): void {
      const row = rows.get(symbol) ?? { kinds: new Map<DriftKind, number>(), last: at }
      row.kinds.set(kind, (row.kinds.get(kind) ?? 0) + 1)
      row.last = Math.max(row.last, at)
      rows.set(symbol, row)
    },
    forget: (symbol: string): void => void rows.delete(symbol),
    /** Markets that drifted lately; older rows are dropped. */
    since(now: number): DriftOf[] {
      for (const [symbol, { last }] of rows) if (now - last > RECENT_MS) rows.delete(symbol)
      return [...rows].map(([symbol, { kinds, last }]) => ({ symbol, kinds: Object.fromEntries(kinds), last }))
    },
  }
}
