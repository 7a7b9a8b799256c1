import { createBudget, type SharedBudget } from '../lib/budget.ts'
import { type Failure, failure, isFailure } from '../lib/failure.ts'
import type { Logger } from '../lib/log.ts'
import type { Metrics } from '../lib/metrics.ts'
import { createBreaker } from './breaker.ts'
import type { Exchange, RestRequest } from './exchange.ts'
import { createGate } from './gate.ts'
import { queryString } from './query.ts'
import type { RestClient } from './rest.ts'
import { type Answer, send } from './send.ts'
import { createShare } from './share.ts'

export interface RestClientSettings {
  readonly exchange: Exchange
  /** Base address. */
  readonly url: string
  readonly log: Logger
  readonly metrics: Metrics
  /** Part of the exchange's budget that is used. */
  readonly share?: number
  /** The exchange's budget, where it differs from the published one, in its own unit of cost per window. */
  readonly weightLimit?: number
  /** The budget that this process shares with others behind the same address; it must count in the exchange's window. */
  readonly sharedBudget?: SharedBudget | undefined
  /** Clock, ms. */
  readonly now?: () => number
  readonly fetch?: typeof globalThis.fetch
  readonly timeoutMs?: number
  /** How long an exchange that keeps failing is left alone, ms. */
  readonly breakerMs?: number
  /** Waiting time before the second attempt, ms; it doubles with each. */
  readonly backoffMs?: number
  /** Longest block that requests wait out; during a longer one they fail with `EXCHANGE_LIMITED`, ms. */
  readonly patienceMs?: number
}

const ATTEMPTS = 4
const MAX_BACKOFF = 10_000
/** Anything shorter is no secret, and would blank out letters of the exchange's own words. */
const SHORTEST_SECRET = 6

type Outcome = 'ok' | 'answer' | 'limited' | 'banned' | 'busy' | 'refused' | 'timeout' | 'unreachable' | 'aborted'

