import { createRhythm } from './rhythm.ts'
import type { CollectSettings } from './settings.ts'

/** Figures of the exchange may be this old when they come. */
const STALE_MS = 1_000
/** A stream that stays deaf on its successor is given another connection after this long, then twice as long … */
const REPLACE_MS = 10_000
const REPLACE_MAX_MS = 10 * 60_000

/** A question that found no answer is asked again after this long. */
const UNANSWERED_MS = 5_000

/** Ids that exist by the exchange's own word, and since when we know, our clock, ms. */
interface Told {
  readonly id: number
  readonly at: number
}

/**
 * How far one market's stream is to be believed. A silence proves that nothing traded only for as long as the market
 * is used to pause (`rhythm.ts`), never longer than `silenceMaxMs`; then the exchange has to be asked. Times: our clock, ms.
 */
export interface Trust {
  /** The stream brought something new. */
  heard(at: number): void
  /** By REST: nothing was missing at this moment. */
  joined(at: number): void
  /** The exchange's newest trade id. `next`: the id that we wait for. `asked`: it was our question, not a ticker. */
  told(id: number, next: number, at: number, asked: boolean): void
  /** What the exchange told of and the stream should have brought by now, when it waits for `next`. */
  overdue(next: number, at: number, patienceMs: number): boolean
  /** Whether the exchange told of trades that have not come. */
  behind(): boolean
  /** REST brought what the stream did not. True when the connection is to be replaced now. */
  deafen(at: number): boolean
  deaf(): boolean
  /** Until when silence means that nothing traded. */
  until(next: number | undefined): number
  /** Until when the exchange itself confirmed what traded: a trade that was long on its way proves no more than its own time. */
  assured(): number
  /** When the exchange is to be asked; `Infinity` while there is nothing to ask. */
  askAt(): number
  /** The question could not be answered: it proves nothing, and is asked again a little later. */
  unanswered(at: number): void
  /** The market stands still, or its trades don't reach us: the pause at hand teaches nothing. */
  standstill(): void
  /** The silence after which this stream is suspected, ms. */
  silence(): number
}

export function createTrust(settings: CollectSettings): Trust {
  const { silenceMinMs, silenceMaxMs, silenceUnknownMs, graceMs } = settings
  const rhythm = createRhythm()
  let proof = 0
  let assured = 0
  /** Answers in the silence at hand: each lets it go on for twice as long. */
  let answers = 0
  let told: Told | undefined
  /** REST was asked for the trades up to this id and has no more of them: rows that are no trades have ids too. */
  let vain = -1
  let deaf = false
  let notBefore = 0
  let replaceAt = 0
  let replaceWait = REPLACE_MS

  const patience = () =>
    Math.round(Math.min(silenceMaxMs, Math.max(silenceMinMs, rhythm.unusual() ?? silenceUnknownMs)))
  const silence = () => Math.min(silenceMaxMs, patience() * 2 ** Math.min(answers, 20))
  const prove = (at: number) => {
    proof = Math.max(proof, at)
  }

  return {
    heard(at) {
      rhythm.seen(at)
      prove(at)
      answers = 0
      notBefore = 0
      deaf = false
    },
    joined(at) {
      prove(at)
      assured = Math.max(assured, at)
      if (told) vain = told.id
      told = undefined
    },
    told(id, next, at, asked) {
      if (asked) {
        answers += 1
      }
      if (id >= next && id > vain) told ??= { id, at }
      else {
        told = undefined
        prove(at - STALE_MS)
        assured = Math.max(assured, at - STALE_MS)
      }
      if (asked) notBefore = at + silence() - STALE_MS
    },
    overdue(next, at, patienceMs) {
      if (told && told.id < next) told = undefined
      return told !== undefined && at - told.at >= patienceMs
    },
    behind: () => told !== undefined,
    deafen(at) {
      deaf = true
      told = undefined
      rhythm.pause()
      if (at < replaceAt) return false
      if (at - replaceAt > REPLACE_MAX_MS) replaceWait = REPLACE_MS
      replaceAt = at + replaceWait
      replaceWait = Math.min(REPLACE_MAX_MS, 2 * replaceWait)
      return true
    },
    deaf: () => deaf,
    until: (next) =>
      deaf || (told && (next === undefined || told.id >= next)) ? proof : proof + silence() + graceMs + STALE_MS,
    assured: () => assured,
    askAt: () => (deaf || told || !proof ? Number.POSITIVE_INFINITY : Math.max(notBefore, proof + silence())),
    unanswered(at) {
      notBefore = at + UNANSWERED_MS
    },
    standstill: rhythm.pause,
    silence: patience,
  }
}
