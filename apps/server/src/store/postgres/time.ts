import { MAX_SECONDS } from '../check.ts'

const LATEST = MAX_SECONDS * 1000

/** A time in ms as a parameter. Nothing is stored before 1970 or after 2242, so a bound beyond is as good there. */
export const timeText = (ms: number): string => new Date(Math.min(Math.max(ms, 0), LATEST)).toISOString()

/** What a column of times is read by: exact for whole ms. */
export const epoch = (name: string): string => `date_part('epoch', ${name})`
export const msOf = (seconds: string): number => Math.round(Number(seconds) * 1000)

/** A bound in ms, which may lie anywhere, for a column of whole ms. */
export const whole = (ms: number): number =>
  Math.min(Math.max(Math.floor(ms), Number.MIN_SAFE_INTEGER), Number.MAX_SAFE_INTEGER)
