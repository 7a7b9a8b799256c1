import { subscribe } from 'node:diagnostics_channel'
import { Socket } from 'node:net'

/** What stays on its way for so many turns of the loop waits for somebody who does not read: time goes on. */
const STUCK_TURNS = 20_000

/**
 * Watches all sockets that are opened from now on, both of whose ends are in this process. The answer says whether bytes, a
 * connection or its end are on their way: a busy machine delivers them later than with the next turn of the event loop.
 */
export function followSockets(): () => boolean {
  /** With their ports, once they are connected. */
  const clients = new Map<Socket, number | undefined>()
  /** The other ends, by the port of the client. */
  const servers = new Map<number, Socket>()
  let turns = 0
  /** Something was written, opened or closed since all was last seen to have come. */
  let moved = false
  const follow = (socket: Socket) => {
    const move = () => {
      moved = true
    }
    const { _write, _writev } = socket
    socket._write = (...args) => {
      move()
      _write.apply(socket, args)
    }
    if (_writev)
      socket._writev = (...args) => {
        move()
        _writev.apply(socket, args)
      }
    socket.once('close', move)
    move()
  }

  const socketOf = (message: unknown): Socket | undefined =>
    typeof message === 'object' && message !== null && 'socket' in message && message.socket instanceof Socket
      ? message.socket
      : undefined
  subscribe('net.client.socket', (message) => {
    const socket = socketOf(message)
    if (!socket) return
    follow(socket)
    clients.set(socket, undefined)
    socket.once('connect', () => clients.set(socket, socket.localPort))
  })
  subscribe('net.server.socket', (message) => {
    const socket = socketOf(message)
    if (socket?.remotePort === undefined) return
    follow(socket)
    servers.set(socket.remotePort, socket)
  })

  function isUnderWay(client: Socket, port: number | undefined): boolean {
    const server = port === undefined ? undefined : servers.get(port)
    if (client.destroyed && (!server || server.destroyed)) {
      clients.delete(client)
      if (port !== undefined) servers.delete(port)
      return false
    }
    if (!server || client.destroyed || server.destroyed) return true
    return client.bytesWritten !== server.bytesRead || server.bytesWritten !== client.bytesRead
  }

  return () => {
    if (!moved) return false
    let underWay = false
    for (const [client, port] of clients) if (isUnderWay(client, port)) underWay = true
    turns = underWay ? turns + 1 : 0
    moved = underWay && turns < STUCK_TURNS
    return moved
  }
}
