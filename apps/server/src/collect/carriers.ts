import type { Connection } from './connection.ts'

/** New trades that others brought meanwhile, after which a connection that brought none of them is deaf. */
const BEHIND = 100

interface Carrier {
  readonly connection: Connection
  since: number
  /** New trades of others since its last one, and when the first of them came. */
  behind: number
  behindSince: number
}

interface Settings {
  /** A connection that carries a market for so long has everything that came in the meantime, ms. */
  readonly settledMs: number
  /** How long a connection may stay behind its double, ms. */
  readonly behindMs: number
}

/** The connections that carry one market: the first is answered for, a later one is its successor or double. Times: our clock, ms. */
export function createCarriers({ settledMs, behindMs }: Settings) {
  let all: Carrier[] = []
  const settled = ({ since }: Carrier, at: number) => at - since >= settledMs

  return {
    first: (): Connection | undefined => all[0]?.connection,
    since: (): number => all[0]?.since ?? 0,
    /** False when it was there already. */
    add(connection: Connection, at: number): boolean {
      if (all.some((carrier) => carrier.connection === connection)) return false
      all.push({ connection, since: at, behind: 0, behindSince: at })
      return true
    },
    /** `spare`: nothing changes; `gap`: the heir has not carried the market for long enough; `none`: nobody is left. */
    remove(connection: Connection, at: number): 'spare' | 'gap' | 'none' {
      const wasFirst = all[0]?.connection === connection
      all = all.filter((carrier) => carrier.connection !== connection)
      const heir = all[0]
      if (!wasFirst || (heir && settled(heir, at))) return 'spare'
      if (!heir) return 'none'
      heir.since = at
      return 'gap'
    },
    /** Counts a trade. A connection whose double brings trades that it does not is returned, to be replaced. */
    brought(from: Connection, fresh: boolean, at: number): Connection | undefined {
      if (all.length < 2) return undefined
      let deaf: Connection | undefined
      for (const carrier of all) {
        if (carrier.connection === from) carrier.behind = 0
        else if (fresh) {
          if (carrier.behind === 0) carrier.behindSince = at
          carrier.behind += 1
          if (carrier.behind > BEHIND && at - carrier.behindSince > behindMs) deaf = carrier.connection
        }
      }
      return deaf
    },
    /** When something last came by a connection that carries the market for long enough. */
    lastFrameAt(at: number): number {
      let last = 0
      for (const [index, carrier] of all.entries())
        if (index === 0 || settled(carrier, at)) last = Math.max(last, carrier.connection.lastFrameAt())
      return last
    },
  }
}
