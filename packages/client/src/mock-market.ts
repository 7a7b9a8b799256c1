const UNIT_MS: Readonly<Record<string, number>> = { s: 1e3, m: 6e4, h: 36e5, d: 864e5, w: 6048e5, M: 30 * 864e5 }

interface Bar {
  time: number
  open: number
  high: number
  low: number
  close: number
  volume: number
}

/** A made-up market: a price that wanders, and the candles that its trades form. Times in ms, volume in base units. */
export function mockMarket(symbol: string) {
  const bars = new Map<string, Bar>()
  let id = 0
  let price = startPrice(symbol)

  const add = (timeframe: string, now: number, quantity: number): Bar => {
    const length = lengthOf(timeframe)
    const time = now - (now % length)
    const last = bars.get(timeframe)
    const open = last?.close ?? price
    const bar = last?.time === time ? last : { time, open, high: open, low: open, close: open, volume: 0 }
    bar.high = Math.max(bar.high, price)
    bar.low = Math.min(bar.low, price)
    bar.close = price
    bar.volume = Number((bar.volume + quantity).toFixed(5))
    bars.set(timeframe, bar)
    return bar
  }

  return {
    trade(now: number) {
      const side = Math.random() < 0.5 ? 'buy' : 'sell'
      const quantity = Number((Math.random() ** 3 + 0.001).toFixed(5))
      price = Number((price * (1 + (Math.random() - 0.5) / 2_000)).toPrecision(7))
      for (const timeframe of bars.keys()) add(timeframe, now, quantity)
      return { symbol, id: ++id, price, quantity, side, time: new Date(now).toISOString() }
    },
    candle(timeframe: string, now: number) {
      const { time, ...values } = add(timeframe, now, 0)
      return { symbol, timeframe, time: new Date(time).toISOString(), ...values, closed: false }
    },
    rsi: (timeframe: string, now: number) => ({
      symbol,
      timeframe,
      type: 'rsi',
      ts: now - (now % lengthOf(timeframe)),
      value: Number((50 + 20 * Math.sin(now / 60_000)).toFixed(2)),
    }),
  }
}

function lengthOf(timeframe: string): number {
  return (Number.parseInt(timeframe, 10) || 1) * (UNIT_MS[timeframe.at(-1) ?? 'm'] ?? UNIT_MS.m!)
}

/** The same symbol starts at the same price each time, somewhere between 1 and 100,000. */
function startPrice(symbol: string): number {
  const sum = [...symbol].reduce((hash, letter) => (hash * 31 + letter.charCodeAt(0)) % 99_991, 7)
  return Math.max(1, Math.floor(10 ** (sum / 20_000)))
}
