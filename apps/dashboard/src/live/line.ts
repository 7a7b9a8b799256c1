import type { RTClient } from '@candlewire/client'
import { computed, onScopeDispose, shallowRef } from 'vue'
import { closeReason, type Line, statusOf } from './status.ts'

/** The state of the connection as a light and a sentence; looks at the clock once a second. */
export function useLine(client: RTClient) {
  const line = shallowRef<Line>({ phase: 'connecting', heardAt: Date.now(), attempt: 0, retryAt: 0, reason: '' })
  const now = shallowRef(Date.now())
  const status = computed(() => statusOf(line.value, now.value))
  const change = (part: Partial<Line>) => {
    now.value = Date.now()
    line.value = { ...line.value, ...part }
  }
  let heardAt = Date.now()
  const heard = () => {
    heardAt = Date.now()
  }

  const timer = setInterval(() => change({ heardAt }), 1000)
  const removers = [
    client.on('open', () => {
      heard()
      change({ phase: 'open', heardAt, attempt: 0, reason: '' })
    }),
    client.on('close', ({ data }) => change({ reason: closeReason(data.code, data.reason) })),
    client.on('reconnecting', ({ data }) =>
      change({ phase: 'reconnecting', attempt: data.attempt, retryAt: Date.now() + data.delay_ms }),
    ),
    client.on('candle', heard),
    client.on('trade', heard),
  ]
  onScopeDispose(() => {
    clearInterval(timer)
    for (const remove of removers) remove()
  })
  return status
}
