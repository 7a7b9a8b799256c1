import { randomUUID } from 'node:crypto'
import { describe } from 'node:test'
import { busContract } from '../contract.ts'
import { freshPrefix, noBroker, openTestBus } from './testSupport.ts'

// Topics are made once; the groups of each bus are its own, so that it reads only what is written after it has begun.
const prefix = freshPrefix()

describe('on a broker', { skip: noBroker }, () => {
  if (!noBroker)
    busContract('Kafka', () => {
      const run = randomUUID()
      return openTestBus({ prefix, group: (name, topic) => `${prefix}${run}.${name}.${topic}` })
    })
})
