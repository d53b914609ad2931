import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { checkFraudProof } from '../../proofs/check.ts'
import type { Statement } from '../../proofs/codec.ts'
import { objectiveEvidenceHash, ZERO_HASH } from '../../proofs/digest.ts'
import { SOURCE_TRACK } from '../../proofs/types.ts'
import { type Guard, openGuard } from '../../src/attest/guard.ts'
import { SILENT } from '../../src/base/log.ts'
import { runFfmpeg } from '../../src/devnet/ffmpeg.ts'
import { DEFAULT_LADDER } from '../../src/devnet/ladder.ts'
import { cutSegments } from '../../src/devnet/segments.ts'
import { makeRenditions } from '../../src/devnet/work.ts'
import { dhash64 } from '../../src/fingerprint/pdq.ts'
import { createJudge, type Judge } from '../../src/judge.ts'
import { createFaultFinder } from '../../src/receipt/faults.ts'
import { readReceiptLine, type SegmentReceipt } from '../../src/receipt/row.ts'
import { type Sidecar, type SidecarDeps, startSidecar } from '../../src/sidecar/sidecar.ts'
import { drawVideo } from '../devnet/clips.ts'
import { type TestLedger, testLedger } from '../devnet/orchestrators.ts'
import { sign } from '../gossip/world.ts'
import { addressOf, DOMAIN, wallet } from '../helpers/fixtures.ts'
import { type FakeNode, fakeNode } from './node.ts'
import { buildThread } from './thread-file.ts'
import { firstWindow, NODE, PUBLIC, push, until, work } from './world.ts'

// A sidecar that commits to fingerprints of its sources: real ffmpeg, real receipts, and what a fisherman makes of them.

const { signal } = new AbortController()
let folder: string
let threadFile: URL
/** Two different sources, and honest renditions of the first. */
let files: string[]
let sources: Buffer[]
let made: Buffer[]
let judge: Judge

async function segmentOf(name: string, source: string): Promise<string> {
  const video = join(folder, `${name}.mp4`)
  await drawVideo(video, { seconds: 2, source })
  const cut = await cutSegments({ video, folder: join(folder, name), count: 1, signal })
  return cut.files[0] as string
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fisherman-test-prints-'))
  threadFile = await buildThread(folder)
  files = [await segmentOf('first', 'testsrc2'), await segmentOf('second', 'testsrc')]
  sources = await Promise.all(files.map((file) => readFile(file)))
  const renditions = await makeRenditions('honest', { source: files[0] as string, profiles: DEFAULT_LADDER, folder, signal })
  made = await Promise.all(renditions.map(({ file }) => readFile(file)))
  judge = createJudge({ scratchDir: join(folder, 'scratch'), searchPath: process.env.PATH ?? '', maxJobs: 1 })
}, 60_000)
afterAll(() => rm(folder, { recursive: true, force: true }))

let node: FakeNode
let ledger: TestLedger
let guard: Guard
let sidecar: Sidecar | undefined
beforeEach(async () => {
  node = await fakeNode()
  ledger = testLedger()
  guard = await openGuard(join(await mkdtemp(join(folder, 'guard-')), 'guard'), 'test')
  work(node, made)
})
afterEach(async () => {
  await sidecar?.stop()
  await guard.close()
  await node.close()
})

async function start(how: Pick<SidecarDeps, 'prints'> = { prints: judge.prints }): Promise<Sidecar> {
  const init = {
    ...{ upstream: new URL(node.origin), publicUrl: PUBLIC, listen: { host: '127.0.0.1', port: 0 }, threadFile },
    ...{
      transcoder: NODE.address,
      mediaBytes: 1e9,
      windows: 100,
      fetchAfterMs: 100,
      dataDir: await mkdtemp(join(folder, 'data-')),
    },
  }
  sidecar = await startSidecar(init, { ledger, signer: NODE, guard, log: SILENT, ...how })
  return sidecar
}

/** The receipts of the first window, as a fisherman reads them: signatures, roots and fingerprints are held together. */
async function receiptsOf(running: Sidecar, count: number): Promise<SegmentReceipt[]> {
  await until(() => running.counters().receipts === count, running.counters)
  const { window } = await firstWindow(running, ledger, count)
  const lines = await (await fetch(`${running.url}/fisherman/v1/receipts?window=${window.windowId}`)).text()
  return lines
    .split('\n')
    .filter(Boolean)
    .map((line) => readReceiptLine(DOMAIN, JSON.parse(line)))
}

