/**
 * The keys of the last while, no more than `capacity` of them: then the oldest go first. A map keeps the order in which
 * its keys came, and every key lives equally long.
 */
export function recent({ capacity, keepMs, now }: { capacity: number; keepMs: number; now: () => number }) {
  const until = new Map<string, number>()

  function tidy(): void {
    const time = now()
    for (const [key, end] of until) {
      if (end > time && until.size <= capacity) return
      until.delete(key)
    }
  }
  return {
    /** Notes a key; tells whether it was there. */
    add(key: string): boolean {
      tidy()
      if (until.has(key)) return true
      until.set(key, now() + keepMs)
      tidy()
      return false
    },
    delete: (key: string): void => void until.delete(key),
    size: () => until.size,
  }
}
