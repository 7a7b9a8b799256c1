import Type from 'typebox'
import { Value } from 'typebox/value'
import { failure } from '../../lib/failure.ts'
import { JOB_STATES } from '../codes.ts'
import type { Job, Store } from '../store.ts'
import { bulkInsert, type Session, takeNew } from './sql.ts'

const COLUMNS = [
  'id',
  'exchange',
  'symbol',
  'timeframe',
  'start',
  'stop',
  'state',
  'progress',
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
const save = bulkInsert('backfill_jobs', COLUMNS, `ON DUPLICATE KEY UPDATE ${takeNew(COLUMNS.slice(1))}`)

const SELECT = `SELECT ${COLUMNS.join(', ')} FROM backfill_jobs`
// Sorting rows with long texts may take more memory than MySQL gives it; in the order of the index nothing is sorted.
const BY_AGE = `${SELECT} FORCE INDEX (backfill_jobs_by_age)`
const NEWEST_FIRST = 'ORDER BY created_at DESC, id DESC'

/** Throws `INVALID_PARAMETER` for a job whose times or counts are no whole numbers. */
export function checkJob(job: Job): void {
  const { from, to, cursor, requestsPlanned, requestsDone, candlesWritten, createdAt, updatedAt } = job
  const whole = [from, to, cursor, requestsPlanned, requestsDone, candlesWritten, createdAt, updatedAt]
  if (whole.every(Number.isSafeInteger)) return
  throw failure('INVALID_PARAMETER', { name: `job ${job.id}`, reason: 'a time or a count is not a whole number' })
}

/** Writes jobs in their order, inside the caller's transaction. */
export const writeJobs = (session: Session, jobs: readonly Job[]): Promise<void> =>
  save(
    session,
    jobs.map((job) => [
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
    ]),
  )

export const jobReader = (session: Session): Pick<Store, 'job' | 'jobs'> => ({
  async job(id) {
    return (await session.rows<Row>(`${SELECT} WHERE id = ?`, [id])).map(jobOf).find((job) => job.id === id)
  },
  async jobs({ state } = {}) {
    const rows = state
      ? session.rows<Row>(`${BY_AGE} WHERE state = ? ${NEWEST_FIRST}`, [JOB_STATES.indexOf(state)])
      : session.rows<Row>(`${BY_AGE} ${NEWEST_FIRST}`)
    return (await rows).map(jobOf)
  },
})

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
