import Type from 'typebox'
import { Value } from 'typebox/value'
import { JOB_STATES } from '../codes.ts'
import type { Job } from '../store.ts'
import type { Database, Parameter, Session } from './database.ts'
import { whole } from './time.ts'

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
const Errors = Type.Array(Type.String())

const SAVE = `INSERT INTO candlewire.jobs (${COLUMNS}) VALUES (${COLUMNS.map((_, index) => `$${index + 1}`)})
  ON CONFLICT (id) DO UPDATE SET ${COLUMNS.slice(1).map((name) => `${name} = excluded.${name}`)}`
const SELECT = `SELECT ${COLUMNS} FROM candlewire.jobs`
const NEWEST_FIRST = 'ORDER BY created_at DESC, id COLLATE "C" DESC'

const OVER: readonly Job['state'][] = ['done', 'failed', 'cancelled']
const PRUNE = `WITH gone AS (
    DELETE FROM candlewire.jobs WHERE updated_at < $1 AND state IN (${OVER.map((state) => `'${state}'`)}) RETURNING id
  ) SELECT count(*) FROM gone`

/** Replaces jobs in the order given, within the caller's transaction. */
export async function writeJobs(session: Session, jobs: readonly Job[]): Promise<void> {
  for (const job of jobs) await session.query(SAVE, valuesOf(job))
}

const valuesOf = (job: Job): Parameter[] => [
  job.id,
  job.exchange,
  job.symbol,
  job.timeframe,
  job.from,
  job.to,
  job.state,
  job.cursor,
  job.requestsPlanned,
  job.requestsDone,
  job.candlesWritten,
  JSON.stringify(job.errors),
  job.createdAt,
  job.updatedAt,
]

/** Deletes jobs that are over and were last updated before `before`, ms; returns how many. */
export async function pruneJobs(database: Database, before: number): Promise<number> {
  const [row] = await database.query(PRUNE, [whole(before)])
  return Number(row?.[0])
}

export function jobReader(database: Database) {
  return {
    async one(id: string): Promise<Job | undefined> {
      const [row] = await database.query(`${SELECT} WHERE id = $1`, [id])
      return row && jobOf(row)
    },
    async list(state?: Job['state']): Promise<Job[]> {
      const rows = state
        ? await database.query(`${SELECT} WHERE state = $1 ${NEWEST_FIRST}`, [state])
        : await database.query(`${SELECT} ${NEWEST_FIRST}`)
      return rows.map(jobOf)
    },
  }
}

function jobOf(row: string[]): Job {
  const text = (place: number) => row[place]!
  const state = JOB_STATES.find((one) => one === text(6))
  if (!state) throw new Error(`jobs have no state ${text(6)}`)
  return {
    id: text(0),
    exchange: text(1),
    symbol: text(2),
    timeframe: text(3),
    from: Number(text(4)),
    to: Number(text(5)),
    state,
    cursor: Number(text(7)),
    requestsPlanned: Number(text(8)),
    requestsDone: Number(text(9)),
    candlesWritten: Number(text(10)),
    errors: Value.Parse(Errors, JSON.parse(text(11))),
    createdAt: Number(text(12)),
    updatedAt: Number(text(13)),
  }
}
