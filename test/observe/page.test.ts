import { mkdirSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { axeFindings, openBrowser } from './browser.ts'
import { FAULT, fill, HOSTILE, NODE, openSite, publish } from './site.ts'

// The page as a person sees it, in a real browser, over a real log. Screenshots lie in .cache/page.

const SHOTS = '.cache/page'
const VIEWS: Readonly<Record<string, readonly [hash: string, heading: string]>> = {
  overview: ['#/', 'Overview'],
  orchestrators: ['#/orchestrators', 'Orchestrators'],
  orchestrator: [`#/orchestrators/${NODE}`, 'Orchestrator'],
  samples: ['#/samples', 'Samples'],
  sample: ['#/samples/29', 'Sample of'],
  cases: ['#/cases', 'Cases'],
  case: [`#/cases/${FAULT}`, 'Case'],
  idle: ['#/idle', 'Who earns without working'],
  log: ['#/log', 'Proof log'],
  entry: ['#/log/29', 'Entry 29'],
  peers: ['#/peers', 'Peers'],
}
const SIZES = { phone: { width: 360, height: 740 }, desktop: { width: 1280, height: 900 } }

let site: Awaited<ReturnType<typeof openSite>>
let browser: Awaited<ReturnType<typeof openBrowser>>
const said: string[] = []
const outside: string[] = []

beforeAll(async () => {
  mkdirSync(SHOTS, { recursive: true })
  site = await openSite()
  await fill(site.log, 30)
  publish(site.idleDir)
  browser = await openBrowser()
  browser.context.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') said.push(message.text())
  })
  browser.context.on('weberror', (error) => said.push(String(error.error())))
  browser.context.on('request', (request) => {
    if (!request.url().startsWith(site.url)) outside.push(request.url())
  })
}, 60_000)

afterAll(async () => {
  await browser?.stop()
  await site?.stop()
})

async function open(hash: string, heading: string, size: keyof typeof SIZES, colorScheme: 'light' | 'dark') {
  const page = await browser.context.newPage()
  await page.setViewportSize(SIZES[size])
  await page.emulateMedia({ colorScheme })
  await page.goto(`${site.url}/${hash}`)
  await page.locator('h1', { hasText: heading }).waitFor({ timeout: 30_000 })
  return page
}

describe.each(['light', 'dark'] as const)('the page in %s', (scheme) => {
  it.each(Object.entries(VIEWS))(
    '%s can be read by everybody, on a phone and on a desk',
    async (name, [hash, heading]) => {
      for (const size of ['phone', 'desktop'] as const) {
        const page = await open(hash, heading, size, scheme)
        await page.screenshot({ path: `${SHOTS}/${name}-${size}-${scheme}.png`, fullPage: true })
        expect(await axeFindings(page)).toEqual([])
        expect(await page.evaluate('document.documentElement.scrollWidth <= innerWidth'), 'no sideways scrolling').toBe(true)
        expect(await page.evaluate('globalThis.pwned')).toBeUndefined()
        await page.close()
      }
      expect([said, outside]).toEqual([[], []])
    },
    120_000,
  )
})

it('hostile names show as text, the proof is checked in the browser, and what is new comes by itself', async () => {
  const sample = await open('#/samples/29', 'Sample of', 'desktop', 'light')
  expect(await sample.locator('main').textContent()).toContain(HOSTILE)
  await sample.close()
  const entry = await open('#/log/29', 'Entry 29', 'desktop', 'light')
  expect(await entry.locator('main').textContent()).toContain('Checked in this browser: it is in the log')
  await entry.close()
  const idle = await open('#/idle', 'Who earns', 'desktop', 'light')
  const facts = await idle.locator('tbody tr').last().locator('td').allTextContents()
  expect(facts.slice(1)).toEqual(['works', '40 of 40 samples passed', '0', '0 of 1', '1 for 0.001 ETH', '10', '90', '9 times'])
  expect(await idle.locator('main').textContent()).toContain('Derived again from its events')
  await idle.close()
  const peers = await open('#/peers', 'Peers', 'desktop', 'light')
  const cells = await peers.locator('tbody tr').last().locator('td').allTextContents()
  expect(cells.slice(1, 6)).toEqual(['/ip4/192.0.2.7/tcp/4001', 'we dialled', 'all', '-1.3', '42 ms'])
  expect(await peers.locator('main').textContent()).toContain(HOSTILE)
  await peers.close()
  const page = await open('#/', 'Overview', 'desktop', 'light')
  await page.getByText('34 entries in the proof log').waitFor({ timeout: 30_000 })
  await site.log.append('self-test', {})
  await page.getByText('35 entries in the proof log').waitFor({ timeout: 30_000 })
  await page.close()
}, 120_000)

