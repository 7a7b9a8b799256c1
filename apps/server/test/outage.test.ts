import assert from 'node:assert/strict'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { serveApi } from '../src/api/api.ts'
import { DATA, run, skipWithoutData, temporary } from '../src/cli/testSupport.ts'
import { silent } from '../src/lib/log.ts'
import { embeddedStore } from '../src/store/embedded/index.ts'
import { apiDeps } from './apiFixture.ts'

const SYMBOL = 'ADAUSDT'
const FOLDER = join(DATA, 'klines/binance-spot-outage-2023-03-24')
const day = (time: string): number => Date.parse(`2023-03-24T${time}:00Z`)

interface Row {
  readonly time: string
  readonly volume: number
}
interface Hole {
  readonly from: string
  readonly to: string
  readonly status: string
}

/** The command imports a recording of the exchange's halt, then a server answers from that store. */
async function serveImported(t: TestContext, file: string) {
  const data = temporary(t)
  const line = ['import', '--exchange', 'binance', '--symbol', SYMBOL, '--kind', 'klines', join(FOLDER, file)]
  assert.equal((await run(line, { data })).code, 0)
  const store = await embeddedStore({ path: join(data, 'candlewire.db'), log: silent })
  const stop = new AbortController()
  const frames = { timeframes: ['3m', '5m', '15m', '1h'], isMarket: () => true }
  const deps = await apiDeps(t, { catalog: frames, now: () => day('23:59') + 60_000 })
  const api = await serveApi({ ...deps, store }, stop.signal)
  t.after(async () => {
    stop.abort()
    await api.done
    await store.close()
  })
  return async (interval: string): Promise<{ rows: readonly Row[]; gaps: readonly Hole[] }> => {
    const query = `interval=${interval}&start=${day('11:00')}&end=${day('15:59')}&limit=1000`
    const { data: answer } = await (await fetch(`${api.url}/api/v1/crypto/${SYMBOL}/data?${query}`)).json()
    return { rows: answer.data, gaps: answer.meta.gaps }
  }
}

const inside = ({ time }: Row, from: string, to: string): boolean =>
  Date.parse(time) >= day(from) && Date.parse(time) < day(to)

for (const [file, stored, large, from] of [
  ['ADA_USDT-3m.csv.gz', '3m', '45m', '12:42'],
  ['ADA_USDT-5m.csv.gz', '5m', '30m', '12:40'],
] as const) {
  test(`the halt of 2023-03-24 is unknown by REST in every timeframe made of ${stored}, never flat`, {
    skip: skipWithoutData,
  }, async (t) => {
    const read = await serveImported(t, file)
    const direct = await read(stored)
    assert.deepEqual(
      direct.gaps.map((gap) => [Date.parse(gap.from), Date.parse(gap.to), gap.status]),
      [[day(from), day('14:00'), 'unknown']],
    )
    assert.equal(direct.rows.filter((row) => inside(row, from, '14:00')).length, 0)
    assert.ok(
      direct.rows.some((row) => inside(row, '11:30', '12:40') && row.volume === 0),
      "the exchange's own flat candles before the halt are its own word",
    )
    for (const interval of ['15m', large, '1h']) {
      const { rows, gaps } = await read(interval)
      assert.ok(rows.length > 2, interval)
      assert.equal(rows.filter((row) => inside(row, '12:45', '13:45')).length, 0, interval)
      assert.ok(
        gaps.some((gap) => Date.parse(gap.from) <= day('12:45') && Date.parse(gap.to) >= day('13:45')),
        `${interval} names the hole: ${JSON.stringify(gaps)}`,
      )
    }
  })
}
