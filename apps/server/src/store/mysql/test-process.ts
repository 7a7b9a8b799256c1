// A process of its own for tests: opens the store, waits for a line on standard input, then writes lists of candles and
// says on standard output what was committed. Arguments: the address, the symbol, how many lists.
import { once } from 'node:events'
import { silent } from '../../lib/log.ts'
import { candle } from '../samples.ts'
import { mysqlStore } from './index.ts'

const LIST = 50
const [url = '', symbol = '', lists = '0'] = process.argv.slice(2)
const store = await mysqlStore({ url, log: silent })
console.log('open')
try {
  if (Number(lists) > 0) await once(process.stdin, 'data')
  for (let number = 0; number < Number(lists); number++) {
    const list = Array.from({ length: LIST }, (_, n) =>
      candle({ symbol, time: (number * LIST + n) * 60_000, trades: n }),
    )
    await Promise.all([
      store.putCandles(list),
      store.cover([{ ...candle({ symbol }), series: 'trades', from: number, to: number + 1, state: 'complete' }]),
    ])
    console.log(number)
  }
} finally {
  process.stdin.destroy()
  await store.close()
}
