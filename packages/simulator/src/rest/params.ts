import { errors } from './errors.ts'

const patterns = {
  symbol: ['^[A-Z0-9-_.]{1,20}$', /^[A-Z0-9\-_.]{1,20}$/],
  integer: ['^[0-9]{1,20}$', /^[0-9]{1,20}$/],
  word: ['^[a-zA-Z0-9_]{1,30}$', /^[a-zA-Z0-9_]{1,30}$/],
  zone: ['^[+-]?[0-9]{1,2}(:[0-9]{2})?$', /^[+-]?[0-9]{1,2}(:[0-9]{2})?$/],
  flag: ['^(true|false)$', /^(true|false)$/i],
  any: ['^.*$', /^[\s\S]*$/],
} as const satisfies Record<string, readonly [string, RegExp]>

type ParamKind = keyof typeof patterns
/** The parameters that a route knows; a `!` after the kind marks one that must be there. */
export type ParamTable = Readonly<Record<string, ParamKind | `${ParamKind}!`>>
export type Params = {
  text(name: string): string | undefined
  integer(name: string): number | undefined
  /** A time in ms; sent in ms or µs. */
  time(name: string): number | undefined
  has(name: string): boolean
}

const isKind = (kind: string): kind is ParamKind => Object.hasOwn(patterns, kind)

const checkValue = (name: string, rule: string, value: string): void => {
  const required = rule.endsWith('!')
  if (value === '') throw required ? errors.missing(name) : errors.empty(name)
  const kind = required ? rule.slice(0, -1) : rule
  if (isKind(kind) && !patterns[kind][1].test(value)) throw errors.illegal(name, patterns[kind][0])
}

/** Reads a query against the table of its route; throws the exchange's error for what does not fit. */
export const readParams = (query: URLSearchParams, table: ParamTable): Params => {
  const names = [...query.keys()]
  if (new Set(names).size !== names.length) throw errors.twice()
  for (const [name, rule] of Object.entries(table)) {
    const value = query.get(name)
    if (value === null && rule.endsWith('!')) throw errors.missing(name)
    if (value !== null) checkValue(name, rule, value)
  }
  const read = names.filter((name) => Object.hasOwn(table, name)).length
  if (read < names.length) {
    if (Object.keys(table).length === 0) throw errors.tooMany(0, names.length)
    throw errors.unread(read, names.length)
  }
  const integer = (name: string): number | undefined => {
    const value = query.get(name)
    return value === null ? undefined : Number(value)
  }
  return {
    text: (name) => query.get(name) ?? undefined,
    integer,
    has: (name) => query.has(name),
    time(name) {
      const value = integer(name)
      return value !== undefined && value > 1e14 ? Math.floor(value / 1_000) : value
    },
  }
}
