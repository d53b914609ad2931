import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { Level } from 'level'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { bytesToHex } from '../../proofs/signature.ts'
import type { Hex } from '../../proofs/types.ts'
import { GUARDED, type Guard, type Guarded, openGuard, type Said } from '../../src/attest/guard.ts'
import { exportGuard, readGuardFile } from '../../src/attest/guard-file.ts'
import { systemClock } from '../../src/base/clock.ts'
import { createWriteAhead } from '../../src/base/write-ahead.ts'
import { guardExportCommand, guardImportCommand } from '../../src/cli/guard.ts'
import { openProofLog } from '../../src/prooflog/log.ts'
import { hash } from '../helpers/fixtures.ts'

const OWNER = '31337:0xa1:0xme'
let dir: string
const opened: Guard[] = []
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'fisherman-test-guard-'))
})
afterEach(async () => {
  vi.restoreAllMocks()
  await Promise.all(opened.splice(0).map((guard) => guard.close()))
  await rm(dir, { recursive: true, force: true })
})

async function open(folder = 'a/guard', owner: string | undefined = OWNER): Promise<Guard> {
  const guard = await openGuard(join(dir, folder), owner)
  opened.push(guard)
  return guard
}
async function close(guard: Guard): Promise<void> {
  opened.splice(opened.indexOf(guard), 1)
  await guard.close()
}

const said = (n: number, digest = n): Said => ({ kind: n % 2 ? 'answer' : 'vote', id: hash(n), digest: hash(digest) })

describe('the signing guard', () => {
  it('keeps kinds apart: an answer and a vote with one id are two things', async () => {
    const guard = await open()
    await guard.admit({ kind: 'answer', id: hash(1), digest: hash(2) })
    await guard.admit({ kind: 'vote', id: hash(1), digest: hash(3) })
    await expect(guard.admit({ kind: 'vote', id: hash(1), digest: hash(2) })).rejects.toMatchObject({ code: 'guard-refused' })
  })

  it('stops for good, also after a restart, until the operator begins a new life', async () => {
    const guard = await open()
    await guard.stop('seen elsewhere')
    await guard.stop('a later reason does not replace the first')
    await close(guard)
    const again = await open()
    expect(again.stopped()).toBe('seen elsewhere')
    await again.begin(7n)
    await close(again)
    const third = await open()
    expect(third.stopped()).toBeUndefined()
    expect(third.epoch()).toBe(7n)
    await expect(third.begin(6n)).rejects.toMatchObject({ code: 'guard-epoch' })
  })

  it('is brought from the first layout to this one, and refuses a newer one', async () => {
    const db = new Level<string, string>(join(dir, 'a/guard'))
    await db.put('owner', OWNER)
    await db.put(`said/answer/${hash(5)}`, hash(6))
    await db.close()
    const guard = await open()
    await guard.admit({ kind: 'answer', id: hash(5), digest: hash(6) })
    await expect(guard.admit({ kind: 'answer', id: hash(5), digest: hash(7) })).rejects.toMatchObject({ code: 'guard-refused' })
    await close(guard)
    const later = new Level<string, string>(join(dir, 'a/guard'))
    await later.sublevel<string, string>('meta', {}).put('schema', '3')
    await later.close()
    await expect(open()).rejects.toMatchObject({ code: 'guard-schema' })
  })

  it('moves to another folder with all that was said', async () => {
    const guard = await open()
    for (let n = 0; n < 50; n++) await guard.admit(said(n))
    expect(await exportGuard(guard, join(dir, 'file'))).toBe(50)
    const read = await readGuardFile(join(dir, 'file'))
    const other = await open('b/guard')
    expect(await other.absorb(read.said, read.epoch + 1n)).toBe(50)
    expect(other.epoch()).toBe(2n)
    await other.admit(said(8))
    await expect(other.admit(said(8, 99))).rejects.toMatchObject({ code: 'guard-refused' })
  })

  it('takes back from a file whatever it wrote there, of every kind: of a fisherman and of a sidecar', async () => {
    const kind = fc.constantFrom(...(Object.keys(GUARDED) as Guarded[]))
    const bytes32 = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes): Hex => bytesToHex(bytes))
    const each = Object.keys(GUARDED).map((name, i): Said => ({ kind: name as Guarded, id: hash(i), digest: hash(i + 1) }))
    const things = fc.uniqueArray(fc.record({ kind, id: bytes32, digest: bytes32 }), {
      selector: ({ kind, id }) => `${kind} ${id}`,
      maxLength: 12,
    })
    let run = 0
    await fc.assert(
      fc.asyncProperty(things, async (some) => {
        run++
        const [from, to] = [await open(`from${run}`), await open(`to${run}`)]
        const all = [...each, ...some]
        for (const one of all) await from.admit(one)
        expect(await exportGuard(from, join(dir, `file${run}`))).toBe(all.length)
        const read = await readGuardFile(join(dir, `file${run}`))
        expect(await to.absorb(read.said, 2n)).toBe(all.length)
        for (const one of all) {
          await to.admit(one)
          await expect(to.admit({ ...one, digest: hash(0) })).rejects.toMatchObject({ code: 'guard-refused' })
        }
        await Promise.all([close(from), close(to)])
      }),
      { numRuns: 8 },
    )
  })

  it('takes nothing of a file that contradicts what was said here', async () => {
    const guard = await open()
    for (let n = 0; n < 10; n++) await guard.admit(said(n))
    await exportGuard(guard, join(dir, 'file'))
    const other = await open('b/guard')
    await other.admit(said(9, 77))
    const read = await readGuardFile(join(dir, 'file'))
    await expect(other.absorb(read.said, 2n)).rejects.toMatchObject({ code: 'guard-conflict' })
    expect(other.epoch()).toBe(1n)
    await other.admit(said(3, 55))
  })
})

