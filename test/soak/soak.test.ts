import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { runSoak, type SoakReport } from './soak.ts'

// One minute of what `npm run test:soak` does for half an hour.

const home = mkdtempSync(join(tmpdir(), 'fisherman-test-soak-'))
let report: SoakReport | undefined
afterAll(() => {
  // What went wrong can be looked at.
  if (report?.ok) rmSync(home, { recursive: true, force: true })
})

describe('a network with kills, outages and full disks', () => {
  it('proves each fault once, holds every log, and leaves no process, file or socket', { timeout: 360_000 }, async () => {
    const init = { home, minutes: 1, warmUpMinutes: 0.3, seed: 3, everyMs: 4_000 }
    const lines: string[] = []
    report = await runSoak({ ...init, fishermen: 3, behaviours: ['honest', 'passthrough'] }, (line) => lines.push(line))
    expect(report.complaints, lines.join('\n')).toEqual([])
    const { mischief, account, noDisk } = report
    expect(mischief.kills).toBeGreaterThan(0)
    expect(mischief.outages).toBeGreaterThan(0)
    // Where no small disk can be mounted, and only there, none was filled.
    if (noDisk === undefined) expect(mischief.fullDisks).toBeGreaterThan(0)
    else console.warn(`no disk was filled: ${noDisk}`)
    expect(account.proven).toBe(account.provable)
    expect(account.proven).toBeGreaterThan(3)
    expect(account.heads).toBeGreaterThan(10)
    expect(account.entries).toBeGreaterThan(200)
  })
})
