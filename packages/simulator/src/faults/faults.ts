import Type, { type Static } from 'typebox'

const Symbols = Type.Optional(Type.Array(Type.String()))
const Ms = Type.Integer({ minimum: 0 })
const Count = Type.Integer({ minimum: 1 })
const Half = Type.Optional(Type.Boolean())
const Stream = Type.Optional(Type.String())

/**
 * A fault to play. `ms` is how long it lasts on the simulated clock (for `late`: how far back the trade time lies, for
 * `slow`: see `delayMs`), `count` how many frames it hits for each symbol; `symbols` narrows it down (all by default),
 * and so does `stream`: the part of a stream's name behind the `@` (`trade` by default, `*` for any).
 * `halt` stops the trading of symbols, `delist` takes them off the list for good (their past stays in the truth), `list`
 * adds new ones, which trade from that moment on.
 * With `half` only every second connection is hit (the second, the fourth …): for clients that keep two.
 */
export const Fault = Type.Union([
  Type.Object({ kind: Type.Literal('cut'), symbols: Symbols, half: Half }),
  Type.Object({ kind: Type.Literal('silence'), symbols: Symbols, ms: Ms, half: Half }),
  Type.Object({ kind: Type.Literal('duplicate'), symbols: Symbols, count: Count, stream: Stream }),
  Type.Object({ kind: Type.Literal('reorder'), symbols: Symbols, count: Count, stream: Stream }),
  Type.Object({ kind: Type.Literal('missing'), symbols: Symbols, count: Count, stream: Stream, half: Half }),
  Type.Object({ kind: Type.Literal('malformed'), symbols: Symbols, count: Count, stream: Stream }),
  Type.Object({ kind: Type.Literal('late'), symbols: Symbols, ms: Ms }),
  Type.Object({ kind: Type.Literal('slow'), ms: Ms, delayMs: Ms }),
  Type.Object({ kind: Type.Literal('outage'), ms: Ms }),
  Type.Object({ kind: Type.Literal('restDown'), ms: Ms }),
  Type.Object({ kind: Type.Literal('refuseConnect'), ms: Ms }),
  Type.Object({ kind: Type.Literal('halt'), symbols: Symbols, ms: Ms }),
  Type.Object({ kind: Type.Literal('delist'), symbols: Type.Array(Type.String()) }),
  Type.Object({
    kind: Type.Literal('list'),
    symbols: Type.Array(Type.String()),
    tradesPerSecond: Type.Optional(Type.Number({ exclusiveMinimum: 0 })),
  }),
  Type.Object({ kind: Type.Literal('shutdown'), ms: Type.Optional(Ms) }),
])
export type Fault = Static<typeof Fault>

/** A step of a script: a fault once at `at`, or again and again `every` so many ms from the simulator's start. */
export const FaultStep = Type.Union([
  Type.Intersect([Type.Object({ at: Ms }), Fault]),
  Type.Intersect([Type.Object({ every: Type.Integer({ minimum: 1 }) }), Fault]),
])
export type FaultStep = Static<typeof FaultStep>
export const FaultScript = Type.Array(FaultStep)
