import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after } from 'node:test'
import { silent } from '../../lib/log.ts'
import { storeContract } from '../contract.ts'
import { embeddedStore } from './index.ts'

const folders: string[] = []
after(() => Promise.all(folders.map((folder) => rm(folder, { recursive: true }))))

storeContract('embedded', async (now) => {
  const folder = await mkdtemp(join(tmpdir(), 'candlewire-store-'))
  folders.push(folder)
  return embeddedStore({ path: join(folder, 'candlewire.db'), now, log: silent })
})
