import { after, test } from 'node:test'
import { silent } from '../../lib/log.ts'
import { storeContract } from '../contract.ts'
import { messageStoreContract } from '../contractOfMessages.ts'
import { postgresStore } from './index.ts'
import { createDatabases, missingServer } from './testServer.ts'

const missing = await missingServer()
if (missing) test('the contract of stores on PostgreSQL', { skip: missing })
else {
  const databases = createDatabases()
  after(databases.drop)
  const open = async (now: () => number, copyRows: number) =>
    postgresStore({ url: await databases.fresh(), now, log: silent, copyRows })
  storeContract('PostgreSQL', (now) => open(now, 1_000))
  storeContract('PostgreSQL by COPY', (now) => open(now, 1))
  messageStoreContract('PostgreSQL', () => open(Date.now, 1_000))
}
