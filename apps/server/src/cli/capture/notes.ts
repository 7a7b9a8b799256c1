import Type, { type Static } from 'typebox'
import { Value } from 'typebox/value'

/**
 * What a recorder writes between the frames, as frames of its own: readers that know nothing of them find JSON that no
 * exchange sends. A `rest` note tells of a request: its answer is the next line when that is an object, as a frame is, and
 * stands in the note itself when it is a list.
 */
const Note = Type.Union([
  Type.Object({
    candlewire: Type.Literal('capture'),
    version: Type.Literal(1),
    exchange: Type.String(),
    symbols: Type.Array(Type.String()),
    channels: Type.Array(Type.String()),
    /** An earlier file holds what came before. */
    continues: Type.Boolean(),
  }),
  Type.Object({
    candlewire: Type.Literal('start'),
    symbol: Type.String(),
    id: Type.Integer(),
    since: Type.Integer(),
    upTo: Type.Integer(),
    hole: Type.Optional(Type.Object({ from: Type.Integer(), to: Type.Integer() })),
  }),
  Type.Object({ candlewire: Type.Literal('down'), symbol: Type.String(), reason: Type.String() }),
  Type.Object({
    candlewire: Type.Literal('rest'),
    path: Type.String(),
    query: Type.Record(Type.String(), Type.Union([Type.String(), Type.Number()])),
    body: Type.Optional(Type.Array(Type.Unknown())),
  }),
  /** Frames that the disk was too slow for. */
  Type.Object({ candlewire: Type.Literal('lost'), frames: Type.Integer() }),
  Type.Object({ candlewire: Type.Literal('end') }),
])
export type Note = Static<typeof Note>

const MARK = Buffer.from('{"candlewire":')

/** The note in a line; `undefined` for a frame, or for a note of a kind that is not known here. */
export function noteOf(text: Buffer): Note | undefined {
  if (!isNote(text)) return undefined
  try {
    const value: unknown = JSON.parse(text.toString())
    return Value.Check(Note, value) ? value : undefined
  } catch {
    return undefined
  }
}

export const isNote = (text: Buffer): boolean => text.subarray(0, MARK.length).equals(MARK)
