import type { Message } from '../../domain/message.ts'
import { cutBySize, digestOf } from '../messages.ts'
import type { MessageRange } from '../store.ts'
import { bulkInsert, type Session, whole } from './sql.ts'

const COLUMNS = ['topic', 'id', 'record_key', 'symbol', 'time', 'received', 'payload']
/** The one that is there stays. Unlike INSERT IGNORE it hides no other trouble. */
const save = bulkInsert('service_messages', [...COLUMNS, 'digest'], 'ON DUPLICATE KEY UPDATE topic = topic')
/** Rows of a statement at most. */
const ROWS = 500

// Sorting rows with long texts may take more memory than MySQL gives it; in the order of the index nothing is sorted.
const select = (order: 'ASC' | 'DESC') =>
  `SELECT ${COLUMNS.join(', ')} FROM service_messages FORCE INDEX (service_messages_by_time)
   WHERE topic = ? AND time BETWEEN ? AND ? AND (? = '' OR symbol = ?)
   ORDER BY time ${order}, sequence ${order} LIMIT ?`
const [OLDEST, NEWEST] = [select('ASC'), select('DESC')]

/** Writes messages, inside the caller's transaction. */
export async function writeMessages(session: Session, messages: readonly Message[]): Promise<void> {
  for (const some of cutBySize(messages, ROWS))
    await save(
      session,
      some.map((message) => {
        const { topic, id, key, symbol, time, received, payload } = message
        return [topic, id, key, symbol, time, received, payload, digestOf(message)]
      }),
    )
}

type Row = [topic: string, id: string, key: string, symbol: string, time: number, received: number, payload: string]

export const messageReader =
  (session: Session) =>
  async ({
    topic,
    symbol = '',
    from = 0,
    to = Infinity,
    limit = Infinity,
    newest,
  }: MessageRange): Promise<Message[]> => {
    const values = [topic, whole(Math.ceil(from)), whole(to), symbol, symbol, whole(limit)]
    const rows = await session.rows<Row>(newest ? NEWEST : OLDEST, values)
    return (newest ? rows.reverse() : rows).map(messageOf)
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
