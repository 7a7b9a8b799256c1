import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { isFailure } from '../lib/failure.ts'
import { silent } from '../lib/log.ts'
import { outgoings, queueContract } from './contract.ts'
import { type EmbeddedQueue, embeddedQueue } from './embedded.ts'
import type { OutgoingEvent } from './queue.ts'

async function freshPath(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'candlewire-queue-'))
  t.after(() => rm(folder, { recursive: true }))
  return join(folder, 'deep', 'queue.db')
}

async function read(queue: EmbeddedQueue, count: number): Promise<OutgoingEvent[]> {
  const events: OutgoingEvent[] = []
  const stop = new AbortController()
  for await (const event of queue.events(stop.signal)) if (events.push(event) === count) stop.abort()
  return events
}

queueContract('embedded', async (t) => {
  const queue = await embeddedQueue({ path: await freshPath(t), retryMs: 5, log: silent })
  return { queue, received: (count) => read(queue, count), close: queue.close }
})

test('what waits survives a restart, in order, and the oldest give way to a bound', async (t) => {
  const path = await freshPath(t)
  const first = await embeddedQueue({ path, maxEvents: 5, log: silent })
  await first.publish(outgoings(4))
  await first.publish(outgoings(4))
  assert.deepEqual([first.status().waiting, first.status().dropped], [4, 0], 'an id that waits is left out')
  await first.publish(outgoings(3, 4))
  assert.deepEqual([first.status().waiting, first.status().dropped], [5, 2])
  await first.add('fill', [{ id: 'w', body: '1' }])
  await first.close()
  const second = await embeddedQueue({ path, log: silent })
  assert.deepEqual(await read(second, 5), outgoings(5, 2))
  const stop = new AbortController()
  await second.work('fill', async ({ body }) => void (body === '1' && stop.abort()), stop.signal)
  await second.close()
})

test('a process that is killed leaves all that it called safe, in order', async (t) => {
  const path = await freshPath(t)
  const child = spawn(process.execPath, [join(import.meta.dirname, 'test-process.ts'), path], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let said = ''
  for await (const text of child.stdout.setEncoding('utf8')) {
    said += text
    if (said.length > 2_000) child.kill('SIGKILL')
  }
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
  const safe = Number(said.slice(0, said.lastIndexOf('\n')).split('\n').at(-1))
  const queue = await embeddedQueue({ path, log: silent })
  t.after(queue.close)
  assert.ok(safe > 100 && queue.status().dropped === 0)
  assert.deepEqual(await read(queue, safe), outgoings(safe))
})

test('one file belongs to one queue', async (t) => {
  const path = await freshPath(t)
  const first = await embeddedQueue({ path, log: silent })
  await assert.rejects(embeddedQueue({ path, log: silent }), (e) => isFailure(e) && e.code === 'QUEUE_UNAVAILABLE')
  await first.close()
  await (await embeddedQueue({ path, log: silent })).close()
})

test('a damaged file is put aside', async (t) => {
  const path = await freshPath(t)
  await (await embeddedQueue({ path, log: silent })).close()
  await writeFile(path, 'this is no database, and it is long enough to be looked at'.repeat(100))
  const queue = await embeddedQueue({ path, log: silent })
  await queue.publish(outgoings(1))
  assert.equal(queue.status().waiting, 1)
  await queue.close()
})
