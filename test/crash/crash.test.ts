import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { checkAfterCrash, checkChain, checkWords, createLedger } from './check.ts'
import { POINTS } from './points.ts'
import { type CrashWorld, createCrashWorld } from './world.ts'

// A real daemon on a real chain, killed by SIGKILL at each named point; `npm run test:crash` does it a thousand times.

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
  // Before and after each record; what lies between record and act, and the act itself, is the same for the disk.
  const points = POINTS.filter((point) => !point.endsWith('.done'))
  it.each(points)(
    'at %s loses nothing that was acknowledged, and says and sends nothing twice',
    { timeout: 60_000 },
    async (point) => {
      const { journal, hit } = await world.run({ point })
      await checkAfterCrash(world, journal, ledger)
      expect(journal.length).toBeGreaterThan(0)
      // A case opens only where none is open: that point may stay away for a while.
      if (!point.includes('.open.')) expect(hit, `${point} was never reached`).toBe(true)
    },
  )

  it('at some instant goes on where it was, and its work stands on the chain once', { timeout: 60_000 }, async () => {
    const { journal } = await world.run({ afterMs: 3_000 })
    await checkAfterCrash(world, journal, ledger)
    checkWords(world)
    expect(await checkChain(world)).toBeGreaterThan(3)
    expect(ledger.entries.size).toBeGreaterThan(50)
    expect(ledger.signed.size).toBeGreaterThan(3)
  })
})
