/** A 32-bit mix of two integers: the same pair always gives the same well-spread result. */
export const mix = (a: number, b: number): number => {
  let h = Math.imul(a ^ 0x9e3779b9, 0x85ebca6b) ^ Math.imul(b ^ (b >>> 15), 0xc2b2ae35)
  h = Math.imul(h ^ (h >>> 16), 0x7feb352d)
  h = Math.imul(h ^ (h >>> 15), 0x846ca68b)
  return (h ^ (h >>> 16)) >>> 0
}

/** The hash of a text, started from a seed. */
export const mixText = (seed: number, text: string): number => {
  let h = mix(seed, text.length)
  for (let i = 0; i < text.length; i++) h = mix(h, text.charCodeAt(i))
  return h
}

/** A number in [0, 1) that depends only on the pair. */
export const unit = (a: number, b: number): number => mix(a, b) / 4_294_967_296

/** A small seeded generator of numbers in [0, 1); a pure function of its seed. */
export const generator = (seed: number): (() => number) => {
  let state = seed | 0
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let h = Math.imul(state ^ (state >>> 15), 1 | state)
    h = (h + Math.imul(h ^ (h >>> 7), 61 | h)) ^ h
    return ((h ^ (h >>> 14)) >>> 0) / 4_294_967_296
  }
}
