import { createHmac, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import type { Exchange } from '../exchange.ts'
import type { ApiKey } from '../options.ts'
import { errors } from './errors.ts'
import type { Params } from './params.ts'

const aheadMs = 1_000
const widestWindow = 60_000

const sameText = (a: string, b: string): boolean =>
  a.length === b.length && timingSafeEqual(Buffer.from(a), Buffer.from(b))

/** Checks key, clock and signature of a signed request as the exchange does; throws its error. `raw` is the query. */
export const checkSignature = (
  request: IncomingMessage,
  raw: string,
  params: Params,
  keys: readonly ApiKey[],
  now: number,
): void => {
  const name = request.headers['x-mbx-apikey']
  if (typeof name !== 'string' || !/^[A-Za-z0-9_-]{4,128}$/.test(name)) throw errors.keyFormat()
  const key = keys.find((candidate) => candidate.key === name)
  if (!key) throw errors.key()
  const window = params.integer('recvWindow') ?? 5_000
  if (window > widestWindow) throw errors.wideWindow()
  const timestamp = params.time('timestamp') ?? 0
  if (timestamp >= now + aheadMs) throw errors.ahead()
  if (now - timestamp > window) throw errors.window()
  const payload = raw
    .split('&')
    .filter((part) => !part.startsWith('signature='))
    .join('&')
  const expected = createHmac('sha256', key.secret).update(payload).digest('hex')
  if (!sameText((params.text('signature') ?? '').toLowerCase(), expected)) throw errors.signature()
}

/** The account of a key: it may trade and owns a little of each quote currency. */
export const account = (exchange: Exchange, params: Params): unknown => {
  const assets = [
    ...new Set([...exchange.listings.values()].flatMap(({ market: { spec } }) => [spec.base, spec.quote])),
  ]
  const balances = assets.map((asset) => ({
    asset,
    free: asset === 'USDT' ? '10000.00000000' : '0.00000000',
    locked: '0.00000000',
  }))
  const omit = params.text('omitZeroBalances')?.toLowerCase() === 'true'
  return {
    makerCommission: 10,
    takerCommission: 10,
    buyerCommission: 0,
    sellerCommission: 0,
    commissionRates: { maker: '0.00100000', taker: '0.00100000', buyer: '0.00000000', seller: '0.00000000' },
    canTrade: true,
    canWithdraw: true,
    canDeposit: true,
    brokered: false,
    requireSelfTradePrevention: false,
    preventSor: false,
    updateTime: exchange.clock.now(),
    accountType: 'SPOT',
    balances: omit ? balances.filter((balance) => Number(balance.free) > 0) : balances,
    permissions: ['SPOT'],
    uid: 354937868,
  }
}
