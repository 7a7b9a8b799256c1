import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { silent } from '../../lib/log.ts'
import { message, messageStoreContract } from '../contractOfMessages.ts'
import { failsWith } from '../samples.ts'
import { embeddedStore } from './index.ts'

const folders: string[] = []
after(() => Promise.all(folders.map((folder) => rm(folder, { recursive: true }))))

async function freshPath(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'candlewire-messages-'))
  folders.push(folder)
  return join(folder, 'candlewire.db')
}

messageStoreContract('embedded', async () => embeddedStore({ path: await freshPath(), log: silent }))

test('messages survive a restart; a closed store rejects', async () => {
  const path = await freshPath()
  const first = await embeddedStore({ path, log: silent })
  await first.putMessages([message()])
  await first.close()
  await assert.rejects(first.messages({ topic: 'signals' }), failsWith('STORE_UNAVAILABLE'))
  await assert.rejects(first.putMessages([message()]), failsWith('STORE_UNAVAILABLE'))
  const second = await embeddedStore({ path, log: silent })
  assert.deepEqual(await second.messages({ topic: 'signals' }), [message()])
  await second.close()
})
