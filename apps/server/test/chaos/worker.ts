import { installClock } from './clock.ts'
import { isHeld } from './hold.ts'
import type { Job } from './pool.ts'
import { followThreads } from './threads.ts'
import { followSockets } from './wires.ts'

const DAY = Date.UTC(2026, 5, 1)

const [threads, sockets] = [followThreads(), followSockets()]
const clock = installClock(() => isHeld() || threads() || sockets())
const { runScenario } = await import('./run.ts')
const { scenarioOf } = await import('./scenario.ts')

process.on('message', async ({ kind, seed, symbols, log }: Job) => {
  // A market is made from its seed and the date: of the same two comes the same run.
  clock.set(DAY)
  process.send?.(await runScenario(scenarioOf(kind, seed, symbols), log))
})
