import { parseArgs } from 'node:util'
import { type Figure, inChild, type Suite } from './harness.ts'
import { print } from './report.ts'
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
  for (const suite of chosen) {
    const missing = (await suite.missing?.()) ?? false
    if (missing) console.log(`\n${suite.name}: skipped, ${missing}`)
    else await report(suite, Number(values.rounds))
  }
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
