import { minuteMs } from './grid.ts'
import type { Tape, Trade } from './tape.ts'

/** A stretch in which the exchange stood still, in ms: `from` belongs to it, `to` no longer. */
export type Halt = { from: number; to: number }

type Cut = Halt & { id: number; trades: number; agg: number; aggs: number }

/** The first trade of a tape that arrives at `time` or later. */
const firstFrom = (tape: Tape, time: number): Pick<Trade, 'id' | 'agg'> => {
  for (let minute = Math.floor(time / minuteMs); ; ) {
    const trade = tape.minute(minute).find((candidate) => candidate.at >= time)
    if (trade) return trade
    if (tape.end && tape.idAt(minute + 1) >= tape.end.id) return tape.end
    minute = Math.max(minute + 1, tape.minuteOf(tape.idAt(minute + 1)))
  }
}

/**
 * A tape from which halts are cut out: nothing trades in them, and the ids after one go on where they stopped.
 * Halts must be given in the order of time and may only lie in the future of whoever reads the tape.
 */
export const withHalts = (tape: Tape): Tape & { halts: readonly Halt[]; halt(halt: Halt): void } => {
  const cuts: Cut[] = []

  const shift = (id: number): number => {
    let sum = 0
    for (const cut of cuts) sum += Math.min(Math.max(id - cut.id, 0), cut.trades)
    return id - sum
  }
  const unshift = (key: 'id' | 'agg', value: number): number => {
    let original = value
    for (const cut of cuts) if (original >= cut[key]) original += key === 'id' ? cut.trades : cut.aggs
    return original
  }

  const minute = (number: number): readonly Trade[] => {
    const trades = tape.minute(number)
    const start = number * minuteMs
    if (!cuts.some((cut) => cut.from < start + minuteMs)) return trades
    return trades
      .filter((trade) => !cuts.some((cut) => trade.at >= cut.from && trade.at < cut.to))
      .map((trade) => {
        let aggs = 0
        for (const cut of cuts) if (trade.at >= cut.to) aggs += cut.aggs
        return { ...trade, id: shift(trade.id), agg: trade.agg - aggs }
      })
  }

  return {
    spec: tape.spec,
    strays: tape.strays,
    halts: cuts,
    minute,
    idAt: (number) => shift(tape.idAt(number)),
    minuteOf: (id) => tape.minuteOf(unshift('id', id)),
    idOfAgg: (agg) => shift(tape.idOfAgg(unshift('agg', agg))),
    halt({ from, to }) {
      const first = firstFrom(tape, from)
      const next = firstFrom(tape, to)
      cuts.push({ from, to, id: first.id, trades: next.id - first.id, agg: first.agg, aggs: next.agg - first.agg })
    },
  }
}
