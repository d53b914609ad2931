import { spawnSync } from 'node:child_process'
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Level } from 'level'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { logLeaf, verifyInclusion } from '../../proofs/log-tree.ts'
import { systemClock } from '../../src/base/clock.ts'
import { logListCommand, logProveCommand, logShowCommand } from '../../src/cli/log.ts'
import { logExportCommand, logPruneCommand, logRepairCommand, logVerifyCommand } from '../../src/cli/log-care.ts'
import { sinceMs } from '../../src/cli/since.ts'
import { openProofLog } from '../../src/prooflog/log.ts'

const NODE = `0x${'ab'.repeat(20)}`
const FAULT = `0x${'ef'.repeat(32)}`
const DAY = 86_400_000
let dataDir: string
let out: string[]
let err: string[]

beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'fisherman-test-'))
  ;[out, err] = [[], []]
  vi.spyOn(console, 'log').mockImplementation((line: string) => void out.push(line))
  vi.spyOn(console, 'error').mockImplementation((line: string) => void err.push(line))
  let nowMs = Date.parse('2026-11-01T00:00Z')
  const clock = { nowMs: () => (nowMs += DAY), monotonicMs: () => 0 }
  const log = await openProofLog({ folder: join(dataDir, 'proofs'), identity: 'me' }, { clock })
  await log.append('verdict', { transcoder: NODE, outcome: 'pass' })
  await log.append('verdict', { transcoder: NODE, outcome: 'fail' })
  await log.append('verdict', { transcoder: `0x${'cd'.repeat(20)}`, outcome: 'fail' })
  await log.append('case', { transcoder: NODE, state: 'open', faultId: FAULT, evidenceHash: FAULT })
  await log.close()
})
afterEach(async () => {
  vi.restoreAllMocks()
  await rm(dataDir, { recursive: true, force: true })
})

const seqs = () => out.map((line) => (JSON.parse(line) as { seq: number }).seq)

