import type { FeedBoard } from './board.ts'
import type { Hub } from './live/hub.ts'
import type { SegmentCache } from './series/cache.ts'
import type { LiveState } from './state.ts'

/** What the API itself keeps in memory, shared by its REST and live sides. */
export interface Views {
  readonly state: LiveState
  readonly board: FeedBoard
  readonly hub: Hub
  readonly cache: SegmentCache
}
