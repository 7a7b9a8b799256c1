import assert from 'node:assert/strict'
import { test } from 'node:test'
import { loadConfig } from '../config.ts'
import { kafkaSettings } from './kafka.ts'

test('without brokers the bus is not on Kafka', () => {
  assert.equal(kafkaSettings(loadConfig({}, {}), 'one'), undefined)
})

test('families, per-symbol topics and the outbox come from the configuration', () => {
  const env = { KAFKA_BROKER: 'localhost:9092', SYMBOLS: '*', CANDLEWIRE_DATA: '/data', KAFKA_TOPICS: 'trades' }
  const few = kafkaSettings(loadConfig({}, env), 'collector-1')
  assert.equal(few?.outbox.folder, '/data/outbox/collector-1')
  assert.deepEqual([...(few?.profile?.families ?? [])], ['trades'])
  assert.equal(few?.profile?.symbols.size, 0)
  const all = kafkaSettings(loadConfig({}, { ...env, SYMBOLS: 'BTCUSDT', KAFKA_PER_SYMBOL_TOPICS: 'true' }), 'one')
  assert.deepEqual([...(all?.profile?.families ?? [])], ['trades', 'symbol', 'legacy'])
  assert.deepEqual([...(all?.profile?.symbols ?? [])], ['BTCUSDT'])
  assert.throws(
    () => kafkaSettings(loadConfig({}, { ...env, KAFKA_TOPICS: 'trades,nonsense' }), 'one'),
    /^Error: KAFKA_TOPICS: /,
  )
})
