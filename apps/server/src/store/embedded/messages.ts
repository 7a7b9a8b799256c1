import type { DatabaseSync } from 'node:sqlite'
import type { Message } from '../../domain/message.ts'
import type { MessageRange } from '../store.ts'
import { bulkInsert, query } from './sql.ts'

const COLUMNS = ['topic', 'id', 'key', 'symbol', 'time', 'received', 'payload']
/** Nobody's limit. */
const ALL = -1

/** Writes messages, inside the caller's transaction. */
export function messageWriter(db: DatabaseSync): (messages: readonly Message[]) => number {
  const insert = bulkInsert(db, 'messages', COLUMNS, 'ON CONFLICT DO NOTHING')
  return (messages) =>
    insert(messages.length, (index, parameters, at) => {
      const { topic, id, key, symbol, time, received, payload } = messages[index]!
      const values = [topic, id, key, symbol, time, received, payload]
      for (const [n, value] of values.entries()) parameters[at + n] = value
    })
}

type Row = [topic: string, id: string, key: string, symbol: string, time: number, received: number, payload: string]

export function messageReader(db: DatabaseSync) {
  const select = (order: 'ASC' | 'DESC') =>
    query<Row>(
      db,
      `SELECT ${COLUMNS.join(', ')} FROM messages
       WHERE topic = ? AND time BETWEEN ? AND ? AND (? = '' OR symbol = ?)
       ORDER BY time ${order}, sequence ${order} LIMIT ?`,
    )
  const [oldest, newest] = [select('ASC'), select('DESC')]
  return (range: MessageRange): Message[] => {
    const { topic, symbol = '', from = 0, to = Number.MAX_SAFE_INTEGER, limit = ALL } = range
    const rows = (range.newest ? newest : oldest)(topic, from, to, symbol, symbol, limit)
    return (range.newest ? rows.reverse() : rows).map(messageOf)
  }
}

const messageOf = ([topic, id, key, symbol, time, received, payload]: Row): Message => ({
  topic,
  id,
  key,
  symbol,
  time,
  received,
  payload,
})
