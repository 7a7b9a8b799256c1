import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { gunzipSync } from 'node:zlib'

/** Recordings of the real exchanges, made by others; they lie beside the project. */
const data = join(import.meta.dirname, '../../../../shared/data')

/** Lines of a recording, unpacked; none, with a message, where it is absent. */
export function recordedLines(t: TestContext, file: string): string[] {
  const path = join(data, file)
  if (!existsSync(path)) {
    t.skip(`SKIPPED: there is no recording ${path}`)
    return []
  }
  const bytes = readFileSync(path)
  return (path.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString().split('\n').filter(Boolean)
}

export type Raw = Readonly<Record<string, unknown>>

export const isRaw = (value: unknown): value is Raw =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

export function parseRaw(text: string): Raw {
  const value: unknown = JSON.parse(text)
  assert.ok(isRaw(value))
  return value
}

/** The decimal text without trailing zeros. */
export const strip = (text: unknown): string =>
  String(text)
    .replace(/(\.\d*?)0+$/, '$1')
    .replace(/\.$/, '')

export const texts = (raw: Raw, ...keys: string[]): string[] => keys.map((key) => strip(raw[key]))
