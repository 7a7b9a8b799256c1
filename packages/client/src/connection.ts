import { worthReconnecting } from '@candlewire/protocol'
import { type Backoff, retryDelay } from './backoff.ts'
import type { OpenSocket, Socket } from './socket.ts'

export interface ConnectionEvents {
  opened(reconnected: boolean): void
  frame(data: unknown): void
  closed(code: number, reason: string): void
  retrying(attempt: number, delayMs: number): void
}

export interface ConnectionOptions {
  readonly url: string
  readonly openSocket: OpenSocket
  readonly backoff: Backoff
  readonly random: () => number
  readonly connectTimeoutMs: number
}

type Phase = 'idle' | 'connecting' | 'open' | 'waiting'

/**
 * One socket at a time, opened again after each loss until `end`. A failed first try rejects `open` and is retried
 * as well. State is settled before an event is told, so that a handler may end or reopen the connection.
 */
export function createConnection(options: ConnectionOptions, events: ConnectionEvents) {
  let phase: Phase = 'idle'
  let socket: Socket | undefined
  let opening: PromiseWithResolvers<void> | undefined
  let timer: ReturnType<typeof setTimeout> | undefined
  let attempt = 0
  let everOpen = false
  /** Grows with each socket; what an older one still says is not heard. */
  let generation = 0

  const start = () => {
    clearTimeout(timer)
    phase = 'connecting'
    const mine = ++generation
    const attemptOpening = Promise.withResolvers<void>()
    // Nobody may be waiting (a background retry); the rejection then has no reader and must not end the process.
    attemptOpening.promise.catch(() => {})
    opening = attemptOpening
    timer = setTimeout(() => fail(mine, 1006, 'no answer in time'), options.connectTimeoutMs)
    socket = options.openSocket(options.url, {
      open: () => mine === generation && opened(),
      frame: (data) => mine === generation && events.frame(data),
      close: (code, reason) => fail(mine, code, reason),
    })
    return attemptOpening.promise
  }

  const opened = () => {
    clearTimeout(timer)
    phase = 'open'
    attempt = 0
    const reconnected = everOpen
    everOpen = true
    const waiter = opening
    opening = undefined
    events.opened(reconnected)
    waiter?.resolve()
  }

  const drop = (reason: string) => {
    generation += 1
    clearTimeout(timer)
    socket?.close()
    socket = undefined
    const waiter = opening
    opening = undefined
    waiter?.reject(new Error(`No connection to ${options.url}: ${reason}`))
  }

  const fail = (mine: number, code: number, reason: string) => {
    if (mine !== generation) return
    drop(reason || `closed with ${code}`)
    const delayMs = retryDelay(worthReconnecting(code) ? attempt : 30, options.backoff, options.random)
    attempt += 1
    const thisAttempt = attempt
    phase = 'waiting'
    timer = setTimeout(start, delayMs)
    events.closed(code, reason)
    if (phase === 'waiting') events.retrying(thisAttempt, delayMs)
  }

  return {
    /** Resolves when open; the same promise while a try is under way; rejects when that try fails. */
    open(): Promise<void> {
      if (phase === 'open') return Promise.resolve()
      return opening?.promise ?? start()
    },
    isOpen: () => phase === 'open',
    /** Call only while open. */
    send: (text: string) => socket?.send(text),
    /** Treats the open socket as lost. */
    lose: (reason: string) => fail(generation, 1006, reason),
    /** Closes, stops retrying, and rejects a try that is under way. May be opened again. */
    end() {
      const was = phase
      phase = 'idle'
      attempt = 0
      everOpen = false
      drop('disconnected')
      if (was === 'open') events.closed(1000, 'disconnected')
    },
  }
}
