import Type from 'typebox'
import { Compile } from 'typebox/compile'
import type { Hub, Session } from './hub.ts'

const Id = Type.Union([Type.Integer(), Type.String({ pattern: '^[A-Za-z0-9-]{0,36}$' }), Type.Null()])
const object = Compile(Type.Record(Type.String(), Type.Unknown()))
const identifier = Compile(Id)
const texts = Compile(Type.Array(Type.String()))
const property = Compile(Type.Tuple([Type.String(), Type.Unknown()]))

type Reply = Record<string, unknown>
type Request = { params: unknown; id: unknown }
type Method = (session: Session, hub: Hub, request: Request, maxStreams: number) => Reply

const failure = (code: number, msg: string, id?: unknown): Reply =>
  id === undefined ? { code, msg } : { code, msg, id }
const badParams = (id: unknown): Reply =>
  failure(2, 'Invalid request: invalid type, expected a list of stream names', id)

const methods: Readonly<Record<string, Method>> = {
  SUBSCRIBE(session, hub, { params, id }, maxStreams) {
    if (!texts.Check(params) || params.length === 0) return badParams(id)
    if (new Set([...session.streams, ...params]).size > maxStreams) return failure(4, 'Too many subscriptions', id)
    for (const name of params) hub.join(session, name)
    return { result: null, id }
  },
  UNSUBSCRIBE(session, hub, { params, id }) {
    if (!texts.Check(params)) return badParams(id)
    for (const name of params) hub.leave(session, name)
    return { result: null, id }
  },
  LIST_SUBSCRIPTIONS: (session, _, { id }) => ({ result: [...session.streams], id }),
  SET_PROPERTY(session, _, { params, id }) {
    if (!property.Check(params) || params[0] !== 'combined') return failure(0, 'Unknown property', id)
    if (typeof params[1] !== 'boolean') return failure(1, 'Invalid value type: expected Boolean')
    session.combined = params[1]
    return { result: null, id }
  },
  GET_PROPERTY(session, _, { params, id }) {
    if (!texts.Check(params) || params[0] !== 'combined') return failure(0, 'Unknown property', id)
    return { result: session.combined, id }
  },
}

const names = Object.keys(methods)
  .map((name) => `\`${name}\``)
  .join(', ')
const fields = new Set(['method', 'params', 'id'])

const parse = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** Obeys one message of a client and returns the answer, in the exchange's words also when it is nonsense. */
export const answerRequest = (session: Session, hub: Hub, text: string, maxStreams: number): Reply => {
  const message = parse(text)
  if (message === undefined) return failure(3, 'Invalid JSON: expected value at line 1 column 1')
  if (!object.Check(message)) return failure(2, 'Invalid request: expected an object')
  if (Object.keys(message).some((key) => !fields.has(key))) return failure(2, 'Invalid request: too many parameters')
  const { method, params, id = null } = message
  if (!identifier.Check(id)) return failure(2, 'Invalid request: request ID must be an unsigned integer')
  if (method === undefined) return failure(2, 'Invalid request: missing field `method`', id)
  const act = typeof method === 'string' && Object.hasOwn(methods, method) ? methods[method] : undefined
  if (!act) return failure(2, `Invalid request: unknown variant ${String(method)}, expected one of ${names}`, id)
  return act(session, hub, { params, id }, maxStreams)
}
