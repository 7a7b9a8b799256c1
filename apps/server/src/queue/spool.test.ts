import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { silent } from '../lib/log.ts'
import { openSpool } from './spool.ts'

test('a message that is put last is there even when the one before it is still under way', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'candlewire-spool-'))
  const spool = await openSpool(join(folder, 'spool.db'), silent)
  t.after(async () => {
    spool.close()
    await rm(folder, { recursive: true })
  })
  const [a, b] = ['a', 'b'].map((id) => ({ id, name: 'fill', body: id }))
  spool.append('work', [a!, b!, a!])
  const underWay = spool.first('work', 9)
  spool.putLast('work', a!)
  assert.equal(spool.size('work'), 2)
  spool.remove(
    'work',
    underWay.map(({ sequence }) => sequence),
  )
  assert.deepEqual(
    spool.first('work', 9).map(({ id }) => id),
    ['a'],
  )
  assert.equal(spool.size('work'), 1)
  assert.equal(spool.size('other'), 0)
})
