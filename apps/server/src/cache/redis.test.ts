import assert from 'node:assert/strict'
import { describe, type TestContext, test } from 'node:test'
import { createClient } from 'redis'
import { openRelay } from '../../test/relay.ts'
import { absent, redisAt } from '../../test/service.ts'
import { isFailure } from '../lib/failure.ts'
import { silent } from '../lib/log.ts'
import { createMetrics } from '../lib/metrics.ts'
import { cacheContract } from './contract.ts'
import { redisCache } from './redis.ts'
import { eventually, freshName } from './samples.ts'

const url = `redis://${redisAt.host}:${redisAt.port}`
const skip = await absent('redis', redisAt)
const unavailable = (error: unknown) => isFailure(error) && error.code === 'CACHE_UNAVAILABLE'

/** A client that is not ours. */
async function openPlain() {
  const plain = createClient({ url })
  await plain.connect()
  return plain
}

describe('with a Redis', { skip }, () => {
  cacheContract('redis', async (budgetNow) => {
    const cache = redisCache({ url, budgetNow, log: silent, metrics: createMetrics() })
    await eventually(() => cache.status().connected)
    const plain = await openPlain()
    const listen = async (prefix: string) => {
      const messages: [string, string][] = []
      await plain.pSubscribe(`${prefix}*`, (payload, channel) => void messages.push([channel, payload]))
      return { messages: () => messages }
    }
    return {
      cache,
      listen,
      async close() {
        await cache.close()
        plain.destroy()
      },
    }
  })

  async function behindRelay(t: TestContext) {
    const relay = await openRelay(redisAt)
    const settings = { commandMs: 200, retryMs: 50, log: silent, metrics: createMetrics() }
    const cache = redisCache({ url: `redis://127.0.0.1:${relay.port}`, ...settings })
    t.after(async () => {
      await cache.close()
      await relay.close()
    })
    await eventually(() => cache.status().connected)
    return { relay, cache }
  }

  test('keys, ids and budgets have the names that others know', async (t) => {
    const cache = redisCache({ url, channelPrefix: 'p:', log: silent, metrics: createMetrics() })
    const plain = await openPlain()
    t.after(async () => {
      await cache.close()
      plain.destroy()
    })
    await eventually(() => cache.status().connected)
    const name = freshName()
    await cache.set(`cache:ticker:binance:${name}`, '1', 5_000)
    const life = await plain.pTTL(`cache:ticker:binance:${name}`)
    assert.ok(life > 0 && life <= 5_000)
    await cache.seen([name])
    const remembered = await plain.pTTL(`dedup:${name}`)
    assert.ok(remembered > 3_500_000 && remembered <= 3_600_000)
    await cache.budget(name, 1_000).take(1, 5, { used: 0, alone: false })
    assert.equal(await plain.exists(`ratelimit:${name}`), 1)
    assert.ok((await plain.pTTL(`ratelimit:${name}`)) > 0)
    await cache.publish([{ channel: `${name}.signals`, payload: '{}', id: '7' }])
    assert.equal(await plain.exists(`dedup:p:${name}.signals:7`), 1, 'the prefix is part of the channel')
  })

  for (const fault of ['cut', 'hang'] as const) {
    test(`a connection that is ${fault === 'cut' ? 'cut' : 'dead'} degrades the cache and is not missed later`, async (t) => {
      const { relay, cache } = await behindRelay(t)
      const name = freshName()
      await cache.set(name, 'kept', 600_000)
      await cache.seen([name])
      relay[fault]()
      assert.equal(await cache.get(name), undefined, 'a miss')
      await cache.set(name, 'lost', 600_000)
      assert.deepEqual(await cache.seen([name, `${name}!`, `${name}!`]), [true, false, true], 'its own memory')
      await assert.rejects(cache.publish([{ channel: name, payload: '{}' }]), unavailable)
      await assert.rejects(cache.ping(), unavailable)
      await assert.rejects(cache.budget(name, 1_000).take(1, 1, { used: 0, alone: false }), unavailable)
      assert.equal(cache.status().connected, false)
      relay.mend()
      await eventually(() =>
        cache.ping().then(
          () => true,
          () => false,
        ),
      )
      assert.equal(cache.status().connected, true)
      await cache.set(name, 'again', 600_000)
      assert.equal(await cache.get(name), 'again')
    })
  }

  test('a Redis that is not there yet is no error', async (t) => {
    const relay = await openRelay(redisAt)
    relay.cut()
    const settings = { retryMs: 50, log: silent, metrics: createMetrics() }
    const cache = redisCache({ url: `redis://127.0.0.1:${relay.port}`, ...settings })
    t.after(async () => {
      await cache.close()
      await relay.close()
    })
    assert.equal(await cache.get('x'), undefined)
    await assert.rejects(cache.ping(), unavailable)
    relay.mend()
    await eventually(() =>
      cache.ping().then(
        () => true,
        () => false,
      ),
    )
  })
})
