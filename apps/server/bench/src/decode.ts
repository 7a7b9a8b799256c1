import ccxt from 'ccxt'
import { normalizeTrades } from 'tardis-dev'
import { binance } from '../../src/exchanges/binance/index.ts'
import { type Suite, seeded, timed } from './harness.ts'

const FRAMES = 200_000
const START = 1_759_312_800_000

const symbols = Array.from({ length: 500 }, (_, index) => {
  const letter = (n: number) => String.fromCharCode(65 + (n % 26))
  return `${letter(index)}${letter(index * 7)}${letter(Math.floor(index / 26))}${index % 10}USDT`
})

/** Combined-stream trade frames as the socket hands them over, 500 symbols, about 168 bytes each. */
function frames(): Buffer[] {
  const random = seeded(7)
  const prices = symbols.map(() => Math.exp(random() * 16 - 5))
  let time = START
  return Array.from({ length: FRAMES }, (_, index) => {
    const at = Math.floor(random() * random() * symbols.length)
    prices[at]! *= 1 + (random() - 0.5) * 1e-4
    const price = prices[at]!
    time += random() < 0.3 ? 1 : 0
    const symbol = symbols[at]!
    const text = (value: number, places: number) => value.toFixed(places) + '0'.repeat(8 - places)
    const p = text(price, price > 1000 ? 2 : price > 1 ? 4 : 7)
    const q = text(random() * 50 + 0.001, price > 1000 ? 5 : 2)
    const trade = `{"e":"trade","E":${time + 2},"s":"${symbol}","t":${5_201_234_567 + index},"p":"${p}","q":"${q}","T":${time},"m":${random() < 0.5},"M":true}`
    return Buffer.from(`{"stream":"${symbol.toLowerCase()}@trade","data":${trade}}`)
  })
}

interface Wire {
  readonly stream: string
  readonly data: { readonly s: string; readonly p: string; readonly q: string; readonly T: number }
}

function ours() {
  const input = frames()
  return timed(FRAMES, () => {
    let sum = 0
    for (const frame of input) {
      for (const event of binance.stream.read(frame, START)) {
        if (event.type === 'trade') sum += event.price * event.quantity
      }
    }
    return sum
  })
}

function tardis() {
  const input = frames()
  const at = new Date(START)
  const mapper = normalizeTrades('binance', at)
  return timed(FRAMES, () => {
    let sum = 0
    for (const frame of input) {
      const message = JSON.parse(frame.toString('latin1'))
      if (!mapper.canHandle(message)) continue
      for (const trade of mapper.map(message, at) ?? []) sum += trade.price * trade.amount
    }
    return sum
  })
}

function ccxtMarkets() {
  return symbols.map((id) => {
    const base = id.slice(0, -4)
    return {
      id,
      lowercaseId: id.toLowerCase(),
      symbol: `${base}/USDT`,
      base,
      quote: 'USDT',
      baseId: base,
      quoteId: 'USDT',
      type: 'spot',
      spot: true,
      active: true,
      precision: { price: 1e-8, amount: 1e-8 },
      limits: { amount: {}, price: {}, cost: {} },
      info: {},
    }
  })
}

/** What a user of ccxt pro gets: the whole way of a frame through its client. */
function ccxtPro() {
  const exchange = new ccxt.pro.binance({ newUpdates: true })
  exchange.setMarkets(ccxtMarkets())
  const client = exchange.client('wss://stream.binance.com:9443/stream')
  const input = frames().slice(0, 50_000)
  const { perSecond } = timed(
    input.length,
    () => {
      for (const frame of input) client.onMessage({ data: frame.toString() } as MessageEvent)
    },
    { passes: 3, warm: 1 },
  )
  return { perSecond }
}

function jsonParse() {
  const input = frames()
  const { perSecond } = timed(FRAMES, () => {
    let sum = 0
    for (const frame of input) sum += (JSON.parse(frame.toString('latin1')) as Wire).data.T % 7
    return sum
  })
  return { perSecond }
}

export const decode: Suite = {
  name: 'decode',
  unit: 'frames',
  by: 'perSecond',
  aims: { 'tardis-dev mapper': 8, 'ccxt pro, whole path': 40 },
  variants: [
    { name: 'candlewire: bytes → trade', role: 'ours', run: ours },
    { name: 'tardis-dev mapper', role: 'peer', run: tardis },
    { name: 'ccxt pro, whole path', role: 'peer', run: ccxtPro },
    { name: 'JSON.parse alone', role: 'limit', run: jsonParse },
  ],
}