it('works by keyboard, and remembers the colours that were chosen', async () => {
  const page = await open('#/', 'Overview', 'desktop', 'light')
  await page.getByRole('link', { name: 'Cases' }).focus()
  await page.keyboard.press('Enter')
  await page.locator('h1', { hasText: 'Cases' }).waitFor()
  await page.getByRole('button', { name: 'Use dark colours' }).press('Enter')
  await page.reload()
  await page.getByRole('button', { name: 'Use light colours' }).waitFor()
  await page.close()
}, 60_000)

describe('older pages', () => {
  const focused = 'document.activeElement === document.body ? "nothing" : document.activeElement.textContent'
  const steps = ['found', 'open', 'answered', 'convicted', 'settled']
  const faults = Array.from({ length: 6 }, (_, i) => `0x${`a${i}`.repeat(32)}`)

  it('are whole, take the focus along, and say what keeps them from coming', async () => {
    const own = await openSite()
    const page = await browser.context.newPage()
    try {
      for (const state of steps)
        for (const faultId of faults)
          await own.log.append('case', { faultId, faultClass: 'D2', transcoder: NODE, state, amount: '5', evidenceHash: FAULT })
      await fill(own.log, 30)
      await page.goto(`${own.url}/#/cases`)
      await page.locator('h1', { hasText: 'Cases' }).waitFor()
      expect(await page.locator('tbody tr').count()).toBe(7)
      expect(await page.getByRole('button', { name: 'Older' }).count()).toBe(0)

      await page.goto(`${own.url}/#/samples`)
      const older = page.getByRole('button', { name: 'Older' })
      await older.press('Enter')
      await page.getByRole('button', { name: 'Newest' }).waitFor()
      expect(await page.locator('tbody tr').count()).toBe(5)
      expect(await page.evaluate('document.activeElement.getAttribute("aria-label")')).toBe('Samples')
      expect(await axeFindings(page)).toEqual([])

      await page.getByRole('button', { name: 'Newest' }).press('Enter')
      await browser.context.setOffline(true)
      await older.press('Enter')
      await page.getByRole('alert').getByText('the daemon does not answer').waitFor({ timeout: 10_000 })
      expect(await page.evaluate(focused)).toBe('Older')
      await browser.context.setOffline(false)
      await page.getByRole('button', { name: 'Try again' }).press('Enter')
      await page.getByRole('button', { name: 'Newest' }).waitFor()
      expect(await page.getByRole('alert').count()).toBe(0)

      await page.getByRole('button', { name: 'Newest' }).press('Enter')
      await own.stop()
      for (const name of ['Older', 'Try again']) {
        await page.getByRole('button', { name }).press('Enter')
        await page.getByRole('alert').getByText('the daemon does not answer').waitFor({ timeout: 10_000 })
        expect(await page.evaluate(focused)).toBe(name)
      }
      await page.getByRole('status').getByText('Not connected').waitFor({ timeout: 10_000 })
      expect(await axeFindings(page)).toEqual([])
    } finally {
      await browser.context.setOffline(false)
      await page.close()
      await own.stop().catch(() => undefined)
    }
  }, 120_000)
})

it('the live line is said once, however fast the log grows', async () => {
  const page = await open('#/log', 'Proof log', 'desktop', 'light')
  await page.locator('header').getByText(' entries').waitFor({ timeout: 10_000 })
  await page.evaluate(`globalThis.changes = 0; new MutationObserver((all) => { globalThis.changes += all.length })
    .observe(document.querySelector('[role=status]'), { subtree: true, childList: true, characterData: true })`)
  for (let i = 0; i < 3; i++) {
    const { seq } = await site.log.append('self-test', {})
    await page
      .locator('header')
      .getByText(`${seq + 1} entries`)
      .waitFor({ timeout: 10_000 })
  }
  expect(await page.evaluate('globalThis.changes')).toBe(0)
  expect(await page.getByRole('status').textContent()).toBe('Connected')
  await page.close()
}, 60_000)

it('bytes that nobody else misses are in doubt, and those that others miss too are bad', async () => {
  const seen = { receipts: 9, checked: 7, pass: 2, fail: 1, inconclusive: 1, withheld: 3, withheldAgreed: 1, evidenceScore: 7 }
  const own = await openSite({ orchestrators: () => ({ [NODE]: seen }) })
  const page = await browser.context.newPage()
  try {
    await page.goto(`${own.url}/#/orchestrators`)
    const row = page.locator('tbody tr')
    await row.waitFor({ timeout: 10_000 })
    expect((await row.locator('td').allTextContents()).slice(1)).toEqual(['7', '7', '2', '2', '3'])
    await page.goto(`${own.url}/#/orchestrators/${NODE}`)
    const tile = (name: string) => page.locator('main').getByText(name).locator('..').textContent()
    await page.locator('h1', { hasText: 'Orchestrator' }).waitFor({ timeout: 10_000 })
    await page.getByText('Withheld from us alone').waitFor({ timeout: 10_000 })
    expect(await tile('Withheld from several')).toMatch(/1$/)
    expect(await tile('Withheld from us alone')).toMatch(/2$/)
  } finally {
    await page.close()
    await own.stop()
  }
}, 60_000)
