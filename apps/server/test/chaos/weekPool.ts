import { fork } from 'node:child_process'
import { join } from 'node:path'
import CliTable from 'cli-table3'
import { isClean } from './check.ts'
import { type Sample, slopeADay } from './memory.ts'
import { clock } from './table.ts'
import type { Progress, WeekOutcome, WeekSettings } from './week.ts'

export type WeekJob = Omit<WeekSettings, 'told'>
export type FromWeek =
  | { readonly kind: 'progress'; readonly progress: Progress }
  | { readonly kind: 'done'; readonly outcome: WeekOutcome }
  | { readonly kind: 'failed'; readonly reason: string }

/** Growth of the heap that a week of noise may show, MB a day; judged from a day after the warm-up on. */
const STEADY_MB_A_DAY = 1
const JUDGED_HOURS = 24
/** Caches fill at first: two days in a long run, half of a short one. */
const warmUp = (hours: number): number => Math.min(52, hours / 2)

/** Losses that were told in words already. */
let noted = 0

/** Does a week in a process with a clock of its own; resolves with whether all is as it has to be. */
export async function runWeekApart(job: WeekJob): Promise<boolean> {
  const child = fork(join(import.meta.dirname, 'weekProcess.ts'), { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
  const started = performance.now()
  try {
    const outcome = await new Promise<WeekOutcome>((resolve, reject) => {
      child.on('message', (message: FromWeek) => {
        if (message.kind === 'progress') tell(job, message.progress, performance.now() - started)
        else if (message.kind === 'done') resolve(message.outcome)
        else reject(new Error(message.reason))
      })
      child.once('exit', (code) => reject(new Error(`the process ended with ${code}`)))
      child.send(job)
    })
    const steady = outcome.samples.filter(({ hour }) => hour >= warmUp(job.days * 24))
    process.stdout.write(`\n${weekTable(outcome, steady)}\n`)
    const grows = steady.length >= JUDGED_HOURS && slopeADay(steady, ({ heap }) => heap) > STEADY_MB_A_DAY
    return isCleanWeek(outcome) && !grows
  } finally {
    child.kill('SIGKILL')
  }
}

function tell({ days }: WeekJob, { hours, trades, losses, memory }: Progress, passed: number): void {
  const left = (passed / hours) * (days * 24 - hours)
  const wrong = isClean(losses) ? 'nothing wrong' : JSON.stringify({ ...losses, notes: undefined })
  const line = `hour ${hours} of ${days * 24}, ${trades} trades, ${wrong}, heap ${memory.heap.toFixed(1)} MB, ${clock(passed)} passed, ${clock(left)} to go`
  process.stderr.write(process.stderr.isTTY ? `\r${line}  ` : `${line}\n`)
  for (const text of losses.notes.slice(noted)) process.stdout.write(`  ${text}\n`)
  noted = losses.notes.length
}

/** Nothing lost, no limit of the exchange touched, and no connection so old that the exchange had to end it. */
const isCleanWeek = ({ losses, counts }: WeekOutcome): boolean =>
  isClean(losses) && counts.limited + counts.banned + counts.expired === 0

function weekTable(outcome: WeekOutcome, steady: readonly Sample[]): string {
  const { losses, counts, samples, growth } = outcome
  const slope = (of: (sample: Sample) => number) => `${slopeADay(steady, of).toFixed(2)} MB a day`
  const last = samples.at(-1)
  const rows: [string, string | number][] = [
    ['simulated hours', last?.hour ?? 0],
    ['trades', outcome.trades],
    ['faults played', outcome.faults],
    ['lost', losses.lost],
    ['doubled', losses.doubled],
    ['invented', losses.invented],
    ['candles wrong', losses.candles],
    ['coverage wrong', losses.coverage],
    ['answered 429', counts.limited],
    ['answered 418', counts.banned],
    ['connections opened', counts.opened],
    ['left by us for a successor', counts.left],
    ['attempts to connect again', outcome.reconnects],
    ['ended by the exchange for their age', counts.expired],
    ['heap after GC', `${last?.heap.toFixed(1)} MB`],
    [`heap, slope over ${steady.length} h`, slope(({ heap }) => heap)],
    ['RSS', `${last?.rss.toFixed(0)} MB`],
    [`RSS, slope over ${steady.length} h`, slope(({ rss }) => rss)],
    ...Object.entries(growth).map(([table, count]): [string, number] => [`rows in ${table}`, count]),
  ]
  const made = new CliTable({ head: ['a week', ''], style: { head: [], border: [] } })
  made.push(...rows)
  return made.toString()
}
