/** The simulated exchange's clock. `now` is in whole ms; `wall` is the time that limits, pings and bans go by. */
export type Clock = {
  now(): number
  wall(): number
  /** Moves a manual clock on; throws for a running one. */
  advance(ms: number): void
  manual: boolean
}

/** A clock that starts at `start` and runs `speed` times as fast as real time, or stands still until advanced. */
export const createClock = (start: number, speed: number, manual: boolean): Clock => {
  const origin = performance.now()
  let now = start
  if (manual) {
    const read = () => now
    return {
      now: read,
      wall: read,
      manual,
      advance(ms) {
        now += ms
      },
    }
  }
  return {
    now: () => Math.floor(start + (performance.now() - origin) * speed),
    wall: Date.now,
    manual,
    advance() {
      throw new Error('only a manual clock can be advanced')
    },
  }
}
