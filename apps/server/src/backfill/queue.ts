/** `high`: repairs and what a person asked for. */
export type Priority = 'high' | 'normal'

/** Runs tasks a few at a time, the urgent ones first, else in order. */
export function createQueue(concurrency: number, work: (id: string, signal: AbortSignal) => Promise<void>) {
  const lines: Record<Priority, string[]> = { high: [], normal: [] }
  let running = 0
  let idle = Promise.withResolvers<void>()
  let stop: AbortSignal | undefined

  function next(): void {
    if (!stop || stop.aborted) return
    while (running < concurrency) {
      const id = lines.high.shift() ?? lines.normal.shift()
      if (id === undefined) return
      running += 1
      work(id, stop).finally(() => {
        running -= 1
        if (!running) idle.resolve()
        next()
      })
    }
  }

  return {
    add(id: string, priority: Priority): void {
      lines[priority].push(id)
      next()
    },
    waiting: (): number => lines.high.length + lines.normal.length,
    running: (): number => running,
    /** Works until the signal aborts and the tasks under way have ended. */
    async run(signal: AbortSignal): Promise<void> {
      stop = signal
      next()
      if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }))
      while (running) {
        idle = Promise.withResolvers<void>()
        await idle.promise
      }
      stop = undefined
    },
  }
}