describe('fisherman log', () => {
  it.each([
    [{}, [0, 1, 2, 3]],
    [{ orchestrator: NODE.toUpperCase().replace('0X', '0x') }, [0, 1, 3]],
    [{ outcome: 'fail' }, [1, 2]],
    [{ kind: 'case' }, [3]],
    [{ since: '2026-11-04' }, [2, 3]],
    [{ limit: '1' }, [3]],
    [{ case: FAULT }, [3]],
    [{ case: FAULT, outcome: 'fail' }, []],
    [{ outcome: 'fail', since: '2026-11-04' }, [2]],
    [{ since: '2026-12-24' }, []],
    [{ orchestrator: NODE, outcome: 'fail' }, [1]],
  ])('ls %j', async (options, expected) => {
    expect(await logListCommand({ dataDir, limit: '50', json: true, ...options })).toBe(0)
    expect(seqs()).toEqual(expected)
  })

  it('ends in silence when who reads its output has gone', async () => {
    const log = await openProofLog({ folder: join(dataDir, 'proofs') }, { clock: systemClock })
    await Promise.all(Array.from({ length: 3_000 }, (_, i) => log.append('sample', { text: `${i}`.padEnd(200) })))
    await log.close()
    const program = join(import.meta.dirname, '../../bin/fisherman.mjs')
    const { stdout, stderr } = spawnSync(
      'bash',
      [
        '-c',
        'set -o pipefail; "$0" "$1" log export --data-dir "$2" --format ndjson | head -n 1; echo $?',
        process.execPath,
        program,
        dataDir,
      ],
      { encoding: 'utf8' },
    )
    expect(stderr).toBe('')
    expect(stdout.trim().split('\n')).toEqual([expect.stringMatching(/^\{"at":/), '141'])
  })

  it('ls prints a line a person can read', async () => {
    await logListCommand({ dataDir, limit: '1' })
    expect(out).toEqual(['       3  2026-11-05T00:00:00.000Z  case                open 0xababababab… 0xefefefefef…'])
  })

  it('proves an entry to somebody who has nothing but the printed object', async () => {
    expect(await logProveCommand('2', { dataDir, json: true })).toBe(0)
    const proof = JSON.parse(out[0] as string)
    expect(logLeaf(Buffer.from(proof.entry))).toBe(proof.leaf)
    expect(verifyInclusion(proof.leaf, proof.index, proof.size, proof.path, proof.root)).toBe(true)
    out = []
    await logShowCommand('2', { dataDir, json: true })
    expect(out).toEqual([proof.entry])
  })

  it('verifies, and names the first bad entry', async () => {
    expect(await logVerifyCommand({ dataDir, from: '0' })).toBe(0)
    expect(out[0]).toMatch(/^ok: 4 entries hold, root 0x/)
    const db = new Level<string, string>(join(dataDir, 'proofs'))
    const entries = db.sublevel<string, string>('entry', {})
    const key = '1'.padStart(14, '0')
    await entries.put(key, ((await entries.get(key)) as string).replace('fail', 'pass'))
    await db.close()
    expect(await logVerifyCommand({ dataDir, from: '0' })).toBe(1)
    expect(err[0]).toMatch(/damaged at entry 1 \(is not the one/)
  })

  it('says in one line what is wrong, and writes nothing', async () => {
    expect(await logListCommand({ dataDir: join(dataDir, 'nowhere'), limit: '5' })).toBe(2)
    expect(await logShowCommand('9', { dataDir })).toBe(2)
    expect(await logShowCommand('x', { dataDir })).toBe(2)
    expect(await logListCommand({ dataDir, limit: '5', since: 'yesterday' })).toBe(2)
    expect(await logListCommand({ dataDir, limit: '5', kind: 'verdicts' })).toBe(2)
    expect(await logVerifyCommand({ dataDir, from: '9' })).toBe(2)
    const says = [
      /holds no proof log/,
      /has no entry 9; it has 4/,
      /'x': must be a whole number/,
      /--since 'yesterday': write a day/,
      /--kind 'verdicts': must be one of sample/,
      /--from 9: the log has 4 entries/,
    ]
    expect(err).toHaveLength(says.length)
    for (const [i, line] of says.entries()) expect(err[i]).toMatch(line)
    expect(err.every((line) => !line.includes('\n'))).toBe(true)
  })

  it('exports every entry, as it is hashed or as a table', async () => {
    const written: string[] = []
    vi.spyOn(process.stdout, 'write').mockImplementation((text) => written.push(String(text)) > 0)
    expect(await logExportCommand({ dataDir, format: 'ndjson', from: '1' })).toBe(0)
    expect(written.map((line) => (JSON.parse(line) as { seq: number }).seq)).toEqual([1, 2, 3])
    written.length = 0
    expect(await logExportCommand({ dataDir, format: 'csv', from: '0' })).toBe(0)
    expect(written[0]).toMatch(/^seq,at,kind,outcome,/)
    expect(written[2]).toBe(`1,2026-11-03T00:00:00.000Z,verdict,fail,${NODE},,,,,,\n`)
    expect(written).toHaveLength(5)
  })

  it('prunes passes and bundles of no open case, and the head stays', async () => {
    await mkdir(join(dataDir, 'bundles'))
    await writeFile(join(dataDir, 'bundles', `${FAULT}.fishbundle`), 'x')
    await logVerifyCommand({ dataDir, from: '0', json: true })
    expect(await logPruneCommand({ dataDir, keepDays: '0', json: true })).toBe(0)
    expect(JSON.parse(out[1] as string)).toMatchObject({ entries: 1, bundles: 0 })
    const log = await openProofLog({ folder: join(dataDir, 'proofs'), identity: 'me' }, { clock: systemClock })
    await log.append('case', { faultId: FAULT, state: 'settled' })
    await log.close()
    expect(await logPruneCommand({ dataDir, keepDays: '0', json: true })).toBe(0)
    expect(JSON.parse(out[2] as string)).toMatchObject({ entries: 0, bundles: 1 })
    expect(await logVerifyCommand({ dataDir, from: '0' })).toBe(0)
    expect(await logShowCommand('0', { dataDir })).toBe(2)
    expect(err[0]).toMatch(/entry 0 of the proof log was pruned/)
    expect(await logPruneCommand({ dataDir, keepDays: 'all' })).toBe(2)
  })

  it('repairs: copies first, keeps what holds, says where the gap is', async () => {
    expect(await logRepairCommand({ dataDir, json: true })).toBe(0)
    expect(JSON.parse(out[0] as string)).toMatchObject({ kept: 4, behind: 0 })
    const db = new Level<string, string>(join(dataDir, 'proofs'))
    await db.sublevel<string, string>('entry', {}).del('2'.padStart(14, '0'))
    await db.close()
    expect(await logListCommand({ dataDir, limit: '5' })).toBe(1)
    expect(await logRepairCommand({ dataDir })).toBe(1)
    expect(out[1]).toMatch(/first gap at entry 2: missing; 2 entries before it hold/)
    expect(out[1]).toMatch(/1 readable entries behind it/)
    expect((await readdir(dataDir)).filter((name) => name.startsWith('proofs.before-repair-'))).toHaveLength(2)
    expect(await logListCommand({ dataDir, limit: '5', json: true })).toBe(0)
    expect(out.slice(2).map((line) => (JSON.parse(line) as { kind: string }).kind)).toEqual(['verdict', 'verdict', 'repair'])
    expect(await logRepairCommand({ dataDir: join(dataDir, 'nowhere') })).toBe(2)
  })

  it('reads days, moments and ages', () => {
    expect(sinceMs('2026-11-24', 0)).toBe(Date.UTC(2026, 10, 24))
    expect(sinceMs('90m', 10 * DAY)).toBe(10 * DAY - 90 * 60_000)
    expect(() => sinceMs('5', 0)).toThrow(/--since '5'/)
  })
})
