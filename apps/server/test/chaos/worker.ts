import { installClock, steady } from './clock.ts'
import type { Job } from './pool.ts'

/** Twenty times as fast as the world, where the machine can. */
installClock(steady(20, 1))
const { runScenario } = await import('./run.ts')
const { scenarioOf } = await import('./scenario.ts')

process.on('message', async ({ kind, seed, symbols, log }: Job) => {
  process.send?.(await runScenario(scenarioOf(kind, seed, symbols), log))
})
