import { parseArgs } from 'node:util'
import { type Figure, inChild, median, type Suite } from './harness.ts'
import { suites } from './suites.ts'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { one: { type: 'boolean' }, rounds: { type: 'string', default: '3' }, help: { type: 'boolean' } },
})

if (values.help) {
  console.log(`npm run bench -- [--rounds N] [SUITE …]

Runs us, peers and the physical limit side by side: each variant in a fresh process, rounds interleaved, medians printed.
Suites: ${suites.map((suite) => suite.name).join(', ')}`)
} else if (values.one) {
  await one(positionals[0] ?? '', positionals[1] ?? '')
} else {
  const chosen = suites.filter((suite) => positionals.length === 0 || positionals.includes(suite.name))
  for (const suite of chosen) await report(suite, Number(values.rounds))
}

async function one(suiteName: string, variantName: string) {
  const variant = suites.find((suite) => suite.name === suiteName)?.variants.find(({ name }) => name === variantName)
  if (!variant) throw new Error(`there is no variant ${suiteName}/${variantName}`)
  console.log(JSON.stringify(await variant.run()))
  process.exit(0)
}

async function report(suite: Suite, rounds: number) {
  const figures = new Map<string, Figure[]>(suite.variants.map(({ name }) => [name, []]))
  for (let round = 0; round < rounds; round++) {
    for (const { name } of suite.variants) {
      process.stderr.write(`\r\x1b[K${suite.name}: round ${round + 1} of ${rounds}, ${name}`)
      figures.get(name)?.push(await inChild(suite.name, name))
    }
  }
  process.stderr.write('\r\x1b[K')
  print(suite, figures)
}

const value = (suite: Suite, runs: readonly Figure[]): number =>
  median(runs.map((run) => (suite.by === 'perSecond' ? run.perSecond : (run.cpuMicros ?? Number.NaN))))

function print(suite: Suite, figures: Map<string, Figure[]>) {
  const ours = suite.variants.find(({ role }) => role === 'ours')
  const mine = value(suite, figures.get(ours?.name ?? '') ?? [])
  console.log(`\n${suite.name} (${suite.by === 'perSecond' ? `${suite.unit}/s` : `µs CPU per ${suite.unit}`})`)
  for (const variant of suite.variants) {
    const theirs = value(suite, figures.get(variant.name) ?? [])
    const ratio = suite.by === 'perSecond' ? mine / theirs : theirs / mine
    const aim = suite.aims?.[variant.name]
    const verdict = aim === undefined ? '' : ratio >= aim ? `  aim ${aim} ×: reached` : `  aim ${aim} ×: not there yet`
    const figure = suite.by === 'perSecond' ? Math.round(theirs).toLocaleString('en') : theirs.toFixed(2)
    const against = variant === ours ? '' : `  we are ${ratio.toFixed(2)} ×`
    console.log(`  ${variant.role.padEnd(5)} ${variant.name.padEnd(44)} ${figure.padStart(14)}${against}${verdict}`)
  }
  disagreements(suite, figures)
}

/** Variants that report a check did the same work only when the checks agree. */
function disagreements(suite: Suite, figures: Map<string, Figure[]>) {
  const checks = new Set([...figures.values()].flat().flatMap(({ check }) => (check === undefined ? [] : [check])))
  if (checks.size > 1) console.log(`  the variants of ${suite.name} do not agree: ${[...checks].join(' | ')}`)
}
