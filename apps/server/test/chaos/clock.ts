import { syncBuiltinESMExports } from 'node:module'
import { performance as measured } from 'node:perf_hooks'
import timers from 'node:timers'
import promises from 'node:timers/promises'

type Callback = (...args: unknown[]) => void

/** No time passes while something moves, except when it never ends. */
const BUSY_TURNS = 2_000

/**
 * How far time goes with a turn of the event loop, ms: not at all while something moves (an event came from the system in
 * the last turn, or `underWay` says so of what cannot be seen here), else straight to the next timer, due in `dueMs`.
 */
function createPace(underWay: () => boolean) {
  let events = 0
  let busy = 0
  return (dueMs: number): number => {
    const seen = measured.nodeTiming.uvMetricsInfo.events
    const moved = seen !== events || underWay()
    events = seen
    busy = moved ? (busy + 1) % BUSY_TURNS : 0
    return moved ? Number(busy === BUSY_TURNS - 1) : dueMs
  }
}

/**
 * A clock for a whole process: `Date`, `performance.now`, `setTimeout`, `setInterval` and their promises go by it, so that
 * server and simulator run with the waits they ship with, and a week takes as long as its work, not as its pauses.
 * It moves with the turns of the event loop, and only when nothing else does: however busy the machine is, no time passes
 * behind the back of code that is ready to run.
 */
export function installClock(underWay: () => boolean) {
  const step = createPace(underWay)
  let epoch = Date.now()
  let elapsed = 0
  let order = 0
  /** Sorted by time, then by the order in which they were set. */
  const waiting: VirtualTimer[] = []

  class VirtualTimer {
    at = 0
    order = 0
    set = false
    private readonly callback: Callback
    private readonly ms: number
    private readonly args: unknown[]
    private readonly repeats: boolean

    constructor(callback: Callback, ms: unknown, args: unknown[], repeats: boolean) {
      const wanted = Number(ms)
      this.callback = callback
      this.ms = wanted >= 1 && wanted < 2 ** 31 ? Math.trunc(wanted) : 1
      this.args = args
      this.repeats = repeats
      this.refresh()
    }
    refresh(): this {
      this.close()
      this.at = elapsed + this.ms
      this.order = order++
      this.set = true
      waiting.splice(placeOf(this), 0, this)
      return this
    }
    close(): this {
      if (this.set) waiting.splice(waiting.indexOf(this), 1)
      this.set = false
      return this
    }
    fire(): void {
      if (this.repeats) this.refresh()
      else this.close()
      this.callback(...this.args)
    }
    ref = (): this => this
    unref = (): this => this
    hasRef = (): boolean => true;
    [Symbol.dispose](): void {
      this.close()
    }
  }

  function placeOf({ at }: VirtualTimer): number {
    let low = 0
    let high = waiting.length
    while (low < high) {
      const middle = (low + high) >> 1
      if (waiting[middle]!.at > at) high = middle
      else low = middle + 1
    }
    return low
  }

  function turn(): void {
    const end = elapsed + step(Math.max(0, (waiting[0]?.at ?? elapsed) - elapsed))
    for (let next = waiting[0]; next && next.at <= end; next = waiting[0]) {
      elapsed = Math.max(elapsed, next.at)
      next.fire()
    }
    elapsed = end
    setImmediate(turn)
  }

  const setTimeout = (callback: Callback, ms?: unknown, ...args: unknown[]) =>
    new VirtualTimer(callback, ms, args, false)
  const setInterval = (callback: Callback, ms?: unknown, ...args: unknown[]) =>
    new VirtualTimer(callback, ms, args, true)
  const clear = (timer: unknown) => void (timer instanceof VirtualTimer && timer.close())

  function sleep<T>(ms?: number, value?: T, { signal }: { signal?: AbortSignal } = {}): Promise<T | undefined> {
    const { promise, resolve, reject } = Promise.withResolvers<T | undefined>()
    if (signal?.aborted) return Promise.reject(signal.reason)
    const timer = setTimeout(() => resolve(value), ms)
    const abort = () => {
      timer.close()
      reject(signal?.reason)
    }
    signal?.addEventListener('abort', abort, { once: true })
    return promise.finally(() => signal?.removeEventListener('abort', abort))
  }

  async function* ticks<T>(ms?: number, value?: T, { signal }: { signal?: AbortSignal } = {}) {
    signal?.throwIfAborted()
    let due = 0
    let wake = Promise.withResolvers<void>()
    const timer = setInterval(() => {
      due++
      wake.resolve()
    }, ms)
    const abort = () => wake.resolve()
    signal?.addEventListener('abort', abort, { once: true })
    try {
      for (;;) {
        signal?.throwIfAborted()
        if (due === 0) await wake.promise
        signal?.throwIfAborted()
        wake = Promise.withResolvers<void>()
        for (; due > 0; due--) yield value
      }
    } finally {
      timer.close()
      signal?.removeEventListener('abort', abort)
    }
  }

  const patched = { setTimeout, setInterval, clearTimeout: clear, clearInterval: clear }
  const now = () => epoch + Math.floor(elapsed)
  Date.now = now
  Object.assign(globalThis, patched, {
    Date: new Proxy(Date, {
      construct: (target, args, self) => Reflect.construct(target, args.length > 0 ? args : [now()], self),
    }),
  })
  Object.defineProperty(performance, 'now', { value: () => elapsed, configurable: true })
  Object.assign(timers, patched)
  Object.assign(promises, { setTimeout: sleep, setInterval: ticks })
  syncBuiltinESMExports()
  setImmediate(turn)
  return {
    /** Puts the date to `time`, ms; what waits goes on waiting as long as it would have. */
    set(time: number): void {
      epoch = time - Math.floor(elapsed)
    },
  }
}
