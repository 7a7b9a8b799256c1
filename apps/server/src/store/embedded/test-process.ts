// A process of its own for the tests of `file.test.ts`: writes lists of candles and says on standard output what was
// committed. Arguments: the file, the symbol, how many lists (0: until a write fails).
import { silent } from '../../lib/log.ts'
import { candle } from '../samples.ts'
import { embeddedStore } from './index.ts'

const LIST = 100
const [path = '', symbol = '', lists = '0'] = process.argv.slice(2)
const store = await embeddedStore({ path, log: silent })
const list = (number: number) =>
  Array.from({ length: LIST }, (_, n) => candle({ symbol, time: (number * LIST + n) * 60_000, trades: number }))

console.log('open')
try {
  for (let number = 0; number < (Number(lists) || Infinity); number++) {
    await store.putCandles(list(number))
    console.log(number)
  }
} catch (error) {
  console.log(error instanceof Error && 'code' in error ? error.code : error)
  const [kept] = await store.series()
  console.log(kept?.count)
} finally {
  await store.close()
}
