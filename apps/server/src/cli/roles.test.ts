import assert from 'node:assert/strict'
import { test } from 'node:test'
import { loadConfig } from '../config.ts'
import { assign, type RoleName, roleNames } from './roles.ts'

const KAFKA = { KAFKA_BOOTSTRAP_SERVERS: 'log:9092' }
const WHOLE = { ...KAFKA, TIMESCALE_HOST: 'db', REDIS_HOST: 'cache' }
const of = (ROLES: string, env: Readonly<Record<string, string>> = WHOLE, compat = false) =>
  assign(loadConfig({ ROLES }, env), compat)

/** What the contract of the source systems says. */
const PORTS: Record<RoleName, readonly number[]> = {
  all: [8080],
  collector: [8000],
  processor: [8001],
  realtime: [8080, 8002],
  historical: [8003],
  gateway: [5010],
  dispatcher: [5004],
  scheduler: [8000],
  api: [8080],
  'crypto-microservice': [8080, 8000, 8001],
}

for (const name of roleNames)
  test(`${name} listens on its own ports`, () => {
    assert.deepEqual(of(name).ports, PORTS[name])
    assert.equal(of(name).service, name)
  })

test('PROMETHEUS_PORT moves the four of them, a single number the one that runs', () => {
  assert.deepEqual(of('historical', { ...WHOLE, PROMETHEUS_PORT: '9000-9003' }).ports, [9003])
  assert.deepEqual(of('historical', { ...WHOLE, PROMETHEUS_PORT: '9100' }).ports, [9100])
})

test('one process of all takes the ports of every role when asked, its own first', () => {
  const { ports } = of('all', {}, true)
  assert.equal(ports[0], 8080)
  assert.deepEqual([...ports].sort(), [5004, 5010, 8000, 8001, 8002, 8003, 8080])
})

test('everything in one process needs no service, and dispatches where it can', () => {
  assert.equal(of('all', {}).parts.has('dispatch'), false)
  assert.equal(of('all', { ...KAFKA, REDIS_HOST: 'cache' }).parts.has('dispatch'), true)
  assert.equal(of('crypto-microservice', {}).parts.has('collect'), true)
  assert.equal(of('collector,processor,historical,api', {}).service, 'collector,processor,historical,api')
})

test('gateway and crypto-microservice leave to others what runs beside them', () => {
  const beside = { ...WHOLE, COLLECT: 'false' }
  assert.deepEqual([...of('gateway', beside).parts], ['backfill', 'reconcile'])
  assert.deepEqual([...of('crypto-microservice', beside).parts], ['events', 'api'])
})

const lacking = (role: string, env: Readonly<Record<string, string>>, name: string) =>
  test(`${role} with ${Object.keys(env).join(', ') || 'nothing'} says in one line that it lacks ${name}`, () => {
    assert.throws(() => of(role, env), { code: 'INVALID_SETTING', message: new RegExp(`^${name}: [^\\n]+$`) })
  })
for (const role of ['collector', 'processor', 'realtime', 'historical', 'gateway', 'dispatcher', 'scheduler', 'api'])
  lacking(role, { TIMESCALE_HOST: 'db', REDIS_HOST: 'cache' }, 'KAFKA_BOOTSTRAP_SERVERS')
for (const role of ['collector', 'processor', 'realtime', 'historical', 'scheduler', 'api'])
  lacking(role, KAFKA, 'TIMESCALE_HOST')
lacking('dispatcher', KAFKA, 'REDIS_HOST')
lacking('broker', {}, 'ROLES')
