import type { RestClient } from '@candlewire/client'
import { onScopeDispose, shallowRef } from 'vue'
import { symbolsOf } from './symbols.ts'

const AGAIN_MS = 60_000

/** The symbols the server has data of, read now and every minute. Empty while it cannot say. */
export function useSymbols(rest: Pick<RestClient, 'system'>) {
  const symbols = shallowRef<readonly string[]>([])
  const stop = new AbortController()
  const read = async () => {
    try {
      const { coverage } = await rest.system({ signal: stop.signal })
      symbols.value = symbolsOf(coverage)
    } catch {
      // A typed-in symbol works without the list.
    }
  }
  void read()
  const timer = setInterval(read, AGAIN_MS)
  onScopeDispose(() => {
    stop.abort()
    clearInterval(timer)
  })
  return symbols
}
