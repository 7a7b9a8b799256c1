import { once } from 'node:events'
import Type, { type Static, type TSchema } from 'typebox'
import Value from 'typebox/value'
import WebSocket from 'ws'

/** A client that keeps every text it gets; `until` waits for the first that fits. */
export const connect = async (url: string, options: { autoPong?: boolean } = {}) => {
  const socket = new WebSocket(url, options)
  const texts: string[] = []
  const waiting = new Set<() => void>()
  let code: number | undefined
  const wake = (): void => {
    for (const check of [...waiting]) check()
  }
  socket.on('message', (data) => {
    texts.push(data.toString())
    wake()
  })
  socket.on('error', () => {})
  const closed = new Promise<number>((resolve) => {
    socket.on('close', (why) => {
      code = why
      wake()
      resolve(why)
    })
  })
  await once(socket, 'open')
  /** Resolves when `done` holds; rejects when the socket closes before. */
  const when = (done: () => boolean): Promise<void> =>
    new Promise((resolve, reject) => {
      const check = (): void => {
        if (!done() && code === undefined) return
        waiting.delete(check)
        if (done()) resolve()
        else reject(new Error(`closed with ${code} first`))
      }
      waiting.add(check)
      check()
    })
  return {
    socket,
    texts,
    closed,
    when,
    send: (message: unknown) => socket.send(typeof message === 'string' ? message : JSON.stringify(message)),
    /** Sends a request and returns the next text, which must be its answer. */
    async ask(message: unknown): Promise<unknown> {
      const seen = texts.length
      this.send(message)
      await when(() => texts.length > seen)
      return JSON.parse(texts[seen]!)
    },
    /** Waits until what the server sent before now has come: asks for the list of streams and waits for the answer. */
    async settle(): Promise<void> {
      const id = `settle-${texts.length}`
      this.send({ method: 'LIST_SUBSCRIPTIONS', id })
      await when(() => texts.some((text) => text.includes(`"id":"${id}"`)))
    },
    /** The frames that fit a schema, in the order in which they came. */
    all<T extends TSchema>(schema: T): Static<T>[] {
      const found: Static<T>[] = []
      for (const text of texts) {
        const message = parse(text)
        if (Value.Check(schema, message)) found.push(message)
      }
      return found
    },
    close: () => socket.close(),
  }
}

const parse = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

const exact = { additionalProperties: false }
const Decimal = Type.String({ pattern: '^-?[0-9]+\\.[0-9]{8}$' })
const Levels = Type.Array(Type.Tuple([Decimal, Decimal]))

export const TradeFrame = Type.Object(
  {
    e: Type.Literal('trade'),
    E: Type.Integer(),
    s: Type.String(),
    t: Type.Integer(),
    p: Decimal,
    q: Decimal,
    T: Type.Integer(),
    m: Type.Boolean(),
    M: Type.Literal(true),
  },
  exact,
)

export const AggTradeFrame = Type.Object(
  {
    e: Type.Literal('aggTrade'),
    E: Type.Integer(),
    s: Type.String(),
    a: Type.Integer(),
    p: Decimal,
    q: Decimal,
    f: Type.Integer(),
    l: Type.Integer(),
    T: Type.Integer(),
    m: Type.Boolean(),
    M: Type.Literal(true),
  },
  exact,
)

export const KlineFrame = Type.Object(
  {
    e: Type.Literal('kline'),
    E: Type.Integer(),
    s: Type.String(),
    k: Type.Object(
      {
        t: Type.Integer(),
        T: Type.Integer(),
        s: Type.String(),
        i: Type.String(),
        f: Type.Integer(),
        L: Type.Integer(),
        o: Decimal,
        c: Decimal,
        h: Decimal,
        l: Decimal,
        v: Decimal,
        n: Type.Integer(),
        x: Type.Boolean(),
        q: Decimal,
        V: Decimal,
        Q: Decimal,
        B: Type.Literal('0'),
      },
      exact,
    ),
  },
  exact,
)

export const DepthFrame = Type.Object(
  {
    e: Type.Literal('depthUpdate'),
    E: Type.Integer(),
    s: Type.String(),
    U: Type.Integer(),
    u: Type.Integer(),
    b: Levels,
    a: Levels,
  },
  exact,
)

export const BookBody = Type.Object({ lastUpdateId: Type.Integer(), bids: Levels, asks: Levels }, exact)

/** The same frame as `/stream` sends it. */
export const wrapped = <T extends TSchema>(schema: T) => Type.Object({ stream: Type.String(), data: schema }, exact)
