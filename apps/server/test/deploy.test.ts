import assert from 'node:assert/strict'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { parse } from 'yaml'
import { assign, isRole as isRoleName, portsOf } from '../src/cli/roles.ts'
import { loadConfig, variableRows } from '../src/config.ts'
import { createMetrics } from '../src/lib/metrics.ts'
import { askedVariables, DEPLOY, isRole, readExample, readServices } from './distributed/compose.ts'

const services = await readServices(await readExample())
const ours = Object.entries(services).filter(([, service]) => isRole(service))

test('every service of the source systems is there, under its name', () => {
  const wanted = `gateway dispatcher crypto-microservice collector processor realtime historical kafka timescale mysql
    redis rabbitmq prometheus grafana`.split(/\s+/)
  assert.deepEqual(Object.keys(services).sort(), wanted.sort())
})

for (const [name, { command = [], environment = {}, ports = [], healthcheck }] of ours)
  test(`${name}: its command starts the role, its variables are known, its ports are the role's`, () => {
    assert.equal(command[0], name)
    assert.ok(isRoleName(name))
    const known = new Set(variableRows().map((row) => row.name))
    assert.deepEqual(
      Object.keys(environment).filter((variable) => !known.has(variable)),
      [],
    )
    const config = loadConfig({ ROLES: name }, environment)
    const own = assign(config).ports
    for (const published of ports) assert.ok(own.includes(Number(published.split(':').at(-1))), published)
    assert.deepEqual(healthcheck?.test, ['CMD', 'candlewire', 'health', name])
  })

test('the example names what compose asks for, and nothing else', async () => {
  assert.deepEqual(Object.keys(await readExample()).sort(), [...(await askedVariables())].sort())
})

test('Prometheus looks at every role, on a port that it has', async () => {
  const { scrape_configs: jobs } = parse(await readFile(join(DEPLOY, 'prometheus/prometheus.yml'), 'utf8'))
  const targets: string[] = jobs.flatMap(({ static_configs }: { static_configs: { targets: string[] }[] }) =>
    static_configs.flatMap((one) => one.targets),
  )
  for (const [name, { environment = {} }] of ours) {
    assert.ok(isRoleName(name))
    const ports = portsOf(name, loadConfig({ ROLES: name }, environment))
    assert.ok(
      ports.some((port) => targets.includes(`${name}:${port}`)),
      `${name} is not looked at`,
    )
  }
})

/** All names under which a figure of ours is told. */
async function namesOfFigures(): Promise<Set<string>> {
  const { registry } = createMetrics()
  const metrics = await registry.getMetricsAsJSON()
  return new Set(metrics.flatMap(({ name }) => [name, `${name}_bucket`, `${name}_sum`, `${name}_count`]))
}

test('alerts and dashboards ask only for figures that exist', async () => {
  const folder = join(DEPLOY, 'grafana/dashboards')
  const files = [join(DEPLOY, 'prometheus/alerts.yml'), ...(await readdir(folder)).map((file) => join(folder, file))]
  const known = await namesOfFigures()
  for (const file of files) {
    const text = await readFile(file, 'utf8')
    const asked = new Set(text.match(/\bcandlewire_\w+/g))
    assert.ok(asked.size > 5, file)
    assert.deepEqual(
      [...asked].filter((name) => !known.has(name)),
      [],
      file,
    )
  }
})

/** Each quantity that a source system states, and the figure that tells it. */
const QUANTITIES = {
  'message throughput': 'frames_total',
  'trades published': 'trades_total',
  'processing latency by stage': 'trade_latency_seconds',
  'end-to-end latency': 'end_to_end_seconds',
  'connections to exchanges': 'connections',
  'error rates': 'errors_total',
  'requests by exchange and outcome': 'requests_total',
  'use of the rate limit': 'rate_budget_ratio',
  'delay of requests': 'request_delay_seconds',
  'rate limits hit in a row': 'consecutive_rate_limits',
  'size of the scheduler’s queue': 'backfill_jobs',
  'cache hits and misses': 'cache_requests_total',
  'WebSocket clients': 'websocket_clients',
  'WebSocket messages by outcome': 'websocket_messages_total',
  'open gaps': 'gaps_open',
  'candles that filled gaps': 'backfilled_candles_total',
  'rows written': 'rows_written_total',
  'late trades': 'late_trades_total',
  duplicates: 'duplicates_total',
  'circuit state': 'circuit_state',
  'lag in Kafka': 'kafka_lag_records',
  uptime: 'uptime_seconds',
  'connection status of services': 'service_up',
  'routed messages': 'routed_total',
}

for (const [quantity, name] of Object.entries(QUANTITIES))
  test(`there is a figure for ${quantity}`, async () => {
    assert.ok((await namesOfFigures()).has(`candlewire_${name}`))
  })
