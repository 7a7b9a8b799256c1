import type { Static, TSchema } from 'typebox'
import { Compile } from 'typebox/compile'

/**
 * A check at the edge: hands outside data through as its type, or throws a plain Error that names the place
 * (list positions as `*`, so that reasons stay few) and never the content.
 */
export function edge<S extends TSchema>(schema: S): (value: unknown) => Static<S> {
  const validator = Compile(schema)
  return (value) => {
    if (holds(value)) return value
    const [error] = validator.Errors(value)
    const place = error?.instancePath.replace(/\/\d+/g, '/*') || '/'
    throw new Error(`${place} ${error?.message ?? 'is not as documented'}`)
  }
  function holds(value: unknown): value is Static<S> {
    return validator.Check(value)
  }
}
