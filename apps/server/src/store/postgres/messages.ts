import type { Message } from '../../domain/message.ts'
import { cutBySize, digestOf } from '../messages.ts'
import type { MessageRange } from '../store.ts'
import { column, INT8, textColumn } from './binary.ts'
import type { Database, Session } from './database.ts'
import { whole } from './time.ts'

const COLUMNS = ['topic', 'id', 'key', 'symbol', 'time', 'received', 'payload'] as const
const TYPES = ['text', 'text', 'text', 'text', 'int8', 'int8', 'text', 'text']

const SAVE = `INSERT INTO candlewire.messages (${COLUMNS}, digest)
  SELECT ${COLUMNS}, digest FROM unnest(${TYPES.map((type, index) => `$${index + 1}::${type}[]`)})
    WITH ORDINALITY AS b (${COLUMNS}, digest, place)
  ORDER BY place ON CONFLICT DO NOTHING`

const select = (order: 'ASC' | 'DESC') =>
  `SELECT ${COLUMNS} FROM candlewire.messages
   WHERE topic = $1 AND time BETWEEN $2 AND $3 AND ($4 = '' OR symbol = $4)
   ORDER BY time ${order}, sequence ${order} LIMIT $5`
const [OLDEST, NEWEST] = [select('ASC'), select('DESC')]

/** Adds messages within the caller's transaction, at most `rows` of them with one statement. */
export async function writeMessages(session: Session, messages: readonly Message[], rows: number): Promise<void> {
  for (const some of cutBySize(messages, rows))
    await session.query(SAVE, [
      textColumn(some, ({ topic }) => topic),
      textColumn(some, ({ id }) => id),
      textColumn(some, ({ key }) => key),
      textColumn(some, ({ symbol }) => symbol),
      column(INT8, some, ({ time }) => time),
      column(INT8, some, ({ received }) => received),
      textColumn(some, ({ payload }) => payload),
      textColumn(some, digestOf),
    ])
}

type Row = [topic: string, id: string, key: string, symbol: string, time: string, received: string, payload: string]

export const messageReader =
  (database: Database) =>
  async ({ topic, symbol = '', from = 0, to = Infinity, limit, newest }: MessageRange): Promise<Message[]> => {
    const parameters = [topic, whole(Math.ceil(from)), whole(to), symbol, limit ?? null]
    const rows = await database.query<Row>(newest ? NEWEST : OLDEST, parameters)
    return (newest ? rows.reverse() : rows).map(messageOf)
  }

const messageOf = ([topic, id, key, symbol, time, received, payload]: Row): Message => ({
  topic,
  id,
  key,
  symbol,
  time: Number(time),
  received: Number(received),
  payload,
})
