/** A token bucket: `rate` per second, `burst` at once. */
export function createBucket(rate: number, burst: number, now: () => number): () => boolean {
  let tokens = burst
  let last = now()
  return () => {
    const time = now()
    tokens = Math.min(burst, tokens + ((time - last) / 1000) * rate)
    last = time
    if (tokens < 1) return false
    tokens--
    return true
  }
}

/** Counts events; true when `limit` of them fell within `windowMs`. */
export function createFloodGuard(limit: number, windowMs: number, now: () => number): () => boolean {
  const times: number[] = []
  return () => {
    const time = now()
    times.push(time)
    if (times.length > limit) times.shift()
    return times.length === limit && time - times[0]! <= windowMs
  }
}
