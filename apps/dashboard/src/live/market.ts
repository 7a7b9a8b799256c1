import type { DayStats, RestClient, RTClient } from '@candlewire/client'
import { computed, onScopeDispose, type Ref, shallowRef, watch } from 'vue'
import { priceDecimals } from './format.ts'
import { perFrame } from './per-frame.ts'
import { addTrades, MAX_TRADES, type Trade, toTrade } from './trades.ts'

const STATS_EVERY_MS = 10_000

/** Newest trades and the rolling day of the symbol in `symbol`; both start over when it changes. */
export function useMarket(client: RTClient, rest: RestClient, symbol: Readonly<Ref<string>>) {
  const trades = shallowRef<readonly Trade[]>([])
  const day = shallowRef<DayStats>()
  const latest = shallowRef<number>()
  const price = computed(() => trades.value[0]?.price ?? latest.value)
  /** Grows with the finest price seen and never shrinks, so that digits don't dance. */
  const decimals = shallowRef(2)
  watch(price, (value) => {
    if (value === undefined) return
    const seen = trades.value.slice(0, 8).map((trade) => trade.price)
    decimals.value = Math.max(decimals.value, priceDecimals([value, ...seen]))
  })
  const arrived = perFrame<Trade>((items) => {
    trades.value = addTrades(trades.value, items)
  }, MAX_TRADES)

  const off = client.on('trade', ({ data }) => {
    const trade = data.symbol === symbol.value ? toTrade(data) : undefined
    if (trade) arrived.add(trade)
  })

  watch(
    symbol,
    (name, _before, onCleanup) => {
      const stop = new AbortController()
      arrived.clear()
      trades.value = []
      day.value = undefined
      latest.value = undefined
      decimals.value = 2
      client.subscribe('trades', name)
      poll(async (signal) => {
        day.value = await rest.stats(name, { signal })
      }, stop.signal)
      rest.latest(name, { signal: stop.signal }).then(
        (answer) => {
          latest.value = answer.price
        },
        () => {
          // No price yet, or no such symbol: the header shows a dash and the chart says why.
        },
      )
      onCleanup(() => {
        stop.abort()
        client.unsubscribe('trades', name)
      })
    },
    { immediate: true },
  )
  onScopeDispose(() => {
    off()
    arrived.clear()
  })
  return { trades, day, price, decimals }
}

/** Calls `read` now and every ten seconds; a failed call leaves the last answer in place. */
async function poll(read: (signal: AbortSignal) => Promise<void>, signal: AbortSignal) {
  while (!signal.aborted) {
    await read(signal).catch(() => {})
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, STATS_EVERY_MS)
      signal.addEventListener(
        'abort',
        () => {
          clearTimeout(timer)
          resolve()
        },
        { once: true },
      )
    })
  }
}
