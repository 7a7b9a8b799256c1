import { installClock } from './clock.ts'
import { isHeld } from './hold.ts'
import type { Job } from './pool.ts'
import { followThreads } from './threads.ts'
import { followSockets } from './wires.ts'

const [threads, sockets] = [followThreads(), followSockets()]
installClock(() => isHeld() || threads() || sockets())
const { runScenario } = await import('./run.ts')
const { scenarioOf } = await import('./scenario.ts')

process.on('message', async ({ kind, seed, symbols, log }: Job) => {
  process.send?.(await runScenario(scenarioOf(kind, seed, symbols), log))
})
