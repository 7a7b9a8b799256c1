/** Chance that can be repeated: everything it answers depends on the seed alone. */
export interface Dice {
  /** In [0, 1). */
  unit(): number
  /** A whole number, both ends included. */
  between(low: number, high: number): number
  chance(share: number): boolean
  pick<T>(list: readonly T[]): T
  /** About `share` of a list, at least one of it. */
  some<T>(list: readonly T[], share: number): T[]
}

export function createDice(seed: number): Dice {
  let state = seed >>> 0
  /** Marsaglia's xorshift with a Weyl step, enough for tests. */
  function unit(): number {
    state = (state + 0x9e3779b9) >>> 0
    let mixed = Math.imul(state ^ (state >>> 16), 0x45d9f3b)
    mixed = Math.imul(mixed ^ (mixed >>> 16), 0x45d9f3b)
    return ((mixed ^ (mixed >>> 16)) >>> 0) / 2 ** 32
  }
  const between = (low: number, high: number) => low + Math.floor(unit() * (high - low + 1))
  const pick = <T>(list: readonly T[]): T => list[between(0, list.length - 1)]!
  return {
    unit,
    between,
    pick,
    chance: (share) => unit() < share,
    some(list, share) {
      const found = list.filter(() => unit() < share)
      return found.length > 0 ? found : [pick(list)]
    },
  }
}
