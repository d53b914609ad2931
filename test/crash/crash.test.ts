import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { checkAfterCrash, checkCases, checkChain, checkWords, createLedger } from './check.ts'
import { SHORT } from './points.ts'
import { type CrashWorld, createCrashWorld } from './world.ts'

// A real daemon on a real chain, killed by SIGKILL at each named point; `npm run test:crash` does it a thousand times.

/**
 * Milliseconds for a point that must come. What is checked is drawn by lot every 4 s, and two busy cores may judge none for a few of them: once
 * no pass had come after 14 s. A case opens only where none is open: those points may stay away, and cost no more than the usual wait.
 */
const MUST_COME_MS = 60_000

const home = mkdtempSync(join(tmpdir(), 'fisherman-test-crash-'))
const ledger = createLedger()
let world: CrashWorld

beforeAll(async () => {
  world = await createCrashWorld(home)
}, 60_000)
afterAll(async () => {
  await world?.stop()
  rmSync(home, { recursive: true, force: true })
})

describe('a daemon that is killed', () => {
  it.each(SHORT)(
    'at %s loses nothing that was acknowledged, and says and sends nothing twice',
    { timeout: MUST_COME_MS + 30_000 },
    async (point) => {
      const mayStayAway = point.includes('.open.')
      const { journal, hit } = await world.run({ point, ...(mayStayAway ? {} : { withinMs: MUST_COME_MS }) })
      await checkAfterCrash(world, journal, ledger)
      expect(journal.length).toBeGreaterThan(0)
      if (!mayStayAway) expect(hit, `${point} was never reached`).toBe(true)
    },
  )

  it('at some instant goes on where it was: its work stands on the chain once, and no case is lost', {
    timeout: 120_000,
  }, async () => {
    const { journal } = await world.run({ afterMs: 2_000 })
    await checkAfterCrash(world, journal, ledger)
    const cases = await checkCases(world, ledger)
    checkWords(world)
    expect(await checkChain(world)).toBeGreaterThan(3)
    expect(cases).toBeGreaterThan(2)
    expect(ledger.entries.size).toBeGreaterThan(50)
    expect(ledger.signed.size).toBeGreaterThan(3)
  })
})
