import autocannon from 'autocannon'

/** The client of the REST bench, a process of its own: asks the given addresses in turn over 20 connections. */
process.once('message', async (message) => {
  const urls = (message as string[]).map((text) => new URL(text))
  const requests = urls.map(({ pathname, search }) => ({ path: `${pathname}${search}` }))
  const url = urls[0]!.origin
  await autocannon({ url, requests, connections: 20, duration: 1 })
  process.send?.('warm')
  const { '2xx': good, non2xx, errors, duration } = await autocannon({ url, requests, connections: 20, duration: 4 })
  process.send?.({ requests: good, seconds: duration, failed: non2xx + errors })
})
process.once('disconnect', () => process.exit(0))
