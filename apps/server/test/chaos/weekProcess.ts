import { installClock } from './clock.ts'
import { isHeld } from './hold.ts'
import { followThreads } from './threads.ts'
import type { WeekJob } from './weekPool.ts'
import { followSockets } from './wires.ts'

const [threads, sockets] = [followThreads(), followSockets()]
installClock(() => isHeld() || threads() || sockets())
const { runWeek } = await import('./week.ts')

process.once('message', async (job: WeekJob) => {
  const send = (message: object) => process.send?.(message)
  try {
    send({ kind: 'done', outcome: await runWeek({ ...job, told: (progress) => send({ kind: 'progress', progress }) }) })
  } catch (error) {
    send({ kind: 'failed', reason: error instanceof Error ? (error.stack ?? error.message) : String(error) })
  }
})
