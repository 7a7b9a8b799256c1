import type { CandleSource } from '../domain/candle.ts'
import type { CoverageState } from '../domain/coverage.ts'
import type { Side } from '../domain/trade.ts'
import type { Job } from './store.ts'

// Stores hold positions in these lists: add at the end, never change the order.
export const SOURCES: readonly CandleSource[] = ['trades', 'exchange', 'backfill', 'filled']
export const SIDES: readonly Side[] = ['buy', 'sell']
export const STATES: readonly CoverageState[] = ['complete', 'quiet', 'unknown']
export const JOB_STATES: readonly Job['state'][] = ['queued', 'running', 'done', 'failed', 'cancelled']
