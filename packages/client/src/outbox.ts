export interface OutboxLimits {
  /** Messages that may leave at once. */
  readonly burst: number
  /** Messages a second after that. */
  readonly perSecond: number
}

/** Three quarters of what the server allows, so that a user's own ping still fits. */
export const defaultOutbox: OutboxLimits = { burst: 30, perSecond: 15 }

/**
 * Sends no faster than the server takes messages: a client that restores 500 subscriptions must not be cut off for it.
 * A newer message of the same key replaces one that still waits, so the queue holds at most one entry a channel.
 */
export function createOutbox(send: (text: string) => void, { burst, perSecond }: OutboxLimits) {
  const waiting = new Map<string, string>()
  let tokens = burst
  let filledAt = Date.now()
  let timer: ReturnType<typeof setTimeout> | undefined

  const refill = () => {
    const now = Date.now()
    tokens = Math.min(burst, tokens + (Math.max(0, now - filledAt) / 1000) * perSecond)
    filledAt = now
  }

  const flush = () => {
    timer = undefined
    refill()
    for (const [key, text] of waiting) {
      if (tokens < 1) {
        timer = setTimeout(flush, Math.ceil(((1 - tokens) / perSecond) * 1000))
        return
      }
      tokens -= 1
      waiting.delete(key)
      send(text)
    }
  }

  return {
    push(key: string, text: string) {
      waiting.delete(key)
      waiting.set(key, text)
      if (timer === undefined) flush()
    },
    /** Forgets what waits; a new connection starts with a full burst. */
    reset() {
      clearTimeout(timer)
      timer = undefined
      waiting.clear()
      tokens = burst
      filledAt = Date.now()
    },
  }
}
