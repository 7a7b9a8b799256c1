import type { Capture } from '../../collect/collector.ts'
import type { RestClient } from '../../exchanges/rest.ts'
import type { CaptureWriter } from './writer.ts'

/** The collector's frames and notes, into the file. */
export const captureTap = (writer: CaptureWriter, now: () => number): Capture & { readonly frames: () => number } => {
  let frames = 0
  return {
    frame(raw, received) {
      frames += 1
      writer.line(received, raw.toString())
    },
    began: ({ symbol }, { id, since, upTo, hole }) =>
      writer.note(now(), { candlewire: 'start', symbol, id, since, upTo, ...(hole && { hole }) }),
    down: ({ symbol }, reason) => writer.note(now(), { candlewire: 'down', symbol, reason }),
    frames: () => frames,
  }
}

/** The same client; each answer it reads goes into the file first, with a note of what was asked. */
export const tappedClient = (rest: RestClient, writer: CaptureWriter): RestClient => ({
  ...rest,
  ask: (request, options) =>
    rest.ask(
      {
        ...request,
        read(body, received) {
          const { path, query } = request
          const note = { candlewire: 'rest', path, query }
          if (Array.isArray(body)) writer.line(received, JSON.stringify({ ...note, body }))
          else writer.line(received, JSON.stringify(note), JSON.stringify(body))
          return request.read(body, received)
        },
      },
      options,
    ),
})
