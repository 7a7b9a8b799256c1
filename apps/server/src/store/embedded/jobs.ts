import type { DatabaseSync } from 'node:sqlite'
import Type from 'typebox'
import { Value } from 'typebox/value'
import { JOB_STATES } from '../codes.ts'
import type { Job } from '../store.ts'
import { command, query } from './sql.ts'

const COLUMNS = [
  'id',
  'exchange',
  'symbol',
  'timeframe',
  'start',
  'stop',
  'state',
  'cursor',
  'requests_planned',
  'requests_done',
  'candles_written',
  'errors',
  'created_at',
  'updated_at',
]
type Row = [
  id: string,
  exchange: string,
  symbol: string,
  timeframe: string,
  start: number,
  stop: number,
  state: number,
  cursor: number,
  requestsPlanned: number,
  requestsDone: number,
  candlesWritten: number,
  errors: string,
  createdAt: number,
  updatedAt: number,
]
const Errors = Type.Array(Type.String())

export function jobWriter(db: DatabaseSync): (job: Job) => number {
  const save = command(db, `INSERT OR REPLACE INTO jobs (${COLUMNS.join(',')}) VALUES (${COLUMNS.map(() => '?')})`)
  return (job) =>
    save(
      job.id,
      job.exchange,
      job.symbol,
      job.timeframe,
      job.from,
      job.to,
      JOB_STATES.indexOf(job.state),
      job.cursor,
      job.requestsPlanned,
      job.requestsDone,
      job.candlesWritten,
      JSON.stringify(job.errors),
      job.createdAt,
      job.updatedAt,
    )
}

export function jobReader(db: DatabaseSync) {
  const select = `SELECT ${COLUMNS.join(', ')} FROM jobs`
  const newestFirst = 'ORDER BY created_at DESC, id DESC'
  const byId = query<Row>(db, `${select} WHERE id = ?`)
  const all = query<Row>(db, `${select} ${newestFirst}`)
  const byState = query<Row>(db, `${select} WHERE state = ? ${newestFirst}`)
  return {
    one: (id: string): Job | undefined => byId(id).map(jobOf)[0],
    list: (state?: Job['state']): Job[] => (state ? byState(JOB_STATES.indexOf(state)) : all()).map(jobOf),
  }
}

const jobOf = (row: Row): Job => ({
  id: row[0],
  exchange: row[1],
  symbol: row[2],
  timeframe: row[3],
  from: row[4],
  to: row[5],
  state: JOB_STATES[row[6]]!,
  cursor: row[7],
  requestsPlanned: row[8],
  requestsDone: row[9],
  candlesWritten: row[10],
  errors: Value.Parse(Errors, JSON.parse(row[11])),
  createdAt: row[12],
  updatedAt: row[13],
})
