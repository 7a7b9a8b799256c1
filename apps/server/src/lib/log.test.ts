import assert from 'node:assert/strict'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { createLog } from './log.ts'
import { rotatingFile } from './rotatingFile.ts'

async function folderOf(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'candlewire-log-'))
  t.after(() => rm(folder, { recursive: true }))
  return folder
}

test('a file is put aside when it is full, and the oldest go', async (t) => {
  const folder = await folderOf(t)
  const path = join(folder, 'dispatcher.log')
  const open = () => rotatingFile({ path, maxBytes: 30, keep: 2 })
  const first = open()
  for (let n = 0; n < 5; n++) first.write(`line ${n} ......\n`)
  first.close()
  const second = open()
  for (let n = 5; n < 8; n++) second.write(`line ${n} ......\n`)
  second.write(`one line that is longer than a whole file may be\n`)
  second.close()
  assert.deepEqual((await readdir(folder)).sort(), ['dispatcher.log', 'dispatcher.log.1', 'dispatcher.log.2'])
  const read = (name: string) => readFile(join(folder, name), 'utf8')
  assert.equal(await read('dispatcher.log'), 'one line that is longer than a whole file may be\n')
  assert.equal(await read('dispatcher.log.1'), 'line 6 ......\nline 7 ......\n')
  assert.equal(await read('dispatcher.log.2'), 'line 4 ......\nline 5 ......\n')
})

test('a log writes lines of its level, without secrets, into its file', async (t) => {
  const file = join(await folderOf(t), 'dispatcher.log')
  const log = createLog({ level: 'error', pretty: false, file })
  log.warn('too quiet')
  log.error({ account: { secret: 'abc' } }, 'the broker is away')
  const lines = (await readFile(file, 'utf8')).trim().split('\n')
  assert.equal(lines.length, 1)
  const { level, msg, account } = JSON.parse(lines[0]!)
  assert.deepEqual([level, msg, account], [50, 'the broker is away', {}])
})
