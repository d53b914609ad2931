import { execFileSync, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Level } from 'level'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { verifyConsistency, verifyInclusion } from '../../proofs/log-tree.ts'
import { systemClock } from '../../src/base/clock.ts'
import { readBundlePart, writeBundle } from '../../src/prooflog/bundle.ts'
import { canonicalJson, entryHash } from '../../src/prooflog/entry.ts'
import { openProofLog, type ProofLog } from '../../src/prooflog/log.ts'
import { hash } from '../helpers/fixtures.ts'

let dir: string
const opened: ProofLog[] = []
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'fisherman-test-'))
})
afterEach(async () => {
  await Promise.all(opened.splice(0).map((log) => log.close()))
  await rm(dir, { recursive: true, force: true })
})

async function open(folder = join(dir, 'log'), identity = '31337:0xa1:me'): Promise<ProofLog> {
  const log = await openProofLog({ folder, identity }, { clock: systemClock })
  opened.push(log)
  return log
}

async function close(log: ProofLog): Promise<void> {
  opened.splice(opened.indexOf(log), 1)
  await log.close()
}

/** Changes the stored bytes behind the log's back. */
async function tamper(
  change: (entries: {
    get(k: string): Promise<string | undefined>
    put(k: string, v: string): Promise<void>
    del(k: string): Promise<void>
  }) => Promise<void>,
): Promise<void> {
  const db = new Level<string, string>(join(dir, 'log'))
  const entries = db.sublevel<string, string>('entry', {})
  await change({ get: (k) => entries.get(k), put: (k, v) => entries.put(k, v), del: (k) => entries.del(k) })
  await db.close()
}

const key = (seq: number) => seq.toString(16).padStart(14, '0')

