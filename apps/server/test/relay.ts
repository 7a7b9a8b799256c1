import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

/** A stretch of wire before a service that can be cut and can go dead. */
export interface Relay {
  readonly port: number
  /** Ends all connections and refuses new ones. */
  cut(): void
  /** Keeps connections, and lets no answer of the service pass. */
  hang(): void
  /** All is well again; answers that were held are passed on. */
  mend(): void
  close(): Promise<void>
}

/** Opens a relay to a service. */
export async function openRelay({ host, port }: { host: string; port: number }): Promise<Relay> {
  const pairs = new Set<{ near: Socket; far: Socket }>()
  let refuse = false
  let silent = false

  const server = createServer((near) => {
    if (refuse) return void near.destroy()
    const far = connect(port, host)
    const pair = { near, far }
    pairs.add(pair)
    const end = () => {
      pairs.delete(pair)
      near.destroy()
      far.destroy()
    }
    for (const socket of [near, far]) socket.on('error', end).on('close', end)
    near.on('data', (data) => far.write(data))
    far.on('data', (data) => near.write(data))
    if (silent) far.pause()
  })
  const each = (work: (pair: { near: Socket; far: Socket }) => void) => [...pairs].forEach(work)

  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    cut() {
      refuse = true
      each(({ near }) => near.destroy())
    },
    hang() {
      silent = true
      each(({ far }) => far.pause())
    },
    mend() {
      refuse = false
      silent = false
      each(({ far }) => far.resume())
    },
    async close() {
      refuse = true
      each(({ near }) => near.destroy())
      server.close()
      await once(server, 'close')
    },
  }
}
