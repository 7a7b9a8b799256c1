import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createRenderer, defineComponent, onMounted, onUnmounted, ref } from 'vue'
import { disconnectRT, getRTClient, type WSMessage } from './index.ts'
import { candle, next, testClient, wireServer } from './wire.fixture.ts'

test('the events of the protocol reach their handlers as they were sent', async (t) => {
  const server = await wireServer(t)
  const client = testClient(t, server.url)
  await client.connect()
  await server.connections(1)
  const trade = { symbol: 'BTCUSDT', price: 45_050, quantity: 0.5, side: 'buy', time: '2025-01-20T10:35:42Z' }
  const messages: WSMessage[] = [
    candle(45_050),
    { type: 'trade', data: trade, timestamp: 1_705_757_742_123 },
    { type: 'subscribed', data: { type: 'trades', symbol: 'BTCUSDT' }, timestamp: 1 },
    { type: 'unsubscribed', data: { type: 'trades', symbol: 'BTCUSDT' }, timestamp: 2 },
    { type: 'subscriptions', data: [{ type: 'candles', symbol: '*', timeframe: '1m' }], timestamp: 3 },
    { type: 'pong', data: {}, timestamp: 4 },
    { type: 'error', data: { message: 'unknown action' }, timestamp: 5 },
    { type: 'indicator', data: { symbol: 'BTCUSDT', type: 'rsi', ts: 1, value: 65.3 }, timestamp: 6 },
    { type: 'something new', data: null, timestamp: 7 },
  ]
  const arrived = messages.map(({ type }) => next(client, type))
  for (const message of messages) server.say(message)
  assert.deepEqual(await Promise.all(arrived), messages)
  assert.equal(client.counters.malformed, 0)
})

test('a wildcard is a symbol like any other', async (t) => {
  const server = await wireServer(t)
  const client = testClient(t, server.url)
  await client.connect()
  client.subscribe('candles', '*', '1m')
  client.unsubscribe('candles', '*', '1m')
  assert.deepEqual(await server.received(2), [
    { action: 'subscribe', type: 'candles', symbol: '*', timeframe: '1m' },
    { action: 'unsubscribe', type: 'candles', symbol: '*', timeframe: '1m' },
  ])
})

/** The component of the CryptoViz documents: an indicator, the newest price, the interval. */
const PriceCard = defineComponent({
  setup() {
    const connected = ref(false)
    const price = ref(0)
    const interval = ref('1m')
    let off = () => {}
    onMounted(async () => {
      const client = getRTClient()
      await client.connect()
      connected.value = true
      client.subscribe('candles', 'BTCUSDT', interval.value)
      off = client.on('candle', (msg) => {
        price.value = msg.data.close
      })
    })
    onUnmounted(() => {
      off()
      disconnectRT()
    })
    return { connected, price, interval }
  },
  template: `<p>{{ connected ? 'connected' : 'disconnected' }} {{ price }} {{ interval }}</p>`,
})

test('the Vue component of the source works unchanged', async (t) => {
  const server = await wireServer(t)
  process.env.VITE_WS_URL = server.url
  t.after(() => {
    delete process.env.VITE_WS_URL
    disconnectRT()
  })
  const screen = textScreen()
  const app = screen.createApp(PriceCard)
  app.mount(screen.root)
  assert.equal(screen.text(), 'disconnected 0 1m')
  await server.received(1)
  await screen.shows('connected 0 1m')
  server.say(candle(45_050))
  await screen.shows('connected 45050 1m')
  const closed = new Promise((resolve) => server.sockets[0]!.once('close', resolve))
  app.unmount()
  await closed
  assert.deepEqual(server.frames, [{ action: 'subscribe', type: 'candles', symbol: 'BTCUSDT', timeframe: '1m' }])
})

interface Box {
  text: string
  parent: Box | null
  children: Box[]
}

/** Vue's own runtime on a tree of plain objects instead of a browser's. */
function textScreen() {
  const box = (text = ''): Box => ({ text, parent: null, children: [] })
  const root = box()
  const waiting = new Set<() => void>()
  const changed = () => {
    for (const look of waiting) look()
  }
  const read = ({ text, children }: Box): string => text + children.map(read).join('')
  const detach = (child: Box) => {
    child.parent?.children.splice(child.parent.children.indexOf(child), 1)
    child.parent = null
  }
  const setText = (node: Box, text: string) => {
    node.text = text
    changed()
  }
  const { createApp } = createRenderer<Box, Box>({
    createElement: () => box(),
    createText: box,
    createComment: () => box(),
    setText,
    setElementText: setText,
    patchProp: () => {},
    insert(child, parent, anchor) {
      detach(child)
      const at = anchor ? parent.children.indexOf(anchor) : parent.children.length
      parent.children.splice(at, 0, child)
      child.parent = parent
    },
    remove: detach,
    parentNode: ({ parent }) => parent,
    nextSibling: (node) => node.parent?.children[node.parent.children.indexOf(node) + 1] ?? null,
  })
  return {
    root,
    createApp,
    text: () => read(root),
    shows: (text: string) =>
      new Promise<void>((resolve) => {
        const look = () => {
          if (read(root) !== text) return
          waiting.delete(look)
          resolve()
        }
        waiting.add(look)
        look()
      }),
  }
}