describe('proof log', () => {
  it('numbers entries without gaps and chains each to the one before', async () => {
    const log = await open()
    await Promise.all(Array.from({ length: 100 }, (_, i) => log.append('verdict', { i })))
    let prev = hash(0)
    let seq = 0
    for await (const entry of log.entries()) {
      expect(entry).toMatchObject({ seq, prev, payload: { i: seq } })
      prev = entryHash(canonicalJson(entry as never))
      seq++
    }
    expect(log.head()).toMatchObject({ size: 100, hash: prev })
    expect(await log.verify()).toEqual({ ok: true, size: 100 })
  })

  it('goes on where it was after a restart', async () => {
    const first = await open()
    await first.append('sample', { a: 1 })
    const head = first.head()
    await close(first)
    const second = await open()
    expect(second.head()).toEqual(head)
    expect((await second.append('sample', { a: 2 })).prev).toBe(head.hash)
  })

  it('notices a changed entry on read and in a walk, with its number', async () => {
    const log = await open()
    for (let i = 0; i < 200; i++) void log.append('verdict', { outcome: 'pass', i })
    await log.append('verdict', { last: true })
    await close(log)
    await tamper(async (entries) => {
      const text = (await entries.get(key(7))) as string
      await entries.put(key(7), text.replace('pass', 'fail'))
    })
    const again = await open()
    await expect(again.read(7)).rejects.toMatchObject({ code: 'log-damaged' })
    expect(await again.verify()).toMatchObject({ ok: false, firstBad: 7 })
  })

  it('refuses to open when one of the last entries is gone, changed, or hidden by an older head', async () => {
    for (const damage of ['gone', 'changed', 'behind'] as const) {
      const folder = join(dir, 'log')
      await rm(folder, { recursive: true, force: true })
      const log = await open()
      for (let i = 0; i < 10; i++) await log.append('verdict', { i })
      await close(log)
      await tamper(async (entries) => {
        if (damage === 'gone') await entries.del(key(9))
        if (damage === 'changed') await entries.put(key(9), ((await entries.get(key(9))) as string).replace('"i":9', '"i":8'))
        if (damage === 'behind') await entries.put(key(10), 'x')
      })
      await expect(open()).rejects.toMatchObject({ code: 'log-damaged' })
    }
  })

  it('belongs to one identity and one process', async () => {
    const log = await open()
    await expect(open()).rejects.toMatchObject({ code: 'log-locked', message: expect.stringContaining('another fisherman') })
    await close(log)
    await expect(open(join(dir, 'log'), 'other')).rejects.toMatchObject({ code: 'log-identity' })
  })

  it('shows that an entry is in it and that it only grew, to whoever kept an old head', async () => {
    const log = await open()
    for (let i = 0; i < 20; i++) await log.append('verdict', { i })
    const old = log.head()
    for (let i = 20; i < 57; i++) await log.append('verdict', { i })
    await close(log)
    const again = await open()
    const head = again.head()
    expect(await again.rootAt(20)).toBe(old.root)
    const grew = await again.proveConsistency(old.size)
    expect(verifyConsistency(old.size, head.size, old.root, head.root, grew)).toBe(true)
    const leaf = entryHash(canonicalJson((await again.read(33)) as never))
    expect(verifyInclusion(leaf, 33, head.size, await again.proveInclusion(33), head.root)).toBe(true)
    await expect((async () => await again.proveInclusion(57))()).rejects.toMatchObject({ code: 'log-missing' })
    expect(() => again.proveInclusion(3, 58)).toThrow(/has 57 entries/)
  })

  it('is brought from the layout without a tree to this one, and refuses a newer one', async () => {
    const log = await open()
    for (let i = 0; i < 1_203; i++) void log.append('verdict', { i })
    await log.append('verdict', { last: true })
    const head = log.head()
    await close(log)
    const change = async (schema: string, bare: boolean) => {
      const db = new Level<string, string>(join(dir, 'log'))
      const meta = db.sublevel<string, string>('meta', {})
      await meta.put('schema', schema)
      if (bare) {
        await db.sublevel('node', {}).clear()
        await meta.put('head', JSON.stringify({ size: head.size, hash: head.hash }))
      }
      await db.close()
    }
    await change('1', true)
    const migrated = await open()
    expect(migrated.head()).toEqual(head)
    expect(await migrated.verify()).toEqual({ ok: true, size: 1_204 })
    await close(migrated)
    expect((await open()).head()).toEqual(head)
    await close(opened[0] as ProofLog)
    await change('5', false)
    await expect(open()).rejects.toMatchObject({ code: 'log-schema' })
  })

  it('does not open with a tree that is not that of its entries', async () => {
    const log = await open()
    for (let i = 0; i < 9; i++) await log.append('verdict', { i })
    await close(log)
    const db = new Level<string, string>(join(dir, 'log'))
    await db.sublevel<string, Uint8Array>('node', { valueEncoding: 'view' }).put(`03/${key(0)}`, new Uint8Array(32))
    await db.close()
    await expect(open()).rejects.toMatchObject({ code: 'log-damaged' })
  })

  it('keeps each statement once and hands them out after a cursor', async () => {
    const log = await open()
    await log.appendStatement('sent', 'answer', hash(1), Uint8Array.of(1, 2))
    expect(await log.appendStatement('received', 'answer', hash(1), Uint8Array.of(1, 2))).toBeUndefined()
    await log.appendStatement('received', 'window', hash(2), Uint8Array.of(3))
    expect((await log.statementsSince(0n, 10)).map((s) => [s.kind, [...s.bytes]])).toEqual([
      ['answer', [1, 2]],
      ['window', [3]],
    ])
    const [first] = await log.statementsSince(0n, 1)
    expect(await log.statementsSince(first?.seq ?? 0n, 10)).toHaveLength(1)
    await close(log)
    expect(await (await open()).hasStatement(hash(2))).toBe(true)
  })

  it('hands statements out by their kind, also of a log that was written before it could', async () => {
    const log = await open()
    const kinds = ['answer', 'window', 'answer', 'fraud-proof', 'head', 'fraud-proof', 'answer'] as const
    for (const [i, kind] of kinds.entries()) {
      await log.append('verdict', { i, kind: 'fraud-proof' })
      await log.appendStatement(i % 2 ? 'sent' : 'received', kind, hash(i + 1), Uint8Array.of(i + 1))
    }
    const ofKinds = async (asked: ProofLog, ...args: Parameters<ProofLog['statementsOfKinds']>) =>
      (await asked.statementsOfKinds(...args)).map(({ seq, kind, bytes }) => [Number(seq), kind, bytes[0]])
    const proofs = [
      [8, 'fraud-proof', 4],
      [12, 'fraud-proof', 6],
    ]
    const look = async (asked: ProofLog) => {
      expect(await ofKinds(asked, ['fraud-proof'], 0n, 10)).toEqual(proofs)
      expect(await ofKinds(asked, ['fraud-proof'], 8n, 10)).toEqual(proofs.slice(1))
      expect(await ofKinds(asked, ['fraud-proof'], 0n, 1)).toEqual(proofs.slice(0, 1))
      expect(await ofKinds(asked, ['vote'], 0n, 10)).toEqual([])
      expect(await ofKinds(asked, ['window', 'fraud-proof'], 0n, 2)).toEqual([[4, 'window', 2], proofs[0]])
      expect(await asked.lastStatement()).toMatchObject({ seq: 14n, kind: 'answer' })
      expect(await asked.verify()).toMatchObject({ ok: true })
    }
    await look(log)
    await close(log)
    const db = new Level<string, string>(join(dir, 'log'))
    await db.sublevel<string, string>('meta', {}).put('schema', '3')
    await db.sublevel('by', {}).clear({ gte: 's/', lt: 's/~' })
    await db.close()
    const migrated = await open()
    await look(migrated)
    await close(migrated)
    const bare = new Level<string, string>(join(dir, 'log'))
    expect(await bare.sublevel<string, string>('meta', {}).get('schema')).toBe('4')
    await bare.close()
  })

  it('loses nothing acknowledged when it is killed in the middle of writing', async () => {
    const script = join(dir, 'writer.mjs')
    execFileSync(join(process.cwd(), 'node_modules/.bin/esbuild'), [
      'src/prooflog/log.ts',
      '--bundle',
      '--format=esm',
      '--platform=node',
      '--packages=external',
      '--log-level=error',
      `--outfile=${join(process.cwd(), 'dist/test-log-writer.mjs')}`,
    ])
    await writeFile(
      script,
      `import { openProofLog } from ${JSON.stringify(join(process.cwd(), 'dist/test-log-writer.mjs'))}
       const log = await openProofLog({ folder: ${JSON.stringify(join(dir, 'log'))}, identity: '31337:0xa1:me' }, { clock: { nowMs: () => 1, monotonicMs: () => 1 } })
       for (;;) { const e = await Promise.all([1,2,3].map(() => log.append('verdict', { x: 'y'.repeat(300) }))); process.stdout.write(e.at(-1).seq + '\\n') }`,
    )
    const child = spawn(process.execPath, [script], { stdio: ['ignore', 'pipe', 'inherit'] })
    let acknowledged = ''
    child.stdout.on('data', (chunk) => {
      acknowledged += chunk
      if (acknowledged.length > 2000) child.kill('SIGKILL')
    })
    await new Promise((resolve) => child.on('close', resolve))
    const last = Number(acknowledged.trim().split('\n').at(-1))
    const log = await open()
    expect(log.head().size).toBeGreaterThan(last)
    expect(await log.verify()).toMatchObject({ ok: true })
  })
})

