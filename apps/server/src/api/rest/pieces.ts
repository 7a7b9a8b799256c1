import type { ServerResponse } from 'node:http'

/** The part of a Fastify reply that this needs, whatever its route's type. */
interface Reply {
  hijack(): unknown
  getHeaders(): Record<string, string | number | string[] | undefined>
  readonly raw: ServerResponse
}

/** Sends JSON that lies in several buffers in one write, without copying them together. */
export function sendPieces(reply: Reply, pieces: readonly Buffer[]): void {
  const size = pieces.reduce((sum, piece) => sum + piece.length, 0)
  const { raw } = reply
  reply.hijack()
  raw.writeHead(200, {
    ...reply.getHeaders(),
    'content-type': 'application/json; charset=utf-8',
    'content-length': size,
  })
  raw.cork()
  for (const piece of pieces) raw.write(piece)
  raw.end()
}
