/** The exchange's limits, each as it publishes it. Times in ms. */
export type Limits = {
  /** Request weight a minute and address. */
  weight: number
  /** Raw requests in five minutes. */
  rawRequests: number
  /** First ban for going on after a 429; doubles up to three days. */
  banMs: number
  /** Requests after a 429 in the same minute that lead to a ban. */
  ignored429: number
  /** Messages a second that a socket may send. */
  messages: number
  streams: number
  /** Connection attempts in five minutes. */
  connects: number
  pingMs: number
  pongMs: number
  /** Life of a connection. */
  lifeMs: number
  /** How long before the cut `serverShutdown` is announced. */
  noticeMs: number
}

export const defaultLimits: Limits = {
  weight: 6_000,
  rawRequests: 300_000,
  banMs: 120_000,
  ignored429: 10,
  messages: 5,
  streams: 1_024,
  connects: 300,
  pingMs: 20_000,
  pongMs: 60_000,
  lifeMs: 86_400_000,
  noticeMs: 30_000,
}

const minute = 60_000
const fiveMinutes = 5 * minute
const longestBan = 3 * 86_400_000

/** What a request may do: go on with this weight used, wait, or stay away until a moment. */
export type Verdict =
  | { kind: 'ok'; used: number }
  | { kind: 'wait'; used: number; retryMs: number; raw: boolean }
  | { kind: 'ban'; until: number }

type Account = {
  window: number
  used: number
  rawWindow: number
  raw: number
  ignored: number
  bannedUntil: number
  bans: number
}

const fresh = (): Account => ({ window: -1, used: 0, rawWindow: -1, raw: 0, ignored: 0, bannedUntil: 0, bans: 0 })

/** Counts weight and requests by address, answers 429 past the limit and bans who does not stop. */
export const createRateLimiter = (limits: Limits) => {
  const accounts = new Map<string, Account>()
  const totals = { limited: 0, banned: 0 }

  const roll = (account: Account, now: number): void => {
    if (account.window !== Math.floor(now / minute)) {
      account.window = Math.floor(now / minute)
      account.used = 0
      account.ignored = 0
    }
    if (account.rawWindow !== Math.floor(now / fiveMinutes)) {
      account.rawWindow = Math.floor(now / fiveMinutes)
      account.raw = 0
    }
  }

  const refuse = (account: Account, now: number, raw: boolean): Verdict => {
    if (account.ignored++ < limits.ignored429) {
      totals.limited++
      const span = raw ? fiveMinutes : minute
      return { kind: 'wait', used: account.used, retryMs: span - (now % span), raw }
    }
    totals.banned++
    account.bannedUntil = now + Math.min(longestBan, limits.banMs * 2 ** account.bans)
    account.bans++
    return { kind: 'ban', until: account.bannedUntil }
  }

  return {
    /** Charges a request that weighs `weight` to an address; `now` in ms. */
    charge(address: string, weight: number, now: number): Verdict {
      const account = accounts.get(address) ?? fresh()
      accounts.set(address, account)
      if (now < account.bannedUntil) {
        totals.banned++
        return { kind: 'ban', until: account.bannedUntil }
      }
      roll(account, now)
      account.used += weight
      account.raw++
      const raw = account.raw > limits.rawRequests
      if (raw || account.used > limits.weight) return refuse(account, now, raw)
      return { kind: 'ok', used: account.used }
    },
    /** Requests refused since the start: 429 and 418. */
    totals: () => ({ ...totals }),
    used: (address: string): number => accounts.get(address)?.used ?? 0,
  }
}

export type RateLimiter = ReturnType<typeof createRateLimiter>
