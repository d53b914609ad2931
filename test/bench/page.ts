import { openBrowser } from '../observe/browser.ts'
import { NODE, openSite } from '../observe/site.ts'

// What the page costs with a long log behind it: `npm run bench:page [verdicts]`.

const VERDICTS = Number(process.argv[2] ?? 100_000)
const NODES = 1_000
const GOALS = { 'first content': 1_000, interaction: 100, '/metrics': 50 }

const addressOf = (i: number) => `0x${i.toString(16).padStart(40, '0')}`
const tally = { receipts: 9, checked: 100, pass: 100, fail: 0, inconclusive: 0, withheld: 0, withheldAgreed: 0, evidenceScore: 0 }
const nodes = Object.fromEntries(Array.from({ length: NODES }, (_, i) => [addressOf(i), { ...tally, evidenceScore: i % 13 }]))
const site = await openSite({ orchestrators: () => nodes, requests: { burst: 100_000, everyMs: 1 } })
for (let done = 0; done < VERDICTS; done += 1_000)
  await Promise.all(
    Array.from({ length: 1_000 }, (_, i) =>
      site.log.append('verdict', {
        ...{ sampleId: `0x${String(done + i).padStart(64, '0')}`, transcoder: addressOf(i), streamId: NODE, outcome: 'pass' },
        ...{ faultClass: null, answer: null, verdict: { reasons: [], measures: { 'frame-error': 2, cell: 0.5 } } },
      }),
    ),
  )

async function timed(work: () => Promise<unknown>): Promise<number> {
  const took: number[] = []
  for (let i = 0; i < 7; i++) {
    const start = performance.now()
    await work()
    took.push(performance.now() - start)
  }
  return took.sort((a, b) => a - b)[3] ?? 0
}

const say = (name: string, ms: number, goal?: number) =>
  console.log(
    `${name.padEnd(34)} ${ms.toFixed(0).padStart(6)} ms${goal === undefined ? '' : `  goal ${goal}: ${ms < goal ? 'met' : 'MISSED'}`}`,
  )

console.log(`${VERDICTS} verdicts of ${NODES} orchestrators; the median of seven`)
for (const path of ['/summary', '/samples', '/orchestrators', `/orchestrators/${addressOf(5)}`, '/log/5'])
  say(`/api/v1${path.slice(0, 24)}`, await timed(async () => await (await fetch(`${site.url}/api/v1${path}`)).text()))
say('/metrics', await timed(async () => await (await fetch(`${site.url}/metrics`)).text()), GOALS['/metrics'])

const browser = await openBrowser()
const page = await browser.context.newPage()
say('an empty answer of the same server', await timed(() => page.goto(`${site.url}/healthz`)))
const first = async () => {
  await page.goto('about:blank')
  await page.goto(`${site.url}/#/`)
  await page.locator('h1', { hasText: 'Overview' }).waitFor()
}
say('first content of the overview', await timed(first), GOALS['first content'])
let odd = false
const click = async () => {
  odd = !odd
  await page.getByRole('link', { name: odd ? 'Samples' : 'Log', exact: true }).click()
  await page.locator('h1', { hasText: odd ? 'Samples' : 'Proof log' }).waitFor()
}
say('from one view to the next', await timed(click), GOALS.interaction)
await browser.stop()
await site.stop()
