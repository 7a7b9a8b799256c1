import { StringDecoder } from 'node:string_decoder'

/** Consecutive records of a file as text; `first` is the line, or in a JSON array the element, of the first one. */
export interface TextBatch {
  readonly first: number
  readonly texts: readonly string[]
}

/** How the records of a file are told apart. `frames`: a capture, `<receive time> <JSON frame>` a line. */
export type Shape = 'csv' | 'jsonArray' | 'jsonLines' | 'frames'

/** A record longer than this is no record of ours; the limit keeps memory bounded. */
const LONGEST = 1 << 26
const HEAD = 1 << 12

/** Reads the beginning of a part and hands back all of it again. */
export async function peek(chunks: AsyncIterable<Buffer>): Promise<{ head: string; chunks: AsyncGenerator<Buffer> }> {
  const source = chunks[Symbol.asyncIterator]()
  const begin: Buffer[] = []
  let size = 0
  while (size < HEAD) {
    const next = await source.next()
    if (next.done) break
    begin.push(next.value)
    size += next.value.length
  }
  async function* all(): AsyncGenerator<Buffer> {
    try {
      yield* begin
      for (let next = await source.next(); !next.done; next = await source.next()) yield next.value
    } finally {
      await source.return?.()
    }
  }
  return {
    head: Buffer.concat(begin)
      .toString('utf8', 0, HEAD)
      .replace(/^\uFEFF/, ''),
    chunks: all(),
  }
}

/** Tells the shape of a file from its beginning. */
export function shapeOf(head: string): Shape {
  const text = head.trimStart()
  if (/^\[\s*([[{\]]|$)/.test(text)) return 'jsonArray'
  if (/^[[{]/.test(text)) return 'jsonLines'
  return /^\d{10,}(\.\d+)?:? *\{/m.test(text) ? 'frames' : 'csv'
}

/** The records of a part, batched as they come off the disk. Throws an Error for a file that is no text of records. */
export const records = (shape: Shape, chunks: AsyncIterable<Buffer>): AsyncGenerator<TextBatch> =>
  shape === 'jsonArray' ? elements(chunks) : lines(chunks)

async function* lines(chunks: AsyncIterable<Buffer>): AsyncGenerator<TextBatch> {
  let rest = ''
  let line = 1
  for await (const piece of decoded(chunks)) {
    const texts = (rest + piece).split('\n')
    rest = texts.pop() ?? ''
    if (rest.length > LONGEST) throw new Error(`line ${line + texts.length} has no end`)
    if (texts.length === 0) continue
    yield { first: line, texts: piece.includes('\r') ? texts.map((text) => text.replace(/\r$/, '')) : texts }
    line += texts.length
  }
  if (rest !== '') yield { first: line, texts: [rest] }
}

async function* decoded(chunks: AsyncIterable<Buffer>): AsyncGenerator<string> {
  const decoder = new StringDecoder('utf8')
  let begun = false
  for await (const chunk of chunks) {
    const text = decoder.write(chunk)
    yield begun ? text : text.replace(/^\uFEFF/, '')
    begun ||= text !== ''
  }
  const end = decoder.end()
  if (end) yield end
}

/** The objects and arrays inside one top-level JSON array, found without parsing it as a whole. */
async function* elements(chunks: AsyncIterable<Buffer>): AsyncGenerator<TextBatch> {
  const splitter = elementSplitter()
  let first = 1
  for await (const piece of decoded(chunks)) {
    const texts = splitter.push(piece)
    if (texts.length === 0) continue
    yield { first, texts }
    first += texts.length
  }
  if (!splitter.closed()) yield { first, texts: [splitter.rest()] }
}

const [QUOTE, BACKSLASH, OPEN_ARRAY, CLOSE_ARRAY, OPEN_OBJECT, CLOSE_OBJECT] = [...'"\\[]{}'].map((sign) =>
  sign.charCodeAt(0),
)

function elementSplitter() {
  let depth = 0
  let quoted = false
  let escaped = false
  let rest = ''
  const step = (code: number): number => {
    if (quoted) {
      if (escaped) escaped = false
      else if (code === BACKSLASH) escaped = true
      else if (code === QUOTE) quoted = false
      return 0
    }
    if (code === QUOTE) quoted = true
    if (code === OPEN_ARRAY || code === OPEN_OBJECT) return 1
    return code === CLOSE_ARRAY || code === CLOSE_OBJECT ? -1 : 0
  }
  return {
    push(piece: string): string[] {
      const texts: string[] = []
      let start = 0
      for (let index = 0; index < piece.length; index++) {
        const change = step(piece.charCodeAt(index))
        if (change > 0 && depth === 1) start = index
        depth += change
        if (change >= 0 || depth !== 1) continue
        texts.push(rest + piece.slice(start, index + 1))
        rest = ''
      }
      if (depth > 1) rest += piece.slice(start)
      if (rest.length > LONGEST) throw new Error('an element of the array has no end')
      return texts
    },
    closed: () => depth === 0,
    rest: () => rest,
  }
}
