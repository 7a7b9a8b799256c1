import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { test } from 'node:test'
import { connect, TradeFrame } from '../test/wire.ts'
import { createSimulator } from './index.ts'

const command = join(import.meta.dirname, 'main.ts')
const run = (...args: string[]) => spawn(process.execPath, [command, ...args], { stdio: ['ignore', 'pipe', 'inherit'] })

test('the command prints where it listens and stops when told', async (t) => {
  const child = run('--symbols', 'BTCUSDT,ETHBTC', '--speed', '5')
  t.after(() => child.kill('SIGKILL'))
  const exit = once(child, 'exit')
  let url: string | undefined
  for await (const line of createInterface(child.stdout)) {
    url ??= /BINANCE_REST_URL=(.*)/.exec(line)?.[1]
    if (line.startsWith('Stop')) break
  }
  const response = await fetch(`${url}/api/v3/ticker/price`)
  assert.match(await response.text(), /^\[\{"symbol":"BTCUSDT","price":"\d+\.\d{8}"\},\{"symbol":"ETHBTC"/)
  child.kill('SIGTERM')
  assert.deepEqual(await exit, [0, null])
})

test('the help teaches faults', async () => {
  const child = run('--help')
  let text = ''
  for await (const chunk of child.stdout) text += String(chunk)
  for (const word of ['--recorded', '--faults', 'outage', '/sim/truth/trades']) assert.ok(text.includes(word), word)
})

test('a running clock sends every trade once, at any speed', async (t) => {
  const simulator = await createSimulator({ symbols: ['BTCUSDT'], tradesPerSecond: 10, speed: 60 })
  t.after(() => simulator.close())
  const client = await connect(`${simulator.wsUrl}/ws/btcusdt@trade`)
  await client.when(() => client.texts.length > 500)
  const trades = client.all(TradeFrame)
  const truth = simulator.truth.trades('BTCUSDT', trades[0]!.t, trades.at(-1)!.t)
  assert.deepEqual(
    trades.map((trade) => trade.t),
    truth.map((trade) => trade.id),
  )
})