describe('a sidecar that commits to fingerprints', () => {
  it('publishes every eighth frame of the source under the root of the receipt, and none of its own renditions', async () => {
    const running = await start()
    await push(running, sources[0] as Buffer)
    const [receipt] = await receiptsOf(running, 1)
    const prints = receipt?.fingerprints ?? []
    expect(prints.map(({ track, frame }) => [track, frame])).toEqual(Array.from({ length: 8 }, (_, i) => [SOURCE_TRACK, 8 * i]))
    expect(prints.map(({ ptsMs }) => ptsMs)).toEqual(prints.map(({ frame }) => Math.round((frame * 1_000) / 30)))
    // The same frames another way: all of the source decoded to a file of luma, and looked up there.
    const raw = join(folder, 'luma.raw')
    const args = ['-i', files[0] as string, '-map', '0:v:0', '-vf', 'extractplanes=y', '-fps_mode', 'passthrough']
    await runFfmpeg([...args, '-f', 'rawvideo', raw], { signal, timeoutMs: 30_000 })
    const luma = await readFile(raw)
    const [width, height] = [640, 360]
    for (const { frame, dhash, strong } of prints) {
      const plane = luma.subarray(frame * width * height, (frame + 1) * width * height)
      const own = dhash64(plane, width, height)
      expect([dhash, strong]).toEqual([BigInt(own.hash), BigInt(own.strong)])
    }
    expect(createFaultFinder(DOMAIN).look(receipt as SegmentReceipt)).toEqual([])
  })

  it('makes its node provable where an output is used for another source, and no honest one guilty', async () => {
    const running = await start()
    await push(running, sources[0] as Buffer)
    await until(() => running.counters().receipts === 1, running.counters)
    // The node gives the renditions of the first for the second.
    await push(running, sources[1] as Buffer, { seq: 8n })
    const receipts = await receiptsOf(running, 2)
    const finder = createFaultFinder(DOMAIN)
    const found = receipts.flatMap((receipt) => finder.look(receipt))
    expect(found.map(({ fault }) => fault.faultClass)).toEqual(['O2'])
    const [{ fault, evidence } = found[0]!] = found
    const body = {
      ...{ faultId: fault.faultId, faultClass: 2, transcoder: fault.transcoder, reporter: addressOf(wallet(1)) },
      ...{ receiptDigest: fault.receiptDigest, evidenceHash: objectiveEvidenceHash('O2', evidence) },
      ...{ observedAt: 1n, expiresAt: 2n },
    }
    const report = (await sign(wallet(1), 'fraud-proof', body, evidence)) as Statement<'fraud-proof'>
    expect(checkFraudProof(DOMAIN, report)).toMatchObject({ valid: true, accusedSigners: [NODE.address, NODE.address] })
  })

  it('signs a receipt without them for a source that is not sound, and where decoding fails or cannot keep up', async () => {
    const cut = join(folder, 'broken.ts')
    const broken = Buffer.from(sources[0] as Buffer)
    for (let at = 60_000; at < broken.length; at += 1_000) broken[at] = (broken[at] as number) ^ 0x55
    await writeFile(cut, broken)
    await expect(judge.prints(cut)).rejects.toMatchObject({ code: 'no-fingerprints', blame: 'theirs' })
    await expect(judge.prints(threadFile.pathname)).rejects.toMatchObject({ code: 'no-fingerprints' })

    let release = () => {}
    const waits = new Promise<void>((resolve) => {
      release = resolve
    })
    let asked = 0
    const prints = async (source: string) => {
      if (asked++ === 0) await waits
      if (asked === 2) throw new Error('no ffmpeg any more')
      return await judge.prints(source)
    }
    const running = await start({ prints })
    // The first is held up; behind it wait more than may.
    for (let seq = 20; seq < 33; seq++) {
      work(node, made, seq)
      await push(running, seq === 32 ? broken : (sources[0] as Buffer), { seq: BigInt(seq) })
    }
    await until(() => asked === 1)
    await new Promise((resolve) => setTimeout(resolve, 300))
    release()
    const receipts = await receiptsOf(running, 13)
    const counters = running.counters()
    expect(counters['unfingerprinted.failed']).toBe(1)
    expect(counters['unfingerprinted.source']).toBe(1)
    expect(counters['unfingerprinted.busy']).toBeGreaterThan(1)
    const without = receipts.filter(({ receipt, fingerprints }) => receipt.fingerprintRoot === ZERO_HASH && !fingerprints)
    expect(without).toHaveLength(2 + (counters['unfingerprinted.busy'] ?? 0))
  })

  it('has none by default', async () => {
    const running = await start({})
    await push(running, sources[0] as Buffer)
    const [receipt] = await receiptsOf(running, 1)
    expect([receipt?.receipt.fingerprintRoot, receipt?.fingerprints]).toEqual([ZERO_HASH, undefined])
  })
})
