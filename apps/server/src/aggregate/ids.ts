import type { Trade } from '../domain/trade.ts'

/** Gaps in the ids of a market that are remembered, so that trades fetched later to fill them count. */
const GAPS = 64
/** Trades named by text that are remembered. */
const NAMES = 4_096

/** What is remembered, as plain data. */
export interface CountedIds {
  readonly next: number
  readonly gaps: readonly { readonly from: number; readonly to: number }[]
  readonly names: readonly string[]
}

/** Which trades of one market have been counted. Remembers a bounded past: what is older counts as seen. */
export function createIds() {
  /** The id that counts next. In an object, because a number that a closure changes would be allocated for each trade. */
  const counted = { next: -1 }
  const gaps: { from: number; to: number }[] = []
  const names = new Set<string>()

  /** Whether ids `[from, to)` are still missing; then they no longer are. */
  function takeFromGap(from: number, to: number): boolean {
    const index = gaps.findIndex((gap) => gap.from <= from && to <= gap.to)
    const gap = gaps[index]
    if (!gap) return false
    const rest = [
      { from: gap.from, to: from },
      { from: to, to: gap.to },
    ]
    gaps.splice(index, 1, ...rest.filter((part) => part.from < part.to))
    return true
  }

  function firstNumber(id: number, count: number): boolean {
    const { next } = counted
    if (id < next) return takeFromGap(id, id + count)
    if (id > next && next >= 0) {
      gaps.push({ from: next, to: id })
      if (gaps.length > GAPS) gaps.shift()
    }
    counted.next = id + count
    return true
  }

  function firstName(name: string): boolean {
    if (names.has(name)) return false
    names.add(name)
    if (names.size > NAMES) for (const oldest of names.values().take(1)) names.delete(oldest)
    return true
  }

  return {
    /** Whether the trade was not counted before; from now on it is. */
    isNew: ({ id, count }: Trade): boolean => (typeof id === 'number' ? firstNumber(id, count) : firstName(id)),
    save: (): CountedIds => ({ next: counted.next, gaps: gaps.map((gap) => ({ ...gap })), names: [...names] }),
    /** Goes on from what was saved; for one that has counted nothing. */
    restore(saved: CountedIds): void {
      counted.next = saved.next
      for (const { from, to } of saved.gaps) gaps.push({ from, to })
      for (const name of saved.names) names.add(name)
    },
  }
}
