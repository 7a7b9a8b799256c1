import { describe } from 'node:test'
import { silent } from '../../lib/log.ts'
import { storeContract } from '../contract.ts'
import { messageStoreContract } from '../contractOfMessages.ts'
import { mysqlStore } from './index.ts'
import { freshDatabase, noServer } from './testDatabase.ts'

describe('MySQL', { skip: noServer }, () => {
  storeContract('mysql', async (now) => mysqlStore({ url: await freshDatabase(), now, log: silent }))
  const open = async () => mysqlStore({ url: await freshDatabase(), log: silent })
  messageStoreContract('mysql', open)
})
