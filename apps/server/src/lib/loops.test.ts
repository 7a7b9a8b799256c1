import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import { failure } from './failure.ts'
import { silent } from './log.ts'
import { persevere } from './persevere.ts'
import { everyTick } from './ticks.ts'
import { together } from './together.ts'

const busy = () => failure('STORE_UNAVAILABLE', { reason: 'test' })

test('work is tried again while a retry can help', async () => {
  let tries = 0
  const work = async () => {
    tries++
    if (tries < 3) throw busy()
    return tries
  }
  assert.equal(await persevere(work, 'test', silent, new AbortController().signal), 3)
})

test('other errors, and failures after the end, are passed on', async () => {
  const broken = async () => Promise.reject(new Error('broken'))
  await assert.rejects(persevere(broken, 'test', silent, new AbortController().signal), /broken/)
  const failing = async () => Promise.reject(busy())
  await assert.rejects(persevere(failing, 'test', silent, AbortSignal.abort()), { code: 'STORE_UNAVAILABLE' })
})

test('one loop that fails ends the others, and its error is told', async () => {
  let ended = false
  const waiting = async (signal: AbortSignal) => {
    await once(signal, 'abort')
    ended = true
  }
  const failing = async () => Promise.reject(new Error('broken'))
  await assert.rejects(together(new AbortController().signal, [waiting, failing]), /broken/)
  assert.ok(ended)
})

test('loops end with the signal from above', async () => {
  const stop = new AbortController()
  let ticks = 0
  const tick = async () => {
    ticks++
    if (ticks === 3) stop.abort()
  }
  await together(stop.signal, [(signal) => everyTick(1, tick, signal)])
  assert.equal(ticks, 3)
})

test('a tick that fails ends its loop', async () => {
  const failing = async () => Promise.reject(new Error('broken'))
  await assert.rejects(everyTick(1, failing, new AbortController().signal), /broken/)
})
