import { candles } from './candles.ts'
import { decode } from './decode.ts'
import { dispatch, isRedisThere } from './dispatch.ts'
import { fanout } from './fanout.ts'
import type { Suite } from './harness.ts'
import { kafkaConsume, kafkaProduce } from './kafka.ts'
import { postgresLoad, postgresRead, postgresUpsert } from './postgres.ts'
import { rest } from './rest.ts'
import { storeLoad, storeRead, storeUpsert } from './store.ts'

export const suites: readonly Suite[] = [
  decode,
  candles,
  storeLoad,
  storeUpsert,
  storeRead,
  postgresLoad,
  postgresUpsert,
  postgresRead,
  kafkaProduce,
  kafkaConsume,
  rest,
  fanout,
  ...((await isRedisThere()) ? [dispatch] : []),
]
