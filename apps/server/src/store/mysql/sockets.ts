import { connect, type Socket } from 'node:net'

/**
 * Makes the sockets of a server's connections. The driver ends a socket it no longer wants and waits for the other side
 * to agree; a server that hangs, or a cable that is cut, never does. So a socket is closed as soon as its end is sent.
 */
export function createSockets(host: string, port: number) {
  const open = new Set<Socket>()
  return {
    open(): Socket {
      const socket = connect({ host, port, keepAlive: true, noDelay: true })
      open.add(socket)
      socket.once('finish', () => socket.destroy())
      socket.once('close', () => open.delete(socket))
      return socket
    },
    /** Sends what waits, then closes. */
    closeAll(): void {
      for (const socket of open) socket.end()
    },
  }
}
