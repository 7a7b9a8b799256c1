import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, type TestContext, test } from 'node:test'
import { promisify } from 'node:util'
import { type Browser, chromium, type Page } from 'playwright-core'
import { dashboardDir } from '../src/cli/page.ts'
import { openExchange, startPlatform, temporary } from './platform.ts'
import { until } from './until.ts'

const executablePath = process.env.CHROMIUM ?? '/usr/bin/chromium'
const absent = !existsSync(executablePath)
const skip =
  absent && process.env.REQUIRE_SERVICES !== '1' ? `no browser at ${executablePath}: set CHROMIUM to one` : false
const args = ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--no-first-run']

/** A page of the server, and all that a visitor with the developer tools open would see go wrong. */
async function openPage(t: TestContext, browser: Browser, url: string) {
  const page = await browser.newPage()
  t.after(() => page.close())
  const complaints: string[] = []
  const hosts = new Set<string>()
  page.on('pageerror', (error) => complaints.push(error.message))
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text())
  })
  page.on('request', (request) => {
    const { protocol, host } = new URL(request.url())
    if (protocol.startsWith('http')) hosts.add(host)
  })
  page.on('requestfailed', (request) => complaints.push(`${request.url()}: ${request.failure()?.errorText}`))
  page.on('response', (response) => {
    if (response.status() >= 400) complaints.push(`${response.url()} answered ${response.status()}`)
  })
  await page.goto(url)
  return { page, complaints, hosts }
}

/** How many different colours the middle of an element shows: a chart that is not drawn has one or two. */
async function coloursOf(page: Page, selector: string): Promise<number> {
  return page.$eval(selector, (element) => {
    const colours = new Set<string>()
    for (const canvas of element.querySelectorAll('canvas')) {
      const { data } = canvas.getContext('2d')?.getImageData(0, 0, canvas.width, canvas.height) ?? { data: [] }
      for (let at = 0; at < data.length; at += 4) colours.add(`${data[at]},${data[at + 1]},${data[at + 2]}`)
    }
    return colours.size
  })
}

describe('in a browser', { skip }, () => {
  let browser: Browser
  before(async () => {
    const root = join(import.meta.dirname, '../../..')
    if (!existsSync(join(dashboardDir, 'index.html'))) await promisify(execFile)('npm', ['run', 'build'], { cwd: root })
    browser = await chromium.launch({ executablePath, args })
  })
  after(() => browser?.close())

  test('the page draws candles and lives, the documentation opens without a network', async (t) => {
    const simulator = await openExchange(t)
    const { url } = await startPlatform(t, simulator, await temporary(t), {}, dashboardDir)
    const { host } = new URL(url)

    const { page, complaints, hosts } = await openPage(t, browser, url)
    const text = (id: string) => page.textContent(`[data-testid=${id}]`).then((found) => found?.trim() ?? '')
    await page.waitForSelector('[data-testid=status][data-light=live]')
    const price = await until('a price', () => text('price'))
    await until('another price', async () => (await text('price')) !== price)
    await until('candles', async () => (await coloursOf(page, '[data-testid=chart]')) > 8)
    const newest = () => text('trades')
    const trades = await until('trades', newest)
    await until('more trades', async () => (await newest()) !== trades)
    const legend = await text('legend')
    await until('the forming candle to change', async () => (await text('legend')) !== legend)
    await page.click('[data-testid=timeframe-1s]')
    await page.waitForURL(/\/1s$/)
    await until('a change of the last 24 hours', async () => /[+−-]\d/.test(await text('change')))
    assert.deepEqual(complaints, [], 'the page has nothing to complain of')
    assert.deepEqual([...hosts], [host], 'the page asks nobody else')

    for (const [path, selector] of [
      ['/docs', '.opblock'],
      ['/redoc', '[data-section-id], h1'],
    ] as const) {
      const documentation = await openPage(t, browser, url + path)
      await documentation.page.waitForSelector(selector)
      await documentation.page.waitForLoadState('networkidle')
      assert.deepEqual(documentation.complaints, [], path)
      assert.deepEqual([...documentation.hosts], [host], `${path} asks nobody else`)
    }
  })
})
