import assert from 'node:assert/strict'
import type { AddressInfo } from 'node:net'
import { describe, test } from 'node:test'
import { type WebSocket, WebSocketServer } from 'ws'
import { exchange } from '../exchanges/index.ts'
import { type Connection, openConnection } from './connection.ts'
import { defaults } from './settings.ts'

const binance = exchange('binance')
const limits = { ...binance.limits, silenceMs: 300, messagesPerSecond: 100, topicsPerMessage: 2 }
const settings = { ...defaults, ackTimeoutMs: 300, pingEveryMs: 50, connectTimeoutMs: 300 }

/** An exchange that does with each message what the test says. */
async function withServer(
  { autoPong = true, answer }: { autoPong?: boolean; answer: (socket: WebSocket, message: string) => void },
  use: (open: (topics: string[]) => { connection: Connection; seen: string[] }) => Promise<void>,
): Promise<void> {
  const server = new WebSocketServer({ port: 0, autoPong })
  server.on('connection', (socket) => socket.on('message', (data) => answer(socket, String(data))))
  await new Promise((resolve) => server.once('listening', resolve))
  const { port } = server.address() as AddressInfo
  const opened: Connection[] = []
  try {
    await use((topics) => {
      const seen: string[] = []
      const connection = openConnection(
        {
          exchange: { ...binance, limits },
          wsUrl: `ws://127.0.0.1:${port}`,
          settings,
          now: Date.now,
          events: {
            frame(from, raw, received) {
              for (const event of binance.stream.read(raw, received))
                if (event.type === 'ack') from.answer(event.id, event.error)
            },
            subscribed: (_, list) => seen.push(`subscribed ${list.join(' ')}`),
            refused: (_, list, reason) => seen.push(`refused ${list.join(' ')}: ${reason}`),
            closed: (_, reason) => seen.push(`closed: ${reason}`),
          },
        },
        topics,
      )
      opened.push(connection)
      return { connection, seen }
    })
  } finally {
    for (const connection of opened) connection.close('the test is over')
    await Promise.all(opened.map(({ ended }) => ended))
    await new Promise((resolve) => server.close(resolve))
  }
}

const idOf = (message: string): number => Number(/"id":(\d+)/.exec(message)?.[1])
const accept = (socket: WebSocket, message: string) => socket.send(`{"result":null,"id":${idOf(message)}}`)

describe('a connection', () => {
  test('is ready once all topics are acknowledged, and ends when it is told to', async () => {
    await withServer({ answer: accept }, async (open) => {
      const { connection, seen } = open(['a', 'b', 'c'])
      assert.equal(await connection.ready, true)
      assert.deepEqual(seen, ['subscribed a b', 'subscribed c'])
      connection.close('enough')
      assert.equal(await connection.ended, 'enough')
      assert.deepEqual(seen.at(-1), 'closed: enough')
    })
  })

  test('says which topics were refused', async () => {
    const refuse = (socket: WebSocket, message: string) =>
      socket.send(`{"code":2,"msg":"Invalid request","id":${idOf(message)}}`)
    await withServer({ answer: refuse }, async (open) => {
      const { connection, seen } = open(['a'])
      await connection.ready
      assert.deepEqual(seen, ['refused a: 2: Invalid request'])
    })
  })

  test('ends when its messages are not acknowledged', async () => {
    await withServer({ answer: () => {} }, async (open) => {
      const { connection } = open(['a'])
      assert.equal(await connection.ready, false)
      assert.equal(await connection.ended, 'no acknowledgement')
    })
  })

  test('ends when the line is silent: no frame, no answer to a ping', async () => {
    await withServer({ autoPong: false, answer: accept }, async (open) => {
      const { connection } = open(['a'])
      assert.equal(await connection.ready, true)
      assert.equal(await connection.ended, 'silence')
    })
  })

  test('a quiet line that answers pings stays', async () => {
    await withServer({ answer: accept }, async (open) => {
      const { connection } = open(['a'])
      await connection.ready
      const begun = connection.lastFrameAt()
      while (connection.lastFrameAt() - begun < 2 * limits.silenceMs && connection.open())
        await new Promise((resolve) => setTimeout(resolve, 20))
      assert.equal(connection.open(), true)
    })
  })

  test('an exchange that can not be reached ends it with the reason', async () => {
    const server = new WebSocketServer({ port: 0 })
    await new Promise((resolve) => server.once('listening', resolve))
    const { port } = server.address() as AddressInfo
    await new Promise((resolve) => server.close(resolve))
    const events = { frame() {}, subscribed() {}, refused() {}, closed() {} }
    const wsUrl = `ws://127.0.0.1:${port}`
    const connection = openConnection({ exchange: binance, wsUrl, settings, now: Date.now, events }, ['a'])
    assert.equal(await connection.ready, false)
    assert.match(await connection.ended, /ECONNREFUSED/)
  })
})
