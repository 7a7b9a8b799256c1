import type { Duplex } from 'node:stream'
import type { CloseCode } from '@candlewire/protocol'
import { WebSocket } from 'ws'
import type { Batch } from './batch.ts'

/** The way to one client. */
export interface Transport {
  /** False when the way is full: `onDrain` is called once it is empty again. */
  write(batch: Batch): boolean
  ping(): void
  close(code: CloseCode, reason: string): void
  /** Cuts the connection at once. */
  destroy(): void
}

/** Bytes that may wait in the socket of a compressed connection before it counts as full. */
const FULL = 64 * 1024

/** Picks the fast way where no extension was agreed on: ready frames go straight to the socket. */
export function transport(socket: WebSocket, raw: Duplex, onDrain: () => void): Transport {
  const control = {
    ping: () => {
      if (socket.readyState === WebSocket.OPEN) socket.ping()
    },
    close: (code: CloseCode, reason: string) => socket.close(code, reason),
    destroy: () => socket.terminate(),
  }
  if (socket.extensions) return { ...control, write: compressedWrite(socket, onDrain) }
  raw.on('drain', onDrain)
  return { ...control, write: rawWrite(socket, raw) }
}

/** What the kernel takes at once does not count: a burst is no sign of a slow reader. */
function rawWrite(socket: WebSocket, raw: Duplex): Transport['write'] {
  return (batch) => {
    if (socket.readyState !== WebSocket.OPEN) return true
    raw.write(batch.bytes())
    return raw.writableLength < raw.writableHighWaterMark
  }
}

function compressedWrite(socket: WebSocket, onDrain: () => void): Transport['write'] {
  return (batch) => {
    if (socket.readyState !== WebSocket.OPEN) return true
    const messages = batch.messages()
    let full = false
    messages.forEach((message, index) => {
      const last = index === messages.length - 1
      socket.send(message.text(), () => last && full && onDrain())
    })
    full = socket.bufferedAmount > FULL
    return !full
  }
}
