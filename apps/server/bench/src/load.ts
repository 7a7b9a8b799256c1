import { connect, type Socket } from 'node:net'

/**
 * The clients of the fan-out bench, a process of its own: raw sockets that shake hands, subscribe, and count frames.
 * Talks to its parent by IPC: `ready` once all have subscribed, then the running count of received frames.
 */
const [port, clients, streams, each] = process.argv.slice(2).map(Number) as [number, number, number, number]

let received = 0

/** Counts whole server frames (which are never masked) in a stream of chunks. */
function frameCounter() {
  let skip = 0
  let head: Buffer = Buffer.alloc(0)
  return (chunk: Buffer) => {
    let at = 0
    let data = chunk
    if (head.length > 0) {
      data = Buffer.concat([head, chunk])
      head = Buffer.alloc(0)
    }
    for (;;) {
      if (skip > 0) {
        const step = Math.min(skip, data.length - at)
        at += step
        skip -= step
        if (skip > 0) return
      }
      if (data.length - at < 2) break
      const short = data[at + 1]! & 127
      const header = short < 126 ? 2 : short === 126 ? 4 : 10
      if (data.length - at < header) break
      skip = short < 126 ? short : short === 126 ? data.readUInt16BE(at + 2) : Number(data.readBigUInt64BE(at + 2))
      if ((data[at]! & 15) === 1) received++
      at += header
    }
    head = Buffer.from(data.subarray(at))
  }
}

function masked(text: string): Buffer {
  const body = Buffer.from(text)
  return Buffer.concat([Buffer.from([0x81, 0x80 | body.length, 0, 0, 0, 0]), body])
}

function open(index: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true })
    socket.once('error', reject)
    socket.write(
      'GET /ws/crypto HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
    )
    socket.once('data', (answer) => {
      const end = answer.indexOf('\r\n\r\n')
      if (!answer.toString('latin1').startsWith('HTTP/1.1 101')) return reject(new Error(answer.toString()))
      const count = frameCounter()
      count(answer.subarray(end + 4))
      socket.on('data', count)
      for (let stream = 0; stream < each; stream++) {
        const symbol = `S${(index * 7 + stream * 23) % streams}USDT`
        socket.write(masked(JSON.stringify({ action: 'subscribe', type: 'trades', symbol })))
      }
      resolve(socket)
    })
  })
}

for (let index = 0; index < clients; index++) await open(index)
/** Every subscription is answered by one frame. */
const acknowledged = setInterval(() => {
  if (received < clients * each) return
  clearInterval(acknowledged)
  process.send?.('ready')
  setInterval(() => process.send?.(received - clients * each), 10)
}, 20)
process.once('disconnect', () => process.exit(0))
