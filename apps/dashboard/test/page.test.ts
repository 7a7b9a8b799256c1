import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { type Browser, chromium, type Page } from 'playwright-core'
import { build } from 'vite'
import { marketServer } from './market.fixture.ts'

const executablePath = process.env.CHROMIUM ?? '/usr/bin/chromium'
const skip = existsSync(executablePath) ? false : `no browser at ${executablePath}: set CHROMIUM to one`
const args = ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--disable-quic', '--no-first-run']

let browser: Browser
let dist: string

before(async () => {
  if (skip) return
  dist = await mkdtemp(join(tmpdir(), 'candlewire-page-'))
  await build({ root: join(import.meta.dirname, '..'), logLevel: 'error', build: { outDir: dist, emptyOutDir: true } })
  browser = await chromium.launch({ executablePath, args })
})
after(async () => {
  await browser?.close()
  if (dist) await rm(dist, { recursive: true, force: true })
})

/** A page that fails the test when it complains of anything in its console. */
async function openPage(url: string, options: Parameters<Browser['newPage']>[0] = {}) {
  const page = await browser.newPage(options)
  const complaints: string[] = []
  page.on('pageerror', (error) => complaints.push(error.message))
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text())
  })
  await page.goto(url)
  return { page, complaints }
}

const light = (page: Page, name: string) => page.waitForSelector(`[data-testid=status][data-light=${name}]`)
const legend = (page: Page, text: string) => page.waitForSelector(`[data-testid=legend]:has-text("${text}")`)

test('the page shows history, then what happens, in whatever order it comes', { skip }, async (t) => {
  const server = await marketServer(t, dist)
  const { page, complaints } = await openPage(server.url)
  await light(page, 'live')
  await legend(page, '101.00')
  assert.equal(new URL(page.url()).hash, '#/BTCUSDT/1m')
  assert.deepEqual(server.pages[0], '?interval=1m&limit=1000')
  assert.equal(await page.textContent('[data-testid=change]').then((text) => text?.trim()), '+2.30 %')
  server.candle(107.5)
  await legend(page, '107.50')
  for (const minutesAgo of [1, 3, 2, 4, -1, -3, -2]) server.candle(105, minutesAgo)
  server.candle(105.25, -3)
  await legend(page, '105.25')
  server.trade(1, 106, 'sell')
  server.trade(2, 108, 'buy')
  server.trade(2, 108, 'buy')
  await page.waitForSelector('[data-testid=price]:has-text("108.00")')
  const sides = await page.$$eval('[data-testid=trades] tbody tr', (rows) => rows.map((row) => row.dataset.side))
  assert.deepEqual(sides, ['buy', 'sell'], 'newest first, each once')
  assert.deepEqual(complaints, [])
  await page.close()
})

test('a lost line is shown, comes back, and brings the history that was missed', { skip }, async (t) => {
  const server = await marketServer(t, dist)
  const { page } = await openPage(server.url)
  await light(page, 'live')
  await legend(page, '101.00')
  const before = server.pages.filter((query) => !query.includes('end')).length
  server.cut()
  await light(page, 'reconnecting')
  assert.match((await page.getAttribute('[data-testid=status]', 'title')) ?? '', /cannot be reached; next try in/)
  await light(page, 'live')
  server.candle(109)
  await legend(page, '109.00')
  assert.ok(server.pages.filter((query) => !query.includes('end')).length > before)
  await page.close()
})

test('a symbol is found by keyboard, a timeframe by arrow, and both are in the address', { skip }, async (t) => {
  const server = await marketServer(t, dist)
  const { page, complaints } = await openPage(server.url)
  await light(page, 'live')
  await page.keyboard.press('/')
  await page.keyboard.type('eth')
  await page.waitForSelector('[role=option]:has-text("ETH")')
  await page.keyboard.press('Enter')
  await page.waitForURL(/#\/ETHUSDT\/1m$/)
  await page.keyboard.press('ArrowRight')
  await page.waitForURL(/#\/ETHUSDT\/3m$/)
  await legend(page, '101.00')
  assert.ok(server.subscribed.has('unsubscribe trades BTCUSDT'))
  assert.ok(server.subscribed.has('subscribe candles ETHUSDT 3m'))
  assert.deepEqual(complaints, [])
  await page.goto(`${server.url}#/NOPE/1h`)
  await page.waitForSelector('[data-testid=notice]:has-text("The server does not know NOPE")')
  await page.close()
})

test('a phone shows everything without scrolling sideways', { skip }, async (t) => {
  const server = await marketServer(t, dist)
  const { page } = await openPage(server.url, { viewport: { width: 390, height: 844 }, colorScheme: 'light' })
  await legend(page, '101.00')
  assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), 390)
  for (const id of ['price', 'status', 'symbol', 'timeframe-1m', 'chart', 'trades']) {
    assert.ok(await page.isVisible(`[data-testid=${id}]`), id)
  }
  await page.close()
})
