import { isUtf8 } from 'node:buffer'
import type { Incoming, Outgoing } from './record.ts'
import { DEAD_LETTERS } from './topics.ts'

/** A record that could not be read, as it came, with the reason and where it stood. Bytes that are no text are base64. */
export function deadLetter({ topic, partition, offset, key, value, headers }: Incoming, reason: string): Outgoing {
  const text = isUtf8(value)
  return {
    topic: DEAD_LETTERS,
    key,
    value: text ? value.toString() : value.toString('base64'),
    headers: {
      ...headers,
      reason,
      'source-topic': topic,
      'source-partition': String(partition),
      'source-offset': String(offset),
      ...(!text && { encoding: 'base64' }),
    },
  }
}
