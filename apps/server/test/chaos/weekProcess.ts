process.on("SIGINT",()=>process.exit(9))
import { Worker } from 'node:worker_threads'
import { installClock, leaping } from './clock.ts'
import { parseArgs } from 'node:util'

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    days: { type: 'string', default: '7' },
    symbols: { type: 'string', default: '200' },
    rate: { type: 'string', default: '15' },
    ticker: { type: 'string', default: '10' },
    timeframes: { type: 'string', default: '1m,5m,1h,1d' },
    log: { type: 'string', default: 'silent' },
  },
})

/** A disk may take so long, virtual ms: no more time passes while a thread has not answered. */
const DISK_MS = 500
/** When threads were sent what they have not answered yet, virtual ms. */
const unanswered = new Map<Worker, number>()
const followed = new WeakSet<Worker>()
const { postMessage } = Worker.prototype
Worker.prototype.postMessage = function (this: Worker, ...args: Parameters<typeof postMessage>) {
  if (!followed.has(this)) {
    followed.add(this)
    this.on('message', () => unanswered.delete(this))
    this.once('exit', () => unanswered.delete(this))
  }
  unanswered.set(this, unanswered.get(this) ?? Date.now())
  postMessage.apply(this, args)
}
let held = 0
const underWay = () => {
  if (held > 0) return true
  for (const since of unanswered.values()) if (Date.now() - since >= DISK_MS) return true
  return false
}
async function hold<T>(work: () => Promise<T>): Promise<T> {
  held++
  try {
    return await work()
  } finally {
    held--
  }
}

const began = process.hrtime.bigint()
const passed = () => Number(process.hrtime.bigint() - began) / 1e9
installClock(leaping(underWay))
const { runWeek, isCleanWeek } = await import('./week.ts')
const { slopeADay } = await import('./memory.ts')
const t0=Date.now();const insp=new (await import('node:inspector/promises')).Session();insp.connect();let ph=0;const fs=await import('node:fs');const at=Number(process.env.PROF_AT??1e9); import('node:timers');const tick=()=>{if(ph===0&&passed()>at){ph=1;void insp.post('Profiler.enable').then(()=>insp.post('Profiler.start'))}else if(ph===1&&passed()>at+15){ph=2;void insp.post('Profiler.stop').then((r:any)=>{fs.mkdirSync('/tmp/weekprof',{recursive:true});fs.writeFileSync('/tmp/weekprof/a.cpuprofile',JSON.stringify(r.profile));process.exit(9)})};if(Number(passed())>tick.n){tick.n+=5;console.error('dbg',passed().toFixed(1),((Date.now()-t0)/1000).toFixed(1),held,[...unanswered.values()].join())};setImmediate(tick)};tick.n=0;tick()
const outcome = await runWeek({
  seed: Number(values.seed),
  days: Number(values.days),
  symbols: Number(values.symbols),
  rate: Number(values.rate),
  tickerMs: Number(values.ticker) * 1_000,
  timeframes: values.timeframes,
  log: values.log,
  hold,
  told({ hours, trades, losses, memory }) {
    const { notes, ...counts } = losses
    process.stderr.write(
      `${hours} h in ${passed().toFixed(0)} s, ${trades} trades, ${JSON.stringify(counts)}, heap ${memory.heap.toFixed(1)} rss ${memory.rss.toFixed(0)}\n`,
    )
    for (const text of notes.splice(0)) process.stderr.write(`  ${text}\n`)
  },
})
console.log(JSON.stringify({ ...outcome, samples: undefined }), slopeADay(outcome.samples, (one) => one.heap), isCleanWeek(outcome))
process.exit(isCleanWeek(outcome) ? 0 : 1)
