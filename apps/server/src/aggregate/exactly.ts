import type { Batch, Bus, Output, Process, Taken, Topic, Worker } from '../bus/bus.ts'
import { type MarketId, marketKey } from '../domain/market.ts'
import { failure } from '../lib/failure.ts'
import type { Logger } from '../lib/log.ts'
import { type Aggregator, type AggregatorSettings, createAggregator } from './aggregator.ts'

/** One thing at a time. */
export type Turn = <R>(work: () => Promise<R>) => Promise<R>

interface Parts {
  readonly settings: AggregatorSettings
  /** The role over this bus and with what is remembered there. Whatever else than a batch it works on, it asks for its turn. */
  readonly run: (bus: Bus, aggregator: Aggregator, turn: Turn, signal: AbortSignal) => Promise<void>
  /** ms; never goes back. */
  readonly now: () => number
  readonly log: Logger
}

/** A market that trades is kept so often, ms: events of the last such while are folded again after a restart. */
const KEEP_MS = 15_000

/**
 * The role on a log that several processes share: the events of a batch count as read, the candles that came of them are
 * to be seen and what is remembered of the markets is kept, all at once or not at all. What is remembered changes by
 * trades alone, which can be folded again, or else is kept in the same step.
 */
export function aggregateExactly(process: Process, parts: Parts, signal: AbortSignal): Promise<void> {
  const begin = async (kept: ReadonlyMap<string, string>) => createWorker(parts, restored(parts, kept), signal)
  return process<'trades', 'filled'>(['trades', 'filled'], 'aggregate', begin, signal)
}

/** A market whose state can't be used begins anew, from the store. */
function restored({ settings, log }: Parts, kept: ReadonlyMap<string, string>): Aggregator {
  const aggregator = createAggregator(settings)
  for (const [key, state] of kept) {
    const market = marketOf(key)
    try {
      aggregator.restore(market, state)
    } catch (error) {
      log.warn({ ...market, err: error }, 'what was kept of a market can not be used')
    }
  }
  return aggregator
}

function marketOf(key: string): MarketId {
  const colon = key.indexOf(':')
  return { exchange: key.slice(0, colon), symbol: key.slice(colon + 1) }
}

function createWorker(parts: Parts, aggregator: Aggregator, signal: AbortSignal): Worker<'trades', 'filled'> {
  const stop = new AbortController()
  const ending = AbortSignal.any([signal, stop.signal])
  const turn = createTurn()
  const trades = createInlet<'trades'>(ending)
  const filled = createInlet<'filled'>(ending)
  const inlets: { [T in Topic]?: Inlet<T> } = { trades, filled }
  const pending: ((out: Output) => void)[] = []
  const bus: Bus = {
    publish(topic, events) {
      pending.push((out) => out.publish(topic, events))
      return DONE
    },
    subscribe(topic) {
      const inlet: Inlet<typeof topic> | undefined = inlets[topic]
      if (!inlet) throw new Error(`The role does not read ${topic}`)
      return inlet.read()
    },
    depth: () => [],
  }
  const keeping = createKeeping(aggregator, parts.now)
  let running: Promise<void> | undefined

  async function deliver(taken: Taken<'trades' | 'filled'>): Promise<void> {
    if (taken.topic === 'filled') return filled.give(taken.events)
    await trades.give(taken.events)
    for (const batch of taken.events) keeping.touch(batch)
  }

  async function step(taken: readonly Taken<'trades' | 'filled'>[], out: Output): Promise<void> {
    // It begins when what is missing in memory has been folded again.
    running ??= parts.run(bus, aggregator, turn, ending)
    const ended = running.then(() => {
      throw failure('BUS_UNAVAILABLE', { reason: 'the role has ended' })
    })
    ended.catch(() => {})
    await turn(async () => {
      for (const one of taken) await Promise.race([deliver(one), ended])
      for (const publish of pending.splice(0)) publish(out)
      for (const market of keeping.due()) out.keep(market, aggregator.save(market) ?? '')
    })
  }

  return {
    again(batches) {
      for (const batch of batches) {
        if (!aggregator.has(batch)) continue
        aggregator.add(batch)
        keeping.touch(batch)
      }
    },
    work: step,
    async end() {
      stop.abort()
      await running?.catch(() => {})
    },
  }
}

const DONE = Promise.resolve()

function createTurn(): Turn {
  let last: Promise<unknown> = DONE
  return (work) => {
    const mine = last.then(work)
    last = mine.catch(() => {})
    return mine
  }
}

type Given<T extends Topic> = { readonly events: Batch<T>; readonly done: () => void }

/** Hands a reader one batch, and says when it is done with it. */
interface Inlet<T extends Topic> {
  give(events: Batch<T>): Promise<void>
  read(): AsyncGenerator<Batch<T>>
}

function createInlet<T extends Topic>(signal: AbortSignal): Inlet<T> {
  let next = Promise.withResolvers<Given<T> | undefined>()
  const stop = () => next.resolve(undefined)
  signal.addEventListener('abort', stop, { once: true })
  if (signal.aborted) stop()
  return {
    give: (events) => new Promise((done) => next.resolve({ events, done })),
    async *read() {
      for (let given = await next.promise; given; given = await next.promise) {
        next = Promise.withResolvers()
        yield given.events
        given.done()
        if (signal.aborted) return
      }
    },
  }
}

/** Which markets are to be kept: those that not only trades have changed, the others now and then. */
function createKeeping(aggregator: Aggregator, now: () => number) {
  /** Markets that traded since they were kept, and when they are due. */
  const touched = new Map<string, { readonly market: MarketId; readonly at: number }>()
  return {
    touch({ exchange, symbol }: MarketId): void {
      const key = marketKey({ exchange, symbol })
      if (!touched.has(key)) touched.set(key, { market: { exchange, symbol }, at: now() + KEEP_MS })
    },
    due(): MarketId[] {
      const time = now()
      const due = new Map(aggregator.amended().map((market) => [marketKey(market), market]))
      for (const [key, { market, at }] of touched) if (at <= time) due.set(key, market)
      for (const key of due.keys()) touched.delete(key)
      return [...due.values()]
    },
  }
}
