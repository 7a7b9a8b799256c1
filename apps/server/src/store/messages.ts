import { hash } from 'node:crypto'
import type { Message } from '../domain/message.ts'

/** Stands for the id of a message in an index, which holds no long texts. */
export const digestOf = ({ id }: Message): string => hash('sha256', id, 'base64url')

/** A statement takes messages until it holds this many characters: servers bound the size of one. */
const CHARACTERS_PER_STATEMENT = 2 ** 20

/** Cuts a list into pieces of at most `rows` messages that are not too large together; a very large one goes alone. */
export function cutBySize(messages: readonly Message[], rows: number): Message[][] {
  const pieces: Message[][] = []
  let left = 0
  for (const one of messages) {
    const size = one.topic.length + one.id.length + one.key.length + one.symbol.length + one.payload.length
    left -= size
    const piece = pieces.at(-1)
    if (piece && left >= 0 && piece.length < rows) piece.push(one)
    else {
      pieces.push([one])
      left = CHARACTERS_PER_STATEMENT - size
    }
  }
  return pieces
}
