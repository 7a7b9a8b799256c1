import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'

/** Latency buckets, seconds. */
const LATENCY = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5]

/** Every figure the process publishes, by name. To add one: add a row, use it, describe it in `help`. */
export function createMetrics() {
  const registry = new Registry()
  const registers = [registry]
  collectDefaultMetrics({ register: registry, prefix: 'candlewire_' })
  const counter = <L extends string>(name: string, help: string, labelNames: L[] = []) =>
    new Counter<L>({ name: `candlewire_${name}`, help, labelNames, registers })
  const gauge = <L extends string>(name: string, help: string, labelNames: L[] = []) =>
    new Gauge<L>({ name: `candlewire_${name}`, help, labelNames, registers })
  const histogram = <L extends string>(name: string, help: string, labelNames: L[] = []) =>
    new Histogram<L>({ name: `candlewire_${name}`, help, labelNames, buckets: LATENCY, registers })
  return {
    registry,
    frames: counter('frames_total', 'Frames received from exchanges', ['exchange']),
    quarantined: counter('quarantined_total', 'Frames and records set aside because they could not be trusted', [
      'exchange',
      'reason',
    ]),
    drift: counter('drift_total', 'Frames whose data or layout is not what the exchange documents', [
      'exchange',
      'symbol',
      'kind',
    ]),
    trades: counter('trades_total', 'Trades published', ['exchange', 'origin']),
    duplicates: counter('duplicates_total', 'Trades received again and left out', ['exchange']),
    lateTrades: counter('late_trades_total', 'Trades that came after their candle had closed', ['exchange']),
    holes: counter('holes_total', 'Holes seen in the trade ids', ['exchange', 'outcome']),
    silences: counter('silences_total', 'Silent trade streams by what became of them: asked about, or found deaf', [
      'exchange',
      'outcome',
    ]),
    connections: gauge('connections', 'Open connections to exchanges', ['exchange']),
    reconnects: counter('reconnects_total', 'Connections to exchanges that were lost and opened anew', [
      'exchange',
      'reason',
    ]),
    requests: counter('requests_total', 'REST requests to exchanges', ['exchange', 'outcome']),
    budget: gauge('rate_budget_ratio', 'Share of the request budget in use', ['exchange']),
    candles: counter('candles_total', 'Candles published', ['kind']),
    written: counter('rows_written_total', 'Rows written to the store', ['table']),
    backfilled: counter('backfilled_candles_total', 'Candles fetched to fill holes', ['exchange']),
    reconciled: counter('reconciled_total', "Closed candles compared with the exchange's own, by what was found", [
      'exchange',
      'timeframe',
      'outcome',
    ]),
    repaired: counter('repaired_candles_total', 'Candles revised because the exchange has them otherwise', [
      'exchange',
      'timeframe',
      'source',
    ]),
    latency: histogram('trade_latency_seconds', 'From our receipt of a trade to the named stage', ['stage']),
    cacheRequests: counter('cache_requests_total', 'Reads and writes of newest state, by what came of them', [
      'cache',
      'result',
    ]),
    events: counter('events_total', 'Events for applications outside, by what became of them', ['outcome']),
    outbox: gauge('outbox_messages', 'Messages on the disk that wait for their broker'),
    routed: counter('routed_total', 'Records published on a Redis channel', ['topic', 'channel']),
    busDepth: gauge('bus_events_waiting', 'Events waiting on the bus', ['topic', 'group']),
    kafkaUp: gauge('kafka_up', 'Whether Kafka takes and gives records'),
    kafkaLag: gauge('kafka_lag_records', 'Records of a Kafka topic that a group has yet to commit', ['group', 'topic']),
    deadLetters: counter('dead_letters_total', 'Records set aside because they could not be read', ['topic']),
    kafkaOutbox: gauge('kafka_outbox_records', 'Records on disk that wait for the Kafka broker'),
    kafkaOutboxLost: counter(
      'kafka_outbox_lost_total',
      'Records lost to a full outbox or refused by the Kafka broker',
      ['reason'],
    ),
    clients: gauge('websocket_clients', 'Connected WebSocket clients'),
    messages: counter('websocket_messages_total', 'Messages to WebSocket clients', ['outcome']),
    refusedMessages: counter('websocket_refused_total', 'Messages of WebSocket clients that were refused', ['code']),
    httpRequests: histogram('http_request_seconds', 'Answer time of HTTP routes', ['route', 'status']),
  }
}

export type Metrics = ReturnType<typeof createMetrics>
