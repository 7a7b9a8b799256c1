import type { FastifySchemaCompiler } from 'fastify'
import type { TSchema } from 'typebox'
import { Compile } from 'typebox/compile'

const INTEGER = /^-?\d{1,15}$/

/** Checks against TypeBox schemas. Bodies are taken as they are; in texts of a query, whole numbers become numbers. */
export const validatorCompiler: FastifySchemaCompiler<TSchema> = ({ schema, httpPart }) => {
  const checker = Compile(schema)
  const integers = httpPart === 'body' ? [] : integerKeys(schema)
  return (input: unknown) => {
    const value = integers.length > 0 ? withNumbers(input, integers) : input
    return checker.Check(value) ? { value } : { error: checker.Errors(value) }
  }
}

function integerKeys(schema: TSchema): string[] {
  if (!('properties' in schema) || typeof schema.properties !== 'object' || schema.properties === null) return []
  return Object.entries(schema.properties)
    .filter(([, property]) => property.type === 'integer')
    .map(([key]) => key)
}

function withNumbers(input: unknown, keys: readonly string[]): unknown {
  if (typeof input !== 'object' || input === null) return input
  const copy: Record<string, unknown> = { ...input }
  for (const key of keys) {
    const text = copy[key]
    if (typeof text === 'string' && INTEGER.test(text)) copy[key] = Number(text)
  }
  return copy
}
