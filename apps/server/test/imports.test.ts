import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test } from 'node:test'

const root = join(import.meta.dirname, '../src')
const below = ['lib', 'domain']
const ports = ['bus', 'store', 'cache', 'queue']
const role = [...below, 'exchanges', ...ports]

/** Folder → the folders it may import from. `cli` holds commands: they join what `main.ts` may join. */
const mayImport: Record<string, string[]> = {
  lib: [],
  domain: ['lib'],
  exchanges: below,
  ...Object.fromEntries(ports.map((port) => [port, below])),
  ...Object.fromEntries(
    ['collect', 'aggregate', 'record', 'backfill', 'reconcile', 'dispatch', 'news', 'alerts', 'api'].map((name) => [
      name,
      role,
    ]),
  ),
}

const sources = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'))
const importsOf = (file: string): string[] =>
  [...readFileSync(join(root, file), 'utf8').matchAll(/(?:from|import)\s*\(?'(\.{1,2}\/[^']+)'/g)].map((match) =>
    join(dirname(file), match[1]!),
  )

test('each folder imports only what its row allows', () => {
  for (const file of sources) {
    const from = file.split('/')[0]!
    if (!file.includes('/') || from === 'cli') continue
    const allowed = mayImport[from]
    assert.ok(allowed, `the folder ${from} has no row in the table of imports`)
    for (const target of importsOf(file)) {
      const to = target.split('/')[0]!
      if (to === from || (to === '..' && file.endsWith('.test.ts'))) continue
      assert.ok(allowed.includes(to), `${file} may not import ${target}`)
    }
  }
})

test('a role sees the interface of a port, never an implementation', () => {
  const interfaces = new Set(ports.map((port) => `${port}/${port}.ts`))
  for (const file of sources) {
    const from = file.split('/')[0]!
    if (!file.includes('/') || from === 'cli' || ports.includes(from) || file.endsWith('.test.ts')) continue
    for (const target of importsOf(file)) {
      if (ports.includes(target.split('/')[0]!)) assert.ok(interfaces.has(target), `${file} may not import ${target}`)
    }
  }
})

test('no circle of imports', () => {
  const graph = new Map(sources.map((file) => [file, importsOf(file)]))
  const done = new Set<string>()
  const visit = (file: string, path: string[]) => {
    assert.ok(!path.includes(file), `circle: ${[...path.slice(path.indexOf(file)), file].join(' → ')}`)
    if (done.has(file)) return
    for (const target of graph.get(file) ?? []) visit(target, [...path, file])
    done.add(file)
  }
  for (const file of sources) visit(file, [])
})

test('nothing but tests and the demo command imports the simulator', () => {
  for (const file of sources) {
    if (file.endsWith('.test.ts') || file === 'cli/demo.ts') continue
    assert.ok(
      !readFileSync(join(root, file), 'utf8').includes('@candlewire/simulator'),
      `${file} imports the simulator`,
    )
  }
})

test('the simulator imports nothing of ours', () => {
  const simulator = join(root, '../../../packages/simulator/src')
  for (const file of readdirSync(simulator, { recursive: true, encoding: 'utf8' }).filter((name) =>
    name.endsWith('.ts'),
  )) {
    const text = readFileSync(join(simulator, file), 'utf8')
    for (const [, target] of text.matchAll(/from '([^']+)'/g)) {
      assert.ok(!target!.startsWith('@candlewire') && !/^(\.\.\/)+apps/.test(target!), `${file} imports ${target}`)
    }
  }
})
