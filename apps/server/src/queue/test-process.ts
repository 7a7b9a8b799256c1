// A process of its own for the tests of `embedded.test.ts`: publishes numbered events until it is killed, and says on
// standard output which are safe. Argument: the file.
import { silent } from '../lib/log.ts'
import { outgoings } from './contract.ts'
import { embeddedQueue } from './embedded.ts'

const [path = ''] = process.argv.slice(2)
const queue = await embeddedQueue({ path, log: silent })
for (let n = 0; ; n += 10) {
  await queue.publish(outgoings(10, n))
  console.log(n + 10)
  await new Promise(setImmediate)
}
