export interface SocketEvents {
  open(): void
  /** A frame as it came; anything but text is for the reader to refuse. */
  frame(data: unknown): void
  /** Comes once, also when opening failed. */
  close(code: number, reason: string): void
}

export interface Socket {
  send(text: string): void
  close(): void
}

/** How a connection is made; the events may come any time later, never during the call. */
export type OpenSocket = (url: string, events: SocketEvents) => Socket

/** The platform's own WebSocket (browsers, Node 22 and newer). */
export const openWebSocket: OpenSocket = (url, events) => {
  let socket: WebSocket
  try {
    socket = new WebSocket(url)
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    queueMicrotask(() => events.close(1006, reason))
    return { send: () => {}, close: () => {} }
  }
  let failure = ''
  socket.addEventListener('open', () => events.open())
  socket.addEventListener('message', (event) => events.frame(event.data))
  socket.addEventListener('error', (event) => {
    failure = 'message' in event && typeof event.message === 'string' ? event.message : 'the connection failed'
  })
  socket.addEventListener('close', (event) => events.close(event.code, event.reason || failure))
  return {
    send: (text) => socket.send(text),
    close: () => socket.close(1000),
  }
}
