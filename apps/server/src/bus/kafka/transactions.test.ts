import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { describe, type TestContext, test } from 'node:test'
import type { KafkaBus } from './kafka.ts'
import type { Incoming, Outgoing } from './record.ts'
import { noBroker, openTestBus } from './testSupport.ts'

const record = (topic: string, value: string, key = 'binance:BTCUSDT'): Outgoing => ({ topic, key, value, headers: {} })
const texts = (records: readonly Incoming[]): string[] => records.map(({ value }) => value.toString())

/** Reads until `count` records are there, and commits them all but the last batch. */
async function read(batches: AsyncIterable<readonly Incoming[]>, count: number): Promise<Incoming[]> {
  const records: Incoming[] = []
  for await (const batch of batches) {
    records.push(...batch)
    if (records.length >= count) break
  }
  return records
}

async function start(t: TestContext) {
  const { bus, close } = await openTestBus()
  const stop = new AbortController()
  t.after(async () => {
    stop.abort()
    await close()
  })
  const name = randomUUID()
  return {
    bus,
    signal: stop.signal,
    input: `in-${name}`,
    output: `out-${name}`,
    group: `group-${name}`,
    id: `id-${name}`,
  }
}

const committed = async (bus: KafkaBus, topic: string) => (await bus.lag()).find((row) => row.topic === topic)?.records

describe('Kafka transactions', { skip: noBroker }, () => {
  test('an aborted transaction is never seen, and the offsets stay where they were', async (t) => {
    const { bus, signal, input, output, group, id } = await start(t)
    const outputs = bus.consume([output], `${group}-out`, signal)
    const source = bus.source([input], group, signal)
    const batches = source.read()[Symbol.asyncIterator]()
    await bus.send([record(input, 'one'), record(input, 'two')])
    const transactions = bus.transactions(id)
    t.after(() => transactions.close())
    const { value: batch } = await batches.next()

    await assert.rejects(
      transactions.run(async (tx) => {
        await tx.publish([record(output, 'never')])
        await tx.commitOffsets(source.progress(batch))
        throw new Error('the fold failed')
      }),
      /the fold failed/,
    )
    assert.equal(await committed(bus, input), 3, 'two records and the marker behind them')
    await transactions.run(async (tx) => {
      await tx.publish([record(output, 'done'), record(`${output}-b`, 'done')])
      await tx.commitOffsets(source.progress(batch))
    })
    assert.equal(await committed(bus, input), 0)
    assert.deepEqual(texts(await read(outputs, 1)), ['done'])
    await batches.return?.(undefined)
    const again = bus.source([input], group, signal).read()
    await bus.send([record(input, 'three')])
    assert.deepEqual(texts(await read(again, 1)), ['three'], 'the group goes on where the transaction left it')
  })

  test('what aborted transactions wrote stays hidden when it fills several answers of the broker', async (t) => {
    const { bus, signal, output, group, id } = await start(t)
    const outputs = bus.consume([output], group, signal)
    const transactions = bus.transactions(id)
    t.after(() => transactions.close())
    // What the bus writes comes after its subscriptions have begun; a transaction of its own need not.
    await bus.send([record(output, 'begin')])
    const large = 'x'.repeat(200_000)
    for (let round = 0; round < 3; round++) {
      await transactions.run((tx) => tx.publish([record(output, `good ${round}`)]))
      await assert.rejects(
        transactions.run(async (tx) => {
          for (let n = 0; n < 15; n++) await tx.publish([record(output, large)])
          throw new Error('no')
        }),
      )
    }
    await transactions.run((tx) => tx.publish([record(output, 'last')]))
    assert.deepEqual(texts(await read(outputs, 5)), ['begin', 'good 0', 'good 1', 'good 2', 'last'])
  })

  test('a second holder of an id locks the first out', async (t) => {
    const { bus, signal, output, group, id } = await start(t)
    const outputs = bus.consume([output], group, signal)
    await bus.send([record(output, 'begin')])
    const [first, second] = [bus.transactions(id), bus.transactions(id)]
    t.after(() => Promise.all([first.close(), second.close()]))
    await assert.rejects(
      first.run(async (tx) => {
        await tx.publish([record(output, 'zombie')])
        await second.run((other) => other.publish([record(output, 'heir')]))
      }),
    )
    assert.deepEqual(texts(await read(outputs, 2)), ['begin', 'heir'])
  })

  test('a member that is none any more can’t commit', async (t) => {
    const { bus, signal, input, group, id } = await start(t)
    const source = bus.source([input], group, signal)
    const batches = source.read()[Symbol.asyncIterator]()
    await bus.send([record(input, 'one')])
    const { value: batch } = await batches.next()
    const transactions = bus.transactions(id)
    t.after(() => transactions.close())
    const stale = { ...source.progress(batch), generationId: 99 }
    await assert.rejects(transactions.run((tx) => tx.commitOffsets(stale)))
    assert.equal(await committed(bus, input), 2)
    await batches.return?.(undefined)
  })

  test('a record that is too large is refused, and those around it are written', async (t) => {
    const { bus, signal, output, group } = await start(t)
    const outputs = bus.consume([output], group, signal)
    const sent = await Promise.allSettled([
      bus.send([record(output, 'before')]),
      bus.send([record(output, 'x'.repeat(9 * 1024 * 1024))]),
      bus.send([record(output, 'after')]),
    ])
    assert.deepEqual(
      sent.map(({ status }) => status),
      ['fulfilled', 'rejected', 'fulfilled'],
    )
    assert.deepEqual(texts(await read(outputs, 2)), ['before', 'after'])
    assert.equal(bus.away(), false, 'a refusal is no outage')
  })
})
