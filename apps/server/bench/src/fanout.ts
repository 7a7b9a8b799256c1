import { fork } from 'node:child_process'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { WebSocketServer } from 'ws'
import type { Figure, Suite } from './harness.ts'
import { ourHub } from './server.ts'

const CLIENTS = 1000
const STREAMS = 500
/** Streams a client follows. */
const EACH = 20
/** Updates that one turn of the event loop brings. */
const BURST = 100
/** Messages on their way before the publisher waits for the clients. */
const WINDOW = 100_000
const MESSAGES = 2_000_000

export interface Publisher {
  readonly port: number
  /** Sends one trade of each named stream. */
  readonly publish: (streams: readonly number[]) => void | Promise<void>
}

const trade = (stream: number, id: number) => ({
  type: 'trade',
  data: {
    symbol: `S${stream}USDT`,
    price: 60123.45 + (id & 255),
    quantity: 0.5 + (id & 63),
    side: id & 1 ? 'buy' : 'sell',
    time: new Date(1_759_316_400_000 + id).toISOString(),
    exchange: 'binance',
    id,
  },
  timestamp: 1_759_316_400_000 + id,
  seq: id,
})

const streamOf = (message: string): number => Number(/"symbol":"S(\d+)USDT"/.exec(message)?.[1])

async function listen(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen({ port: 0, host: '127.0.0.1', backlog: 4096 }, resolve))
  return (server.address() as AddressInfo).port
}

/** What one writes with `ws` on a first afternoon: stringify once, send to each subscriber. */
async function plainWs(): Promise<Publisher> {
  const rooms = Array.from({ length: STREAMS }, () => new Set<import('ws').WebSocket>())
  const http = createServer()
  new WebSocketServer({ server: http, perMessageDeflate: false }).on('connection', (socket) => {
    socket.on('message', (message) => {
      rooms[streamOf(String(message))]?.add(socket)
      socket.send('{"type":"subscribed"}')
    })
  })
  let id = 0
  const publish = (streams: readonly number[]) => {
    for (const stream of streams) {
      const text = JSON.stringify(trade(stream, id++))
      for (const socket of rooms[stream] ?? []) socket.send(text)
    }
  }
  return { port: await listen(http), publish }
}

/** The limit: ready frames written to raw sockets, all of a turn in one write. */
async function rawSockets(): Promise<Publisher> {
  const rooms = Array.from({ length: STREAMS }, () => new Set<Duplex>())
  const http = createServer()
  http.on('upgrade', (_, socket) => {
    socket.write('HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n')
    socket.on('data', (chunk: Buffer) => {
      for (const [, stream] of chunk.toString('latin1').matchAll(/"symbol":"S(\d+)USDT"/g)) {
        rooms[Number(stream)]?.add(socket)
        socket.write(Buffer.from([0x81, 2, 0x7b, 0x7d]))
      }
    })
  })
  const body = Buffer.from(JSON.stringify(trade(0, 0)))
  const frame = Buffer.concat([Buffer.from([0x81, 126, body.length >> 8, body.length & 255]), body])
  const publish = (streams: readonly number[]) => {
    const pending = new Map<Duplex, Buffer[]>()
    for (const stream of streams) {
      for (const socket of rooms[stream] ?? []) {
        const waiting = pending.get(socket)
        if (waiting) waiting.push(frame)
        else pending.set(socket, [frame])
      }
    }
    for (const [socket, frames] of pending) socket.write(frames.length === 1 ? frame : Buffer.concat(frames))
  }
  return { port: await listen(http), publish }
}

/** Publishes bursts as fast as the clients take them and measures this process's CPU per delivered message. */
async function measure(open: () => Promise<Publisher>): Promise<Figure> {
  const publisher = await open()
  const load = fork(fileURLToPath(new URL('./load.ts', import.meta.url)), [
    String(publisher.port),
    String(CLIENTS),
    String(STREAMS),
    String(EACH),
  ])
  await new Promise<void>((resolve) => load.once('message', () => resolve()))
  let received = 0
  load.on('message', (count) => {
    received = Number(count)
  })
  const perBurst = (BURST * CLIENTS * EACH) / STREAMS
  let sent = 0
  let next = 0
  const cpu = process.cpuUsage()
  const start = process.hrtime.bigint()
  while (sent < MESSAGES) {
    if (sent - received < WINDOW) {
      await publisher.publish(Array.from({ length: BURST }, (_, index) => (next + index) % STREAMS))
      next = (next + BURST) % STREAMS
      sent += perBurst
    }
    await new Promise((resolve) => setImmediate(resolve))
  }
  while (received < sent) await new Promise((resolve) => setTimeout(resolve, 5))
  const seconds = Number(process.hrtime.bigint() - start) / 1e9
  const { user, system } = process.cpuUsage(cpu)
  load.kill()
  return { perSecond: received / seconds, cpuMicros: (user + system) / received }
}

export const fanout: Suite = {
  name: 'fanout',
  unit: 'message',
  by: 'cpuMicros',
  aims: { 'plain ws': 4 },
  variants: [
    { name: 'candlewire hub', role: 'ours', run: () => measure(() => ourHub(STREAMS)) },
    { name: 'plain ws', role: 'peer', run: () => measure(plainWs) },
    { name: 'raw sockets, ready frames, one write a turn', role: 'limit', run: () => measure(rawSockets) },
  ],
}
