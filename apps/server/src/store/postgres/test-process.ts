// A process of its own for the tests of `server.test.ts`: opens the store and writes a list of candles as often as it
// is told. Says `open` once it is open. Arguments: the address, the symbol, how many lists.
import { silent } from '../../lib/log.ts'
import { candle, MINUTE } from '../samples.ts'
import { postgresStore } from './index.ts'

const LIST = 100
const [url = '', symbol = '', lists = '0'] = process.argv.slice(2)
const store = await postgresStore({ url, log: silent })
console.log('open')
for (let number = 0; number < Number(lists); number++)
  await store.putCandles(
    Array.from({ length: LIST }, (_, n) => candle({ symbol, time: (number * LIST + n) * MINUTE, trades: number })),
  )
await store.close()