describe('bundle', () => {
  it('has the same bytes for the same inputs, sorted, without times, and can be read by tar', async () => {
    await writeFile(join(dir, 'source'), 'source bytes')
    const content = {
      inputs: { 'source.ts': { file: join(dir, 'source') }, 'inputs.json': { json: { b: 1, a: [2] } } },
      notes: { 'verdict.json': { json: { v: 1 } } },
    }
    await writeBundle(join(dir, 'a.fishbundle'), content)
    await cp(join(dir, 'source'), join(dir, 'copy'))
    await writeBundle(join(dir, 'b.fishbundle'), {
      ...content,
      inputs: { 'inputs.json': { json: { a: [2], b: 1 } }, 'source.ts': { file: join(dir, 'copy') } },
    })
    const [a, b] = await Promise.all(
      ['a', 'b'].map(async (name) =>
        createHash('sha256')
          .update(await readFile(join(dir, `${name}.fishbundle`)))
          .digest('hex'),
      ),
    )
    expect(a).toBe(b)
    expect(execFileSync('tar', ['-tf', join(dir, 'a.fishbundle')], { encoding: 'utf8' })).toBe(
      'inputs/inputs.json\ninputs/source.ts\nnotes/verdict.json\n',
    )
  })

  it('gives back one of its parts, and none that is not there or too long', async () => {
    const file = join(dir, 'd.fishbundle')
    await writeBundle(file, { inputs: { 'a.json': { json: { a: 1 } } }, notes: { 'b.json': { json: { b: 2 } } } })
    expect(String(await readBundlePart(file, /^notes\//, 100))).toBe('{"b":2}\n')
    expect(await readBundlePart(file, /^notes\//, 3)).toBeUndefined()
    expect(await readBundlePart(file, /^nothing$/, 100)).toBeUndefined()
    await writeFile(join(dir, 'broken'), 'x'.repeat(2000))
    await expect(readBundlePart(join(dir, 'broken'), /x/, 100)).rejects.toThrow()
  })

  it('leaves nothing behind when a part is missing', async () => {
    await expect(
      writeBundle(join(dir, 'c.fishbundle'), { inputs: { x: { file: join(dir, 'nowhere') } }, notes: {} }),
    ).rejects.toThrow()
    expect(await readdir(dir)).toEqual([])
  })
})
