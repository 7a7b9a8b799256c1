import Type from 'typebox'
import type { Interval } from '../domain/coverage.ts'
import { edge } from '../lib/edge.ts'
import type { CountedIds } from './ids.ts'
import type { Lane } from './lane.ts'

/** What a market remembers beside its lanes. */
export interface MarketMemory {
  readonly started: boolean
  readonly times: Times
  readonly standstill: Interval | undefined
  readonly remake: Interval | undefined
  readonly ids: CountedIds
}

type Times = [number, number, number, number, number, number, number, number, number]

const Stretch = Type.Object({ from: Type.Number(), to: Type.Number() })
const Lanes = Type.Object({
  code: Type.String(),
  numbers: Type.String(),
  rows: Type.String(),
  partials: Type.Array(
    Type.Object({
      open: Type.Number(),
      end: Type.Number(),
      until: Type.Number(),
      history: Type.Optional(Type.String()),
    }),
  ),
})
const Saved = Type.Object({
  version: Type.Literal(1),
  latenessMs: Type.Number(),
  started: Type.Boolean(),
  times: Type.String(),
  standstill: Type.Optional(Stretch),
  remake: Type.Optional(Stretch),
  ids: Type.Object({
    next: Type.Number(),
    gaps: Type.Array(Stretch),
    names: Type.Array(Type.String()),
  }),
  lanes: Type.Array(Lanes),
})

const read = edge(Saved)

/** The doubles bit by bit, NaN and infinities included. */
const pack = (numbers: Float64Array | readonly number[]): string =>
  Buffer.from(Float64Array.from(numbers).buffer).toString('base64')

function unpack(text: string, length?: number): Float64Array {
  const bytes = Uint8Array.from(Buffer.from(text, 'base64'))
  if (bytes.length % 8 !== 0 || (length !== undefined && bytes.length !== 8 * length)) throw new Error('another length')
  return new Float64Array(bytes.buffer)
}

const numbersOf = (lane: Lane): number[] => [
  lane.newest,
  lane.latest,
  lane.open,
  lane.closedTo,
  lane.closesAt,
  lane.close,
  lane.closeFrom,
  lane.storedTo,
  lane.forgotten,
]

/** A market's candles in the making, as text of a few ten kilobytes. */
export function writeMemory(memory: MarketMemory, lanes: readonly Lane[], latenessMs: number): string {
  return JSON.stringify({
    version: 1,
    latenessMs,
    ...memory,
    times: pack(memory.times),
    lanes: lanes.map((lane) => ({
      code: lane.frame.code,
      numbers: pack(numbersOf(lane)),
      rows: pack(lane.rows),
      partials: lane.partials.map(({ history, ...rest }) => ({ ...rest, ...(history && { history: pack(history) }) })),
    })),
  })
}

/**
 * Reads what `writeMemory` wrote: fills the lanes, answers the rest. Throws a plain Error when it was written with other
 * settings; the lanes are then as they were.
 */
export function readMemory(text: string, lanes: readonly Lane[], latenessMs: number): MarketMemory {
  const saved = read(JSON.parse(text))
  if (saved.latenessMs !== latenessMs || saved.lanes.length !== lanes.length) throw new Error('other settings')
  const fills = lanes.map((lane, index) => {
    const { code, numbers, rows, partials } = saved.lanes[index]!
    if (code !== lane.frame.code) throw new Error('other timeframes')
    const packed = {
      numbers: unpack(numbers, numbersOf(lane).length),
      rows: unpack(rows, lane.rows.length),
      partials: partials.map(({ history, ...rest }) => ({
        ...rest,
        history: history === undefined ? undefined : unpack(history),
      })),
    }
    return () => fill(lane, packed)
  })
  const times = timesOf(unpack(saved.times, 9))
  for (const lane of fills) lane()
  return { started: saved.started, times, standstill: saved.standstill, remake: saved.remake, ids: saved.ids }
}

const timesOf = (t: Float64Array): Times => [t[0]!, t[1]!, t[2]!, t[3]!, t[4]!, t[5]!, t[6]!, t[7]!, t[8]!]

function fill(
  lane: Lane,
  { numbers, rows, partials }: { numbers: Float64Array; rows: Float64Array; partials: Lane['partials'] },
): void {
  lane.rows.set(rows)
  lane.newest = numbers[0]!
  lane.latest = numbers[1]!
  lane.open = numbers[2]!
  lane.closedTo = numbers[3]!
  lane.closesAt = numbers[4]!
  lane.close = numbers[5]!
  lane.closeFrom = numbers[6]!
  lane.storedTo = numbers[7]!
  lane.forgotten = numbers[8]!
  lane.partials = partials
  lane.amended = false
}
