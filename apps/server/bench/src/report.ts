import { type Figure, median, type Suite } from './harness.ts'

const value = (suite: Suite, runs: readonly Figure[]): number =>
  median(runs.map((run) => (suite.by === 'perSecond' ? run.perSecond : (run.cpuMicros ?? Number.NaN))))

/** Prints one suite: a line a variant, ratios against ours. */
export function print(suite: Suite, figures: Map<string, Figure[]>) {
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
