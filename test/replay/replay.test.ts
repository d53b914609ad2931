import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { cp, mkdir, mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { pack } from 'tar-stream'
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { renditionLeaf } from '../../proofs/digest.ts'
import { encodePassThrough } from '../../proofs/evidence.ts'
import { passThroughOf } from '../../proofs/faults.ts'
import { merkleTree } from '../../proofs/merkle.ts'
import type { Answer, ConvictionVote, Hex } from '../../proofs/types.ts'
import { replayCommand } from '../../src/cli/replay.ts'
import type { Replay } from '../../src/replay.ts'
import { type Keeping, keeping, signedWork } from '../helpers/evidence.ts'
import {
  addressOf,
  DOMAIN,
  hash,
  PROFILE,
  receiptOf,
  renditions,
  signedReceipt,
  signStruct,
  wallet,
} from '../helpers/fixtures.ts'
import { clip, movingSource } from '../transcode/clips.ts'

// A forged rendition, judged for real, kept as a bundle, and replayed from nothing but the file.

const dir = await mkdtemp(join(tmpdir(), 'fisherman-test-replay-'))
let kept: Keeping
let bundle: string
let evidenceHash: Hex
let receiptDigest: Hex
let out: string[]
let err: string[]

const facts = { width: 426, height: 240, frames: 60, durationMs: 2000 }
/** The node served another video than the one that it was sent. */
const forged = () =>
  clip(
    'ts',
    '-i',
    movingSource(20),
    '-vf',
    'scale=426:240,hflip',
    '-an',
    '-c:v',
    'libx264',
    '-threads',
    '1',
    '-b:v',
    '300k',
    '-f',
    'mpegts',
  )

beforeAll(async () => {
  kept = await keeping(dir)
  const known = await signedWork(movingSource(0), forged(), PROFILE, facts)
  const result = await kept.check(known, movingSource(0), forged())
  expect(result).toMatchObject({ outcome: 'fail', faultClass: 'D2' })
  await kept.keeper.failed(result)
  ;({ evidenceHash } = result)
  receiptDigest = known.receipt.digest
  bundle = kept.fileOf(evidenceHash)
}, 120_000)
afterAll(async () => {
  await kept.log.close()
  await rm(dir, { recursive: true, force: true })
})
beforeEach(() => {
  ;[out, err] = [[], []]
  vi.spyOn(console, 'log').mockImplementation((line: string) => void out.push(line))
  vi.spyOn(console, 'error').mockImplementation((line: string) => void err.push(line))
})

async function replay(file = bundle): Promise<Replay> {
  out = []
  await replayCommand(file, { json: true })
  return JSON.parse(out[0] as string) as Replay
}

/** Unpacks the bundle, lets the test change it, and packs it again. */
async function changed(name: string, change: (folder: string) => Promise<unknown>): Promise<string> {
  const folder = join(dir, `changed-${name}`)
  await mkdir(folder)
  execFileSync('tar', ['-xf', bundle, '-C', folder])
  await change(folder)
  const file = join(dir, `${name}.fishbundle`)
  // Folders are no part of a bundle.
  execFileSync('sh', ['-c', `cd ${folder} && find inputs notes -type f | sort | tar -cf ${file} --format=ustar -T -`])
  return file
}

// biome-ignore lint/suspicious/noExplicitAny: the tests break JSON in ways that no type allows
async function rewrite(file: string, change: (json: any) => unknown): Promise<void> {
  const json = JSON.parse(await readFile(file, 'utf8'))
  change(json)
  await writeFile(file, JSON.stringify(json))
}

describe('an evidence bundle', () => {
  it('is the same bytes whoever keeps the same evidence, up to its notes', async () => {
    const names = execFileSync('tar', ['-tf', bundle], { encoding: 'utf8' }).trim().split('\n')
    expect(names).toEqual([
      ...['delegation', 'inputs', 'order', 'profiles', 'receipt'].map((name) => `inputs/${name}.json`),
      ...['rendition.bin', 'rendition.json', 'source.bin', 'window.json'].map((name) => `inputs/${name}`),
      ...['earlier', 'program', 'verdict'].map((name) => `notes/${name}.json`),
    ])
    const inputsOf = (file: string) => {
      const listed = execFileSync('tar', ['-xOf', file, ...names.filter((name) => name.startsWith('inputs/'))], {
        maxBuffer: 1e8,
      })
      return createHash('sha256').update(listed).digest('hex')
    }
    const other = await keeping(join(dir, 'other'))
    const known = await signedWork(movingSource(0), forged(), PROFILE, facts)
    const result = await other.check(known, movingSource(0), forged())
    await other.keeper.failed(result)
    expect(inputsOf(other.fileOf(evidenceHash))).toBe(inputsOf(bundle))
    await other.log.close()
  })

  it('is replayed line by line and reproduces', async () => {
    expect(await replayCommand(bundle, {})).toBe(0)
    const report = out[0] as string
    expect(report).toContain(`evidence ${evidenceHash}`)
    expect(report).toContain(`against ${addressOf(wallet(1))}`)
    for (const line of [
      /ok {2}source\.bin/,
      /ok {2}receipt .*signed by the node/,
      /ok {2}window .*16/,
      /ok {2}outcome .*fail/,
      /ok {2}fingerprint .*0x/,
    ])
      expect(report).toMatch(line)
    expect(report).toMatch(/ok {2}measures +all \d+ within 10 %/)
    expect(report).toMatch(/reproduced in \d/)
    expect(report).not.toMatch(/NO {2}/)
  })

  it('gains a contact sheet and the statements that decided it, and its inputs stay', async () => {
    const before = (await replay()).evidenceHash
    const known = await signedWork(movingSource(0), forged(), PROFILE, facts)
    await kept.keeper.picture(await kept.check(known, movingSource(0), forged()))
    const answer: Answer = {
      ...{ sampleId: hash(1), receiptDigest, rendition: 0, outcome: 1, evidenceHash, fingerprint: hash(2) },
      ...{ verdictVersion: 2, salt: hash(3) },
    }
    const vote: ConvictionVote = {
      ...{ faultId: hash(9), faultClass: 18, transcoder: addressOf(wallet(1)), receiptDigest, rendition: 0, evidenceHash },
      ...{ workCommit: hash(4), finder: addressOf(wallet(3)), verdictVersion: 2, deadline: 5n },
    }
    const said = { signer: addressOf(wallet(3)), extra: '0x' as const }
    await kept.say({ kind: 'answer', body: answer, ...said, signature: await signStruct(wallet(3), 'Answer', answer) })
    await kept.say({ kind: 'vote', body: vote, ...said, signature: await signStruct(wallet(3), 'ConvictionVote', vote) })
    await kept.keeper.decided(evidenceHash, { faultId: hash(9), receiptDigest })
    const result = await replay()
    expect(result).toMatchObject({ reproduced: true, evidenceHash: before })
    expect(result.checks.find(({ name }) => name === 'statements')?.detail).toMatch(/^2 signed: fail by 0x.*, vote of 0x/)
    const listing = execFileSync('tar', ['-tf', bundle], { encoding: 'utf8' })
    expect(listing).toMatch(/notes\/sheet\.png/)
  })

  it.each<[string, (folder: string) => Promise<unknown>, RegExp]>([
    [
      'another outcome',
      (at) => rewrite(`${at}/notes/verdict.json`, (j) => (j.outcome = 'pass')),
      /NO {2}outcome +recorded pass, here fail/,
    ],
    [
      'other reasons',
      (at) => rewrite(`${at}/notes/verdict.json`, (j) => Object.assign(j.verdict.reasons[0], { code: 'x' })),
      /NO {2}reasons/,
    ],
    [
      'another fingerprint',
      (at) => rewrite(`${at}/notes/verdict.json`, (j) => (j.verdict.fingerprint.value = hash(1))),
      /NO {2}fingerprint/,
    ],
    [
      'a draw of somebody else',
      (at) => rewrite(`${at}/notes/verdict.json`, (j) => (j.draw.fisherman = addressOf(wallet(9)))),
      /NO {2}fingerprint/,
    ],
    [
      'a measure that is a fifth too large',
      (at) => rewrite(`${at}/notes/verdict.json`, (j) => (j.verdict.measures['frame-error'] *= 1.2)),
      /NO {2}measures +1 of \d+ differ.*frame-error/,
    ],
    [
      'a receipt that somebody else signed',
      async (at) => {
        await rewrite(`${at}/inputs/receipt.json`, (j) => (j.signer = addressOf(wallet(9))))
        const delegation = { transcoder: addressOf(wallet(1)), signer: addressOf(wallet(9)), round: '1' }
        await rewrite(`${at}/inputs/delegation.json`, (j) => (j.delegation = delegation))
      },
      /NO {2}receipt/,
    ],
    ['a path that leads elsewhere', (at) => rewrite(`${at}/inputs/window.json`, (j) => (j.path[0] = hash(5))), /NO {2}window/],
    ['an order of another segment', (at) => rewrite(`${at}/inputs/order.json`, (j) => (j.order.seq = '8')), /NO {2}order/],
    [
      'a vote that nobody signed',
      (at) => writeFile(`${at}/notes/statements.json`, '{"statements":[{"kind":"vote","bytes":"0x00"}]}'),
      /NO {2}statements +number 1 cannot be read/,
    ],
  ])('with %s does not reproduce', async (name, change, line) => {
    const file = await changed(name.replaceAll(' ', '-'), change)
    expect(await replayCommand(file, {})).toBe(1)
    expect(out[0]).toMatch(line)
    expect(out[0]).toMatch(/NOT reproduced/)
  })

  it.each<[string, (file: string) => Promise<unknown>, RegExp]>([
    ['is not there', async () => undefined, /cannot read the bundle/],
    ['is empty', (file) => writeFile(file, ''), /no evidence bundle, or a broken one/],
    ['is noise', (file) => writeFile(file, Buffer.alloc(5000, 7)), /no evidence bundle, or a broken one/],
    ['is compressed', async (file) => writeFile(file, gzipSync(await readFile(bundle))), /no evidence bundle, or a broken one/],
    ['is cut', async (file) => cp(bundle, file).then(() => truncate(file, 100_000)), /no evidence bundle, or a broken one/],
    [
      'has another source',
      async (file) => cp(await changed('src', (at) => writeFile(`${at}/inputs/source.bin`, 'x')), file),
      /source\.bin is not the bytes/,
    ],
    [
      'has no rendition',
      async (file) => cp(await changed('ren', (at) => rm(`${at}/inputs/rendition.bin`)), file),
      /rendition\.bin is missing/,
    ],
    [
      'has another evidence hash',
      async (file) =>
        cp(await changed('evi', (at) => rewrite(`${at}/inputs/inputs.json`, (j) => (j.evidenceHash = hash(1)))), file),
      /does not stand for these inputs/,
    ],
    [
      'has an unknown field',
      async (file) => cp(await changed('fld', (at) => rewrite(`${at}/inputs/order.json`, (j) => (j.more = 1))), file),
      /no field "more"/,
    ],
    [
      'has a third file of media',
      async (file) => cp(await changed('3rd', (at) => writeFile(`${at}/inputs/more.bin`, 'x')), file),
      /inputs\/more\.bin is not known/,
    ],
    [
      'has a delegation of nobody',
      async (file) =>
        cp(await changed('dlg', (at) => rewrite(`${at}/inputs/receipt.json`, (j) => (j.signer = addressOf(wallet(9))))), file),
      /delegation is not that of its signer/,
    ],
    [
      'has no verdict',
      async (file) => cp(await changed('ver', (at) => rm(`${at}/notes/verdict.json`)), file),
      /notes\/verdict\.json is missing/,
    ],
    [
      'has JSON that is none',
      async (file) => cp(await changed('jsn', (at) => writeFile(`${at}/inputs/order.json`, '{')), file),
      /broken one/,
    ],
    [
      'is of another verdict version',
      async (file) =>
        cp(await changed('vsn', async (at) => rewrite(`${at}/inputs/inputs.json`, (j) => (j.verdictVersion = 1))), file),
      /judged by verdict version 1/,
    ],
    [
      'reaches out of its folder',
      (file) => tar(file, (archive) => archive.entry({ name: '../../evil.json' }, '{}')),
      /it holds "\.\.\/\.\.\/evil\.json"/,
    ],
    [
      'holds a link',
      (file) => tar(file, (archive) => archive.entry({ name: 'inputs/source.bin', type: 'symlink', linkname: '/etc/passwd' })),
      /it holds "inputs\/source\.bin"/,
    ],
    [
      'holds a file twice',
      (file) => tar(file, (archive) => [1, 2].map(() => archive.entry({ name: 'inputs/a.json' }, '{}'))),
      /inputs\/a\.json twice/,
    ],
    [
      'is a bomb',
      (file) => tar(file, (archive) => archive.entry({ name: 'inputs/a.json', size: 5_000_000 }, Buffer.alloc(5_000_000))),
      /at most 4194304 are allowed/,
    ],
    [
      'is a bomb of many parts',
      (file) =>
        tar(file, (archive) => {
          for (let i = 0; i < 3; i++)
            archive.entry({ name: `notes/a${i}.json`, size: 4_000_000 }, Buffer.from(`[${' '.repeat(3_999_998)}]`))
        }),
      /more than 8388608 bytes of JSON/,
    ],
    [
      'says its version with what nothing can print',
      async (file) =>
        cp(
          await changed('odd', async (at) =>
            rewrite(`${at}/inputs/inputs.json`, (j) => (j.bundleVersion = { toString: 1, valueOf: 1 } as never)),
          ),
          file,
        ),
      /bundle version none/,
    ],
    [
      'holds too many files',
      (file) =>
        tar(file, (archive) => {
          for (let i = 0; i < 70; i++) archive.entry({ name: `notes/a${i}.json` }, '{}')
        }),
      /more than 64 files/,
    ],
  ])('that %s is one clear line and exit code 2', async (name, make, line) => {
    const file = join(dir, `bad-${name.replaceAll(' ', '-')}`)
    await make(file)
    expect(await replayCommand(file, {})).toBe(2)
    expect(err).toHaveLength(1)
    expect(err[0]).toMatch(line)
    expect(err[0]).not.toContain('\n')
    expect(out).toEqual([])
  })

  it('of a fault that signatures prove needs no decoder', async () => {
    const leaves = renditions(2, (i) => (i === 1 ? hash(3) : hash(1000)))
    const signed = await signedReceipt(
      wallet(1),
      receiptOf(wallet(1), leaves, { renditionsRoot: merkleTree(leaves.map(renditionLeaf)).root }),
    )
    const found = passThroughOf(DOMAIN, signed, leaves)
    if (!found) throw new Error('no pass-through')
    await kept.keeper.objective({ fault: found.fault, evidence: encodePassThrough(found.evidence) })
    const [file] = (await readdir(join(dir, 'bundles'))).filter(
      (name) => name.endsWith('.fishbundle') && !name.startsWith(evidenceHash),
    )
    expect(await replayCommand(join(dir, 'bundles', file as string), {})).toBe(0)
    expect(out[0]).toMatch(/ok {2}O3 +0x[0-9a-f]{40} is proven at fault/)
    const lie = encodePassThrough({ ...found.evidence, rendition: { ...found.evidence.rendition, contentHash: hash(8) } })
    await kept.keeper.objective({ fault: found.fault, evidence: lie })
    const files = (await readdir(join(dir, 'bundles'))).filter(
      (name) => name.endsWith('.fishbundle') && !name.startsWith(evidenceHash) && name !== file,
    )
    expect(await replayCommand(join(dir, 'bundles', files[0] as string), {})).toBe(1)
    expect(out[1]).toMatch(/NO {2}O3 +the rendition is not the source/)
  })

  it('is kept while its case is open, and the oldest go first when the quota is full', async () => {
    const small = await keeping(join(dir, 'small'), 1)
    const known = await signedWork(movingSource(0), forged(), PROFILE, facts)
    const result = await small.check(known, movingSource(0), forged())
    await small.log.append('case', { faultId: hash(1), evidenceHash, state: 'open' })
    await small.keeper.failed(result)
    expect(await readdir(join(dir, 'small/bundles'))).toHaveLength(1)
    await small.log.append('case', { faultId: hash(1), state: 'settled' })
    await small.keeper.failed(result)
    expect(await readdir(join(dir, 'small/bundles'))).toHaveLength(0)
    await small.log.close()
  })
})

async function tar(file: string, fill: (archive: ReturnType<typeof pack>) => unknown): Promise<void> {
  const archive = pack()
  fill(archive)
  archive.finalize()
  const chunks: Buffer[] = []
  for await (const chunk of archive) chunks.push(chunk as Buffer)
  await writeFile(file, Buffer.concat(chunks))
}
