export interface HeartbeatTimes {
  /** Silence after which the client asks whether anyone is there, ms. */
  readonly idleMs: number
  /** How long the answer may take, ms. */
  readonly answerMs: number
}

export const defaultHeartbeat: HeartbeatTimes = { idleMs: 30_000, answerMs: 15_000 }

/**
 * Notices a line that is dead without having been closed (a laptop that slept, a lost route). Browsers hide
 * protocol pings, so silence is met with a `ping` message; silence after it ends the connection.
 */
export function startHeartbeat(times: HeartbeatTimes, ping: () => void, dead: () => void) {
  let heard = Date.now()
  let timer = setTimeout(check, times.idleMs)

  function check() {
    const silent = Date.now() - heard
    if (silent < times.idleMs) {
      timer = setTimeout(check, times.idleMs - silent)
      return
    }
    heard = 0
    ping()
    timer = setTimeout(() => (heard === 0 ? dead() : check()), times.answerMs)
  }

  return {
    heard() {
      heard = Date.now()
    },
    stop: () => clearTimeout(timer),
  }
}
