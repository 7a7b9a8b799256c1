import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createSimulator } from '@candlewire/simulator'
import { BROKER } from '../../src/bus/kafka/testSupport.ts'
import { rabbitUrl, redisAt } from '../service.ts'
import { localProcesses } from './local.ts'

// Every role of compose.yaml as a process of this machine, with a simulated exchange, until Ctrl+C.

const { POSTGRES_URL, MYSQL_URL, RATE = '300' } = process.env
const MAIN = join(import.meta.dirname, '../../src/main.ts')
const symbols = ['BTCUSDT', 'ETHUSDT']
const data = await mkdtemp(join(tmpdir(), 'candlewire-distributed-'))
const simulator = await createSimulator({ symbols, tradesPerSecond: Number(RATE) })
const processes = await localProcesses({
  kafka: BROKER,
  timescale: POSTGRES_URL ?? 'postgres://candlewire:candlewire@127.0.0.1:5432/candlewire',
  database: MYSQL_URL ?? 'mysql://candlewire:candlewire@127.0.0.1:3306/candlewire',
  redis: redisAt,
  rabbitmq: rabbitUrl(),
  exchange: simulator,
  symbols,
  data,
})
const children = processes.map(({ name, args, env, ports }) => {
  const child = spawn(process.execPath, [MAIN, ...args], {
    env: { PATH: process.env.PATH, HOME: process.env.HOME, ...env },
    stdio: ['ignore', 'inherit', 'inherit'],
    // Ctrl+C reaches us alone, and they are told below.
    detached: true,
  })
  const addresses = [...ports].map(([inside, port]) => `http://127.0.0.1:${port} (${inside})`)
  process.stdout.write(`${name.padEnd(20)} process ${child.pid}, ${addresses.join(', ')}\n`)
  return child
})

await Promise.race(['SIGINT', 'SIGTERM'].map((signal) => once(process, signal)))
for (const child of children) child.kill('SIGTERM')
await Promise.all(children.map((child) => child.exitCode ?? once(child, 'close')))
await simulator.close()
await rm(data, { recursive: true, force: true })
