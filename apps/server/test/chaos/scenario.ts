import type { FaultStep } from '@candlewire/simulator'
import { createDice, type Dice } from './dice.ts'

/** What a run is about: one kind of fault again and again, all of them, or a server that comes and goes meanwhile. */
export const kinds = [
  'cut',
  'silence',
  'duplicate',
  'reorder',
  'missing',
  'late',
  'malformed',
  'slow',
  'outage',
  'standstill',
  'restDown',
  'refuseConnect',
  'shutdown',
  'mixed',
  'coldStart',
  'restart',
] as const
export type Kind = (typeof kinds)[number]
export type FaultKind = Exclude<Kind, 'mixed' | 'coldStart' | 'restart'>

/** A run, wholly determined by its seed. Times in ms from the start of the server. */
export interface Scenario {
  readonly seed: number
  readonly kind: Kind
  /** Trades a second of each symbol, from busy to nearly dead. */
  readonly rates: Readonly<Record<string, number>>
  /** How long after the start the exchange's clock reaches a full five minutes. */
  readonly beforeBorder: number
  readonly faults: readonly FaultStep[]
  /** No fault from here on. */
  readonly calm: number
  /** Stops of the server, and how long each lasts. */
  readonly restarts: readonly { readonly at: number; readonly ms: number }[]
}

const BUSIEST = 20
const QUIETEST = 0.02
const FIRST_FAULT = 3_000
const SECOND = 1_000

export function scenarioOf(kind: Kind, seed: number, symbols: number): Scenario {
  const dice = createDice(seed)
  const rates = ratesOf(symbols)
  const length = dice.between(20, 35) * SECOND
  const faults = stepsOf(kind, dice, Object.keys(rates), length)
  const ends = faults.map(
    (step) => ('at' in step ? step.at : 0) + ('ms' in step && step.kind !== 'late' ? (step.ms ?? 1_000) : 0),
  )
  const restarts = kind === 'restart' ? restartsOf(dice, length) : []
  return {
    seed,
    kind,
    rates,
    beforeBorder: dice.between(2, 290) * SECOND,
    faults,
    calm: Math.max(length, ...ends, ...restarts.map(({ at, ms }) => at + ms)),
    restarts,
  }
}

/** Trades a second of invented symbols, from busy to nearly dead. */
export function ratesOf(count: number): Record<string, number> {
  const fall = (QUIETEST / BUSIEST) ** (1 / Math.max(1, count - 1))
  const name = (index: number) => `${String.fromCharCode(65 + (index % 26), 65 + Math.floor(index / 26))}XUSDT`
  return Object.fromEntries(Array.from({ length: count }, (_, index) => [name(index), BUSIEST * fall ** index]))
}

const restartsOf = (dice: Dice, length: number) =>
  [0.35, 0.75]
    .slice(0, dice.between(1, 2))
    .map((share) => ({ at: Math.round(length * share) + dice.between(0, 3_000), ms: dice.between(0, 4_000) }))

function stepsOf(kind: Kind, dice: Dice, symbols: readonly string[], length: number): FaultStep[] {
  if (kind === 'coldStart') {
    const ms = dice.between(1, 20) * SECOND
    const later = stepsOf('mixed', dice, symbols, length).filter((step) => 'at' in step && step.at > ms)
    return [
      { at: 0, kind: 'restDown', ms },
      ...(dice.chance(0.5) ? [{ at: 0, kind: 'refuseConnect' as const, ms }] : []),
      ...later,
    ]
  }
  const steps: FaultStep[] = []
  const mixed = kind === 'mixed' || kind === 'restart'
  const pace = mixed ? 900 : paces[kind]
  for (let at = FIRST_FAULT; at < length; at += dice.between(pace * 0.5, pace * 1.5))
    steps.push(...faultsOf(mixed ? dice.pick(single) : kind, Math.round(at), dice, symbols))
  return steps
}

const single = kinds.filter(
  (kind): kind is FaultKind => !['mixed', 'coldStart', 'restart', 'standstill'].includes(kind),
)

/** About how far apart faults of a kind are, ms. */
const paces: Readonly<Record<FaultKind, number>> = {
  cut: 3_000,
  silence: 6_000,
  duplicate: 600,
  reorder: 600,
  missing: 800,
  late: 1_000,
  malformed: 800,
  slow: 3_000,
  outage: 12_000,
  standstill: 200_000,
  restDown: 9_000,
  refuseConnect: 9_000,
  shutdown: 7_000,
}

export function faultsOf(kind: FaultKind, at: number, dice: Dice, symbols: readonly string[]): FaultStep[] {
  const some = dice.chance(0.5) ? dice.some(symbols, 0.3) : [...symbols]
  const count = dice.between(1, 8)
  const stream = dice.chance(0.8) ? 'trade' : '*'
  const missing: FaultStep = { at: at + dice.between(0, 500), kind: 'missing', count, symbols: some }
  const cut: FaultStep = { at, kind: 'cut' }
  switch (kind) {
    case 'cut':
      return [dice.chance(0.7) ? cut : { at, kind: 'cut', symbols: some }]
    case 'silence':
      return [{ at, kind: 'silence', ms: dice.between(300, 9_000), ...(dice.chance(0.5) && { symbols: some }) }]
    case 'duplicate':
    case 'reorder':
    case 'missing':
    case 'malformed':
      return [counted(kind, { at, count, stream, symbols: some })]
    case 'late':
      return [{ at, kind, ms: dice.between(50, dice.pick([500, 4_000, 20_000])), symbols: some }]
    case 'slow':
      return [{ at, kind, ms: dice.between(500, 5_000), delayMs: dice.between(50, 4_000) }, missing]
    case 'outage':
      return [{ at, kind, ms: dice.between(500, 9_000) }]
    // Too long for anybody to say what would have been.
    case 'standstill':
      return [{ at, kind: 'outage', ms: dice.between(60_000, 150_000) }]
    // What needs REST while there is none.
    case 'restDown':
      return [{ at, kind, ms: dice.between(500, 25_000) }, dice.chance(0.5) ? cut : missing]
    case 'refuseConnect':
      return [{ at, kind, ms: dice.between(500, 12_000) }, cut]
    case 'shutdown':
      return [{ at, kind, ms: dice.between(0, 3_000) }]
  }
}

interface Hit {
  readonly at: number
  readonly count: number
  readonly stream: string
  readonly symbols: string[]
}

function counted(kind: 'duplicate' | 'reorder' | 'missing' | 'malformed', hit: Hit): FaultStep {
  switch (kind) {
    case 'duplicate':
      return { kind, ...hit }
    case 'reorder':
      return { kind, ...hit }
    case 'missing':
      return { kind, ...hit }
    case 'malformed':
      return { kind, ...hit }
  }
}
