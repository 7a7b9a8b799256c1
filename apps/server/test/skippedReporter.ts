import type { TestEvent } from 'node:test/reporters'

/** Ends a run with what was left out, and why: a sentence each, with its number of tests. */
export default async function* skipped(source: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  const reasons = new Map<string, number>()
  for await (const event of source) {
    if (event.type !== 'test:pass' || event.data.skip === undefined || event.data.skip === false) continue
    const reason = typeof event.data.skip === 'string' ? event.data.skip : 'no reason given'
    reasons.set(reason, (reasons.get(reason) ?? 0) + 1)
  }
  if (reasons.size === 0) return
  yield '\nLeft out:\n'
  for (const [reason, tests] of reasons) yield `  ${tests} × ${reason}\n`
}