describe('fisherman guard', () => {
  let out: string[]
  let err: string[]
  beforeEach(async () => {
    ;[out, err] = [[], []]
    vi.spyOn(console, 'log').mockImplementation((line: string) => void out.push(line))
    vi.spyOn(console, 'error').mockImplementation((line: string) => void err.push(line))
    const guard = await open()
    for (let n = 0; n < 5; n++) await guard.admit(said(n))
    await close(guard)
  })
  const [a, b, file] = [() => join(dir, 'a'), () => join(dir, 'b'), () => join(dir, 'moved')]

  it('exports and stops here, imports and goes on there', async () => {
    expect(await guardExportCommand(file(), { dataDir: a() })).toBe(0)
    expect(out[0]).toMatch(/^5 signed statements written/)
    expect((await open()).stopped()).toMatch(/this key moved away/)
    expect(await guardImportCommand(file(), { dataDir: b() })).toBe(0)
    const there = await open('b/guard')
    expect(there.stopped()).toBeUndefined()
    await expect(there.admit(said(1, 9))).rejects.toMatchObject({ code: 'guard-refused' })
  })

  it.each<[string, () => Promise<unknown>, RegExp]>([
    ['is not there', () => rm(file()), /cannot read/],
    ['is empty', () => writeFile(file(), ''), /its last line does not vouch/],
    [
      'was changed',
      async () => writeFile(file(), (await readFile(file(), 'utf8')).replace(hash(3).slice(2), hash(9).slice(2))),
      /its last line does not vouch/,
    ],
    [
      'was cut',
      async () => writeFile(file(), (await readFile(file(), 'utf8')).split('\n').slice(0, 3).join('\n')),
      /its last line does not vouch/,
    ],
    ['is something else', () => writeFile(file(), '{"a":1}\nb\n'), /its first line says something else/],
    [
      'is of a newer version',
      async () => writeFile(file(), (await readFile(file(), 'utf8')).replace('"version":1', '"version":2')),
      /is of version 2/,
    ],
    [
      'holds another line',
      async () => writeFile(file(), (await readFile(file(), 'utf8')).replace('\nanswer', '\nlie')),
      /line \d is not one of its kind/,
    ],
    [
      'holds what only a newer program says',
      async () => writeFile(file(), (await readFile(file(), 'utf8')).replace('\nanswer', '\nauction')),
      /line \d is not one of its kind \("auction"\); if a newer program exported it, import it with that one\. Nothing was taken over/,
    ],
    [
      'holds a line that was cut short',
      async () =>
        writeFile(file(), (await readFile(file(), 'utf8')).replace(/0\nanswer/, '\nanswer').replace(/\d\nvote/, '\nvote')),
      /line \d is not one of its kind; export it once more, and copy it unchanged\. Nothing was taken over/,
    ],
  ])('refuses a file that %s, in one line, and writes nothing', async (_, spoil, line) => {
    await guardExportCommand(file(), { dataDir: a() })
    await spoil()
    expect(await guardImportCommand(file(), { dataDir: b() })).toBe(2)
    expect(err).toHaveLength(1)
    expect(err[0]).toMatch(line)
    expect(await readdir(dir)).not.toContain('b')
  })

  it('refuses the file of another key, and to write over a file', async () => {
    await guardExportCommand(file(), { dataDir: a() })
    await (await openGuard(join(b(), 'guard'), '31337:0xa1:0xyou')).close()
    expect(await guardImportCommand(file(), { dataDir: b() })).toBe(2)
    await (await openProofLog({ folder: join(dir, 'c/proofs'), identity: 'you' }, { clock: systemClock })).close()
    expect(await guardImportCommand(file(), { dataDir: join(dir, 'c') })).toBe(2)
    expect(await guardExportCommand(file(), { dataDir: a() })).toBe(2)
    expect(await guardExportCommand(`${file()}2`, { dataDir: join(dir, 'nowhere') })).toBe(2)
    expect(err[0]).toMatch(/belongs to 31337:0xa1:0xyou, not to/)
    expect(err[1]).toMatch(/belongs to you, not to/)
    expect(err[2]).toMatch(/exists; name a new file/)
    expect(err[3]).toMatch(/holds no signing guard/)
    expect(await readdir(join(dir, 'c'))).toEqual(['proofs'])
  })
})

describe('write-ahead', () => {
  it('acts only after the record, says where it is, and does nothing that is refused', async () => {
    const seen: string[] = []
    let reason: string | undefined
    const ahead = createWriteAhead({
      refuses: (step) => (step === 'sign' ? reason : undefined),
      reached: ({ step, what, stage }) => seen.push(`${step}.${what}.${stage}`),
    })
    const result = await ahead.run(
      'sign',
      'vote',
      async () => void seen.push('record'),
      () => {
        seen.push('act')
        return 7
      },
    )
    expect(result).toBe(7)
    expect(seen).toEqual(['sign.vote.before', 'record', 'sign.vote.recorded', 'act', 'sign.vote.done'])
    const act = vi.fn()
    await expect(ahead.run('sign', 'vote', async () => Promise.reject(new Error('disk')), act)).rejects.toThrow('disk')
    reason = 'the log is damaged'
    const record = vi.fn()
    await expect(ahead.run('sign', 'vote', record, act)).rejects.toMatchObject({ code: 'not-acting', message: reason })
    expect([record, act].map((f) => f.mock.calls.length)).toEqual([0, 0])
    await ahead.run(
      'say',
      'vote',
      async () => 0,
      () => 0,
    )
  })
})
