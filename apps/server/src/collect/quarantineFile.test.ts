import assert from 'node:assert/strict'
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { silent } from '../lib/log.ts'
import { quarantineFile } from './quarantineFile.ts'

const item = (time: number) => ({
  exchange: 'binance',
  kind: 'time',
  reason: 'time',
  symbol: 'BTCUSDT',
  time,
  text: '{"e":"trade"}',
})

test('frames are kept a line each, in files whose number and size are bounded', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'candlewire-quarantine-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  const inside = join(folder, 'quarantine')
  const file = quarantineFile({ folder: inside, name: 'binance', log: silent, maxBytes: 500, older: 2 })
  for (let time = 0; time < 60; time += 3) {
    for (let more = 0; more < 3; more++) file.add(item(time + more))
    await file.settled()
  }
  assert.deepEqual((await readdir(inside)).sort(), ['binance.1.jsonl', 'binance.2.jsonl', 'binance.jsonl'])
  const texts = await Promise.all((await readdir(inside)).map((name) => readFile(join(inside, name), 'utf8')))
  const times = texts.flatMap((text) =>
    text
      .trim()
      .split('\n')
      .map((line): number => JSON.parse(line).time),
  )
  const newest = times.toSorted((a, b) => b - a)
  assert.equal(newest[0], 59)
  assert.deepEqual(
    newest,
    newest.map((_, age) => 59 - age),
    'the newest are kept, none between them is missing',
  )
  assert.ok((await stat(join(inside, 'binance.1.jsonl'))).size < 1_500)
})

test('a folder that cannot be made harms nobody', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'candlewire-quarantine-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  await writeFile(join(folder, 'taken'), '')
  const file = quarantineFile({ folder: join(folder, 'taken'), name: 'binance', log: silent })
  file.add(item(1))
  await file.settled()
})
