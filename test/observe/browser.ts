import { accessSync, constants, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { type BrowserContext, chromium, type Page } from 'playwright-core'

/** The distribution's own browser; `scripts/setup.mjs --for test` installs it. */
function browserPath(): string {
  for (const folder of (process.env.PATH ?? '').split(delimiter)) {
    const file = join(folder, 'chromium')
    try {
      accessSync(file, constants.X_OK)
      return file
    } catch {}
  }
  throw new Error('chromium is not on the PATH; run `node scripts/setup.mjs --for test`')
}

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

/** What axe has against a page as it stands: rule, weight, and the elements. */
export async function axeFindings(page: Page): Promise<unknown> {
  await page.evaluate(AXE)
  return await page.evaluate(
    'axe.run().then(({ violations }) => violations.map((v) => v.id + " " + v.impact + ": " + v.nodes.map((n) => n.html).join(" ")))',
  )
}

/** A real browser with an empty profile that asks nothing of the outside by itself. */
export async function openBrowser(): Promise<{ context: BrowserContext; stop(): Promise<void> }> {
  const profile = mkdtempSync(join(tmpdir(), 'fisherman-test-browser-'))
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: browserPath(),
    headless: true,
    // Tests may run as root, in containers, without a display or a graphics card.
    args: [
      ...['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking'],
      ...['--disable-component-update', '--disable-sync', '--disable-dev-shm-usage'],
    ],
  })
  return {
    context,
    async stop() {
      await context.close()
      rmSync(profile, { recursive: true, force: true })
    },
  }
}
