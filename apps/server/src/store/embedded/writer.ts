import { Worker } from 'node:worker_threads'
import { failure } from '../../lib/failure.ts'
import { fifo } from '../../lib/fifo.ts'
import type { FileSettings } from './file.ts'
import { buffersOf, type Op } from './pack.ts'
import { failureOf } from './trouble.ts'
import type { FromThread, Outcome, ToThread } from './writer-thread.ts'

export interface Writer {
  /** Resolves with the number of rows written once they are committed. `rows` is how many `pack` will give. */
  write(rows: number, pack: () => Op): Promise<number>
  /** Why the newest write failed, while none has succeeded since. */
  trouble(): Error | undefined
  /** Commits what waits, then ends the thread. */
  close(): Promise<void>
}

interface Waiting {
  readonly rows: number
  readonly pack: () => Op
  readonly resolve: (rows: number) => void
  readonly reject: (error: Error) => void
}

/** A transaction takes writes until it holds this many rows, so that it stays short and its memory bounded. */
const ROWS_PER_TRANSACTION = 10_000
/** Writes that wait. They are packed only when their turn comes; who awaits each write never gets near. */
const MAX_WAITING = 10_000

/** Starts the thread that owns the writing connection. Rejects when the file can't be opened. */
export async function startWriter(settings: FileSettings): Promise<Writer> {
  const thread = new Worker(new URL('./writer-thread.ts', import.meta.url), { workerData: settings })
  const send = (message: ToThread, transfer: ArrayBuffer[] = []) => thread.postMessage(message, transfer)
  const waiting = fifo<Waiting>()
  let running: Waiting[] = []
  let scheduled = false
  let stopped: Error | undefined
  let drained: (() => void) | undefined
  let trouble: Error | undefined

  const exited = new Promise<void>((resolve) => thread.once('exit', () => resolve()))
  const opened = new Promise<void>((resolve, reject) => {
    thread.on('message', (message: FromThread) => {
      if (message.kind === 'opened') resolve()
      else if (message.kind === 'refused') reject(failureOf(message.trouble, settings.path))
      else finish(message.outcomes)
    })
    thread.on('error', (error) => {
      const reason = `${settings.path}: the writing thread has ended (${error.message}). Start the program again`
      fail(failure('STORE_UNAVAILABLE', { reason }, error))
      reject(stopped)
    })
  })

  function fail(error: Error): void {
    stopped ??= error
    for (const write of running) write.reject(error)
    running = []
    for (let write = waiting.shift(); write; write = waiting.shift()) write.reject(error)
    drained?.()
  }

  function finish(outcomes: readonly Outcome[]): void {
    const done = running
    running = []
    done.forEach((write, index) => {
      const outcome = outcomes[index]!
      if ('rows' in outcome) {
        trouble = undefined
        write.resolve(outcome.rows)
      } else {
        trouble = failureOf(outcome.trouble, settings.path)
        write.reject(trouble)
      }
    })
    flush()
  }

  function flush(): void {
    scheduled = false
    if (running.length > 0) return
    let rows = 0
    while (waiting.size() > 0 && (running.length === 0 || rows + waiting.peek()!.rows <= ROWS_PER_TRANSACTION)) {
      const write = waiting.shift()!
      rows += write.rows
      running.push(write)
    }
    if (running.length === 0) {
      drained?.()
      return
    }
    const ops = running.map((write) => write.pack())
    send({ kind: 'write', ops }, ops.flatMap(buffersOf))
  }

  /** Once a turn of the event loop: what several callers write in it shares a transaction. */
  function schedule(): void {
    if (scheduled || running.length > 0) return
    scheduled = true
    setImmediate(flush)
  }

  await opened
  return {
    write(rows, pack) {
      if (stopped) return Promise.reject(stopped)
      if (waiting.size() >= MAX_WAITING) {
        const reason = `${MAX_WAITING} writes wait already; the disk does not keep up`
        return Promise.reject(failure('STORE_UNAVAILABLE', { reason }))
      }
      return new Promise((resolve, reject) => {
        waiting.push({ rows, pack, resolve, reject })
        schedule()
      })
    },
    trouble: () => stopped ?? trouble,
    async close() {
      if (!stopped) {
        stopped = failure('STORE_UNAVAILABLE', { reason: 'it is closed' })
        if (running.length > 0 || waiting.size() > 0) await new Promise<void>((resolve) => (drained = resolve))
        send({ kind: 'close' })
      }
      await exited
    },
  }
}
