import type { Exchange } from '../exchanges/exchange.ts'
import type { RestClient } from '../exchanges/rest.ts'
import type { Logger } from '../lib/log.ts'
import { backoff, pause } from './backoff.ts'

const SAMPLES = 3

export interface ExchangeClock {
  /** Exchange time at a moment of ours, ms; `undefined` until measured. Never ahead of the exchange's own clock. */
  at(ours: number): number | undefined
  /** What to add to our clock, ms. */
  offset(): number | undefined
  /** Resolves once there is a measurement; makes one when there is none, and rejects as `RestClient.ask` when that fails. */
  measured(signal: AbortSignal): Promise<void>
  run(signal: AbortSignal): Promise<void>
}

interface Deps {
  readonly exchange: Exchange
  readonly rest: RestClient
  readonly log: Logger
  readonly everyMs: number
  readonly now: () => number
}

/**
 * The exchange's clock as seen from here. A reply was stamped before it arrived, so the stamp is a lower bound for the
 * exchange's clock at the arrival: a claim built on it can't run ahead. The fastest of several replies is the tightest.
 */
export function createExchangeClock({ exchange, rest, log, everyMs, now }: Deps): ExchangeClock {
  let offset: number | undefined
  let underWay: Promise<number> | undefined

  async function measure(signal: AbortSignal): Promise<number> {
    let best = { trip: Number.POSITIVE_INFINITY, offset: 0 }
    for (let sample = 0; sample < SAMPLES; sample++) {
      const sent = now()
      const stamp = await rest.ask(exchange.rest.time(), { priority: 'live', signal })
      const received = now()
      if (received - sent < best.trip) best = { trip: received - sent, offset: stamp - received }
    }
    return best.offset
  }

  function refresh(signal: AbortSignal): Promise<number> {
    underWay ??= measure(signal)
      .then((measured) => {
        offset = measured
        log.debug({ exchange: exchange.id, offset }, 'exchange clock measured')
        return measured
      })
      .finally(() => {
        underWay = undefined
      })
    return underWay
  }

  async function run(signal: AbortSignal): Promise<void> {
    let failures = 0
    while (!signal.aborted) {
      try {
        await refresh(signal)
        failures = 0
      } catch (error) {
        if (signal.aborted) return
        log.warn({ exchange: exchange.id, err: error }, 'the exchange clock could not be measured')
        failures += 1
      }
      await pause(failures ? backoff(failures, 500, everyMs) : everyMs, signal)
    }
  }

  return {
    at: (ours) => (offset === undefined ? undefined : ours + offset),
    offset: () => offset,
    async measured(signal) {
      if (offset === undefined) await refresh(signal)
    },
    run,
  }
}
