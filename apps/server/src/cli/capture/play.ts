import { setTimeout as sleep } from 'node:timers/promises'
import type { Replay } from '../../collect/replay.ts'
import type { TradeBatch } from '../../domain/trade.ts'
import type { Exchange } from '../../exchanges/exchange.ts'
import type { CaptureLine } from './lines.ts'
import { isNote, type Note, noteOf } from './notes.ts'

interface Deps {
  readonly exchange: Exchange
  readonly replay: Replay
  readonly take: (batches: readonly TradeBatch[]) => Promise<void>
  /** Times as fast as it was recorded; 0 for as fast as it goes. */
  readonly speed: number
  readonly signal: AbortSignal
}

/** Trades that were received within this time of each other go out together, ms of the recording. */
const TOGETHER_MS = 50

/** Plays the lines of a recording, in order. What it reads but does not understand, it counts. */
export function createPlayer({ exchange, replay, take, speed, signal }: Deps) {
  const tradesPath = exchange.rest.tradesFrom({ symbol: '', fromId: 0 }).path
  const marketsPath = exchange.rest.markets().path
  let asked: Extract<Note, { candlewire: 'rest' }> | undefined
  let unread = 0
  let window = Number.NEGATIVE_INFINITY
  let started: { readonly real: number; readonly recorded: number } | undefined
  let answers = 0
  let headers = 0

  function takeNote(note: Note | undefined, received: number): void {
    if (!note) unread += 1
    else if (note.candlewire === 'capture') {
      headers += 1
      if (headers === 1) replay.withRest(!note.continues)
    } else if (note.candlewire === 'start') replay.began(note.symbol, note)
    else if (note.candlewire === 'down') replay.down(note.symbol)
    else if (note.candlewire === 'lost') replay.broken()
    else if (note.candlewire !== 'rest') return
    else if (note.body) takeAnswer(note, note.body, received)
    else asked = note
  }

  function takeAnswer({ path, query }: NonNullable<typeof asked>, body: unknown, received: number): void {
    answers += 1
    try {
      if (path === marketsPath) replay.know(exchange.rest.markets().read(body, received))
      if (path !== tradesPath) return
      const symbol = String(query.symbol)
      replay.page(symbol, exchange.rest.tradesFrom({ symbol, fromId: 0 }).read(body, received))
    } catch {
      unread += 1
    }
  }

  function takeLine({ received, text }: CaptureLine): void {
    if (asked) {
      const request = asked
      asked = undefined
      takeAnswer(request, parsed(text), received)
    } else if (isNote(text)) takeNote(noteOf(text), received)
    else replay.frame(text, received)
  }

  async function wait(recorded: number): Promise<void> {
    started ??= { real: performance.now(), recorded }
    const due = started.real + (recorded - started.recorded) / speed
    const ms = due - performance.now()
    if (ms > 1) await sleep(ms, undefined, { signal }).catch(() => {})
  }

  return {
    async lines(lines: readonly CaptureLine[]): Promise<void> {
      for (const line of lines) {
        const at = Math.floor(line.received / TOGETHER_MS)
        if (at > window) {
          window = at
          const batches = replay.drain()
          if (batches.length) await take(batches)
          if (speed > 0) await wait(line.received)
          signal.throwIfAborted()
        }
        takeLine(line)
      }
    },
    end: (): Promise<void> => take(replay.finish()),
    /** Lines that are no frames, and that could not be read; REST answers. */
    unread: () => unread,
    answers: () => answers,
  }
}

/** `undefined` for what is no JSON. */
function parsed(text: Buffer): unknown {
  try {
    return JSON.parse(text.toString())
  } catch {
    return undefined
  }
}
