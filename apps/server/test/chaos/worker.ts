import { installClock, leaping } from './clock.ts'
import type { Job } from './pool.ts'
import { followThreads } from './threads.ts'

installClock(leaping(followThreads()))
const { runScenario } = await import('./run.ts')
const { scenarioOf } = await import('./scenario.ts')

process.on('message', async ({ kind, seed, symbols, log }: Job) => {
  process.send?.(await runScenario(scenarioOf(kind, seed, symbols), log))
})
