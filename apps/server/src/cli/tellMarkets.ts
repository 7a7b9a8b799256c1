import type { Market } from '../domain/market.ts'
import { isFailure } from '../lib/failure.ts'
import type { Logger } from '../lib/log.ts'
import { persevere } from '../lib/persevere.ts'
import type { MarketStore } from '../store/store.ts'

/**
 * Hands an exchange's list of markets to a store that keeps it for other programs. Nothing waits for it; while the store
 * is away, a newer list takes the place of the one that waits.
 */
export function tellMarkets({ putMarkets }: Partial<MarketStore>, log: Logger, signal: AbortSignal) {
  let newest: readonly Market[] | undefined
  let telling: Promise<void> | undefined

  async function tell(put: MarketStore['putMarkets']): Promise<void> {
    for (let list = newest; list; list = newest) {
      newest = undefined
      try {
        await persevere(() => put(list), 'storing the list of markets', log, signal)
      } catch (error) {
        log.error(isFailure(error) ? { reason: error.message } : { err: error }, 'the list of markets is not stored')
      }
    }
    telling = undefined
  }

  return {
    put(markets: readonly Market[]): void {
      if (!putMarkets) return
      newest = markets
      telling ??= tell(putMarkets)
    },
    /** Resolves when nothing is on its way to the store. */
    settled: async (): Promise<void> => telling,
  }
}
