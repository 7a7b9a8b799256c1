import { installClock } from './clock.ts'
import type { Job } from './pool.ts'

const DAY = Date.UTC(2026, 5, 1)

/** Twenty times as fast as the world, where the machine can. */
const clock = installClock({ stepMs: 20, pauseMs: 1 })
const { runScenario } = await import('./run.ts')
const { scenarioOf } = await import('./scenario.ts')

process.on('message', async ({ kind, seed, symbols, log }: Job) => {
  // A market is made from its seed and the date: of the same two comes the same run.
  clock.set(DAY)
  process.send?.(await runScenario(scenarioOf(kind, seed, symbols), log))
})
