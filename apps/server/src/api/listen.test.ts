import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'
import { WebSocket } from 'ws'
import { startApi } from '../../test/apiFixture.ts'

/** Ports that nobody uses at this moment. */
async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'))
  await Promise.all(servers.map((server) => once(server, 'listening')))
  const ports = servers.map((server) => Object(server.address()).port)
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))))
  return ports
}

test('every port answers every route, takes sockets, refuses what is no HTTP, and is given back', async (t) => {
  const morePorts = await freePorts(2)
  const api = await startApi(t, { options: { morePorts } })
  for (const port of morePorts) {
    const health = await fetch(`http://127.0.0.1:${port}/health`)
    assert.equal(health.status, 200)
    assert.equal((await fetch(`http://127.0.0.1:${port}/nothing`)).status, 404)
    const raw = connect(port, '127.0.0.1')
    raw.end('nonsense\r\n\r\n')
    assert.match(await text(raw), /^HTTP\/1\.1 400 /)
  }
  const socket = new WebSocket(`ws://127.0.0.1:${morePorts[0]}/ws/crypto`)
  await once(socket, 'open')
  api.stop.abort()
  const [code] = await once(socket, 'close')
  assert.equal(code, 1012)
  await api.done
  for (const port of morePorts) await assert.rejects(fetch(`http://127.0.0.1:${port}/health`))
})

test('a further port that is taken is named, and the first is given back', async (t) => {
  const [first] = await freePorts(1)
  const holder = createServer().listen(0, '127.0.0.1')
  await once(holder, 'listening')
  t.after(() => holder.close())
  const { port } = Object(holder.address())
  await assert.rejects(startApi(t, { options: { port: first!, morePorts: [port] } }), {
    code: 'INVALID_SETTING',
    message: `port: ${port} is taken`,
  })
  await assert.rejects(fetch(`http://127.0.0.1:${first}/health`))
})
