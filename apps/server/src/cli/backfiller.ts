import { aggregate } from '../aggregate/aggregate.ts'
import { createBackfill, type Progress } from '../backfill/backfill.ts'
import { memoryBus } from '../bus/memory.ts'
import { createLog } from '../lib/log.ts'
import { createMetrics } from '../lib/metrics.ts'
import type { BackfillOutcome, OpenBackfiller } from './backfill.ts'
import { type CommandContext, ENABLED } from './context.ts'

/** The backfill role behind the `backfill` command, and the aggregate role, which makes larger candles of what it brings. */
export const openBackfiller =
  (context: CommandContext): OpenBackfiller =>
  (store) => {
    const log = createLog({ level: context.env.LOG_LEVEL ?? 'warn', pretty: context.err.isTTY ?? false })
    const metrics = createMetrics()
    const bus = memoryBus()
    const open = (exchange: string, progress: (progress: Progress) => void) => {
      const rest = context.restClient(exchange)
      const role = { exchange: rest.exchange, rest, bus, store, symbols: () => [], timeframes: ENABLED }
      return createBackfill({ ...role, log, metrics, progress })
    }
    return {
      estimate: ({ exchange, symbols, timeframe, from, to }, signal) =>
        open(exchange, () => undefined).estimate(
          symbols.map((symbol) => ({ symbol, timeframe, from, to })),
          signal,
        ),
      async run({ exchange, symbols, timeframe, from, to }, onProgress, signal) {
        const told = new Map<string, { requests: number; candles: number }>()
        const backfill = open(exchange, ({ job }) => {
          const last = told.get(job.id) ?? { requests: 0, candles: 0 }
          told.set(job.id, { requests: job.requestsDone, candles: job.candlesWritten })
          onProgress(job.requestsDone - last.requests, job.candlesWritten - last.candles)
        })
        const stop = new AbortController()
        const flow = new AbortController()
        const rollingUp = aggregate({ bus, store, timeframes: ENABLED, log, metrics }, flow.signal)
        const running = backfill.run(AbortSignal.any([signal, stop.signal]))
        try {
          const outcomes = symbols.map(async (symbol): Promise<BackfillOutcome> => {
            const { job } = await backfill.request({ symbol, timeframe, from, to, priority: 'high' })
            const ended = (await backfill.settled(job.id, signal)) ?? job
            return {
              symbol,
              requests: ended.requestsDone,
              candles: ended.candlesWritten,
              errors: ended.errors,
            }
          })
          return await Promise.all(outcomes)
        } finally {
          stop.abort()
          await running.finally(() => flow.abort())
          await rollingUp
        }
      },
    }
  }
