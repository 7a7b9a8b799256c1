import { installClock } from './clock.ts'
import type { Job } from './pool.ts'

/** Twenty times as fast as the world, where the machine can. */
installClock({ stepMs: 20, pauseMs: 1 })
const { runScenario } = await import('./run.ts')
const { scenarioOf } = await import('./scenario.ts')

process.on('message', async ({ kind, seed, symbols, log }: Job) => {
  process.send?.(await runScenario(scenarioOf(kind, seed, symbols), log))
})
