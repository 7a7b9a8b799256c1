import { mix, unit } from './hash.ts'

/** Periods of the price's waves in minutes and how far each moves the logarithm of the price. */
const waves: readonly (readonly [period: number, amplitude: number])[] = [
  [10_080, 0.06],
  [2_880, 0.03],
  [720, 0.015],
  [180, 0.008],
  [45, 0.004],
  [12, 0.002],
  [3, 0.001],
  [1, 0.0006],
]

const smooth = (x: number): number => x * x * (3 - 2 * x)

const wave = (seed: number, period: number, minute: number): number => {
  const cell = Math.floor(minute / period)
  const before = unit(seed, cell)
  return (before + (unit(seed, cell + 1) - before) * smooth(minute / period - cell)) * 2 - 1
}

/** How far the price stands from its level at the start of a minute, as a logarithm. Waves of many lengths, added. */
export const drift = (seed: number, minute: number): number => {
  let sum = 0
  for (const [period, amplitude] of waves) sum += amplitude * wave(mix(seed, period), period, minute)
  return sum
}

/**
 * How lively a minute is: 1 in the mean, calm and wild hours come in clusters, some minutes burst.
 * `silent` is the probability of a minute without any trade.
 */
export const liveliness = (seed: number, minute: number, silent: number): number => {
  const roll = unit(mix(seed, 11), minute)
  if (roll < silent) return 0
  const cluster = Math.exp(wave(mix(seed, 12), 240, minute) * 0.8 + wave(mix(seed, 13), 20, minute) * 0.6)
  const burst = unit(mix(seed, 14), minute) > 0.985 ? 5 : 1
  return cluster * burst * (0.4 + roll)
}