/** Sends requests of one exchange. See `RestClient` for what it promises. */
export function createRestClient(settings: RestClientSettings): RestClient {
  const { exchange, log, metrics, share: part = 0.9, now = Date.now, fetch = globalThis.fetch } = settings
  const { timeoutMs = 15_000, breakerMs = 30_000, backoffMs = 500, patienceMs = 120_000 } = settings
  const base = new URL(settings.url).href.replace(/\/+$/, '')
  const id = exchange.id
  const limit = Math.max(1, Math.floor((settings.weightLimit ?? exchange.limits.weight) * part))
  const budget = createBudget({ windowMs: exchange.limits.weightWindowMs, now })
  const breaker = createBreaker({ openMs: breakerMs, now })
  const share =
    settings.sharedBudget &&
    createShare({
      exchange: id,
      shared: settings.sharedBudget,
      budget,
      windowMs: exchange.limits.weightWindowMs,
      now,
      log,
    })
  const gate = createGate({ exchange: id, limit, budget, share, breaker, now, patienceMs })
  let requests = 0
  let failures = 0
  let consecutiveLimits = 0

  /** What all behind this address have used, where that is known. */
  const used = () => Math.max(budget.used(), share?.used() ?? 0)

  function count(outcome: Outcome): void {
    requests++
    if (outcome !== 'ok') failures++
    metrics.requests.inc({ exchange: id, outcome })
    metrics.budget.set({ exchange: id }, used() / limit)
  }

  async function attempt<T>(request: RestRequest<T>, priority: 'live' | 'backfill', signal?: AbortSignal): Promise<T> {
    const pass = await gate.enter(request.weight, priority, signal)
    let reported: number | undefined
    try {
      const answer = await transmit(request, signal)
      reported = exchange.usedWeight(answer.headers)
      return judge(request, answer)
    } finally {
      pass.leave(reported)
    }
  }

  async function transmit(request: RestRequest<unknown>, signal?: AbortSignal): Promise<Answer> {
    const { path, query, headers = {} } = request
    const text = queryString(query)
    const url = `${base}${path}${text && `?${text}`}`
    try {
      return await send({ exchange: id, url, path, headers, timeoutMs, fetch, signal })
    } catch (error) {
      if (signal?.aborted) {
        count('aborted')
        throw error
      }
      if (isFailure(error) && error.code === 'EXCHANGE_ANSWER') count('answer')
      else fail(isFailure(error) && error.code === 'EXCHANGE_TIMEOUT' ? 'timeout' : 'unreachable', path)
      throw error
    }
  }

  /** Counts against the breaker. */
  function fail(outcome: Outcome, path: string): void {
    count(outcome)
    breaker.failed()
    log.warn({ exchange: id, path, outcome, breaker: breaker.state() }, 'request failed')
  }

  function judge<T>(request: RestRequest<T>, answer: Answer): T {
    const { status, headers, body } = answer
    if (status < 200 || status > 299) throw refused(request, status, headers, body)
    breaker.succeeded()
    consecutiveLimits = 0
    try {
      const value = request.read(JSON.parse(body), now())
      count('ok')
      return value
    } catch (error) {
      count('answer')
      const reason = error instanceof SyntaxError ? 'no JSON' : error instanceof Error ? error.message : 'unreadable'
      throw failure('EXCHANGE_ANSWER', { exchange: id, path: request.path, reason })
    }
  }

  function refused(request: RestRequest<unknown>, status: number, headers: Headers, body: string): Failure {
    const verdict = exchange.refusal(status, headers, body, now())
    const reason = withoutSecrets(verdict.reason, request)
    if (verdict.kind === 'busy') {
      fail('busy', request.path)
      return failure('EXCHANGE_BUSY', { exchange: id, status, reason })
    }
    if (verdict.kind === 'refused') {
      count('refused')
      breaker.succeeded()
      if (verdict.unknownSymbol) {
        return failure('SYMBOL_NOT_FOUND', { exchange: id, symbol: String(request.query.symbol) })
      }
      return failure('EXCHANGE_ERROR', { exchange: id, status, reason })
    }
    count(verdict.kind)
    consecutiveLimits++
    gate.block(now() + (verdict.waitMs ?? exchange.limits.weightWindowMs))
    log.warn({ exchange: id, path: request.path, status, reason, untilMs: gate.blockedUntil() }, 'asked to stay away')
    return failure('EXCHANGE_LIMITED', { exchange: id, untilMs: gate.blockedUntil() })
  }

  return {
    exchange,
    async ask(request, { priority = 'live', signal } = {}) {
      for (let n = 1; ; n++) {
        try {
          return await attempt(request, priority, signal)
        } catch (error) {
          if (n >= ATTEMPTS || signal?.aborted || !isFailure(error) || !error.retry) throw error
          if (breaker.state() === 'open') throw error
          // A block is waited out at the gate.
          if (error.code !== 'EXCHANGE_LIMITED') await pause(backoff(n, backoffMs), signal)
        }
      }
    },
    usage: () => ({
      used: used(),
      limit,
      blockedUntil: gate.blockedUntil() > now() ? gate.blockedUntil() : 0,
      consecutiveLimits,
      breaker: breaker.state(),
      requests,
      failures,
    }),
  }
}

/** Between half and the whole of a doubling time, so that clients which failed together do not return together. */
const backoff = (failed: number, firstMs: number): number =>
  Math.min(MAX_BACKOFF, firstMs * 2 ** (failed - 1)) * (0.5 + Math.random() / 2)

/** Rejects with the signal's reason. */
function pause(ms: number, signal?: AbortSignal): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const stop = () => {
    clearTimeout(timer)
    reject(signal?.reason)
  }
  const timer = setTimeout(() => {
    signal?.removeEventListener('abort', stop)
    resolve()
  }, ms)
  signal?.addEventListener('abort', stop, { once: true })
  return promise
}

/** An exchange may repeat what we sent: keys travel in headers, signatures in the query. */
function withoutSecrets(text: string, { headers = {}, query }: RestRequest<unknown>): string {
  const sent = [...Object.values(headers), String(query.signature ?? '')]
  return sent
    .filter(({ length }) => length >= SHORTEST_SECRET)
    .reduce((clean, secret) => clean.replaceAll(secret, '…'), text)
}
