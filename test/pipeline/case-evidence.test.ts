import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { bundleInputFiles } from '../../proofs/bundle.ts'
import type { Hex } from '../../proofs/types.ts'
import { systemClock } from '../../src/base/clock.ts'
import { FishermanError } from '../../src/base/errors.ts'
import { SILENT } from '../../src/base/log.ts'
import { type BlobCache, createBlobCache } from '../../src/fetch/blobs.ts'
import { createBundleDesk } from '../../src/pipeline/bundle-desk.ts'
import { inputsOf } from '../../src/pipeline/bundles.ts'
import { type CaseEvidenceDeps, createCaseEvidence } from '../../src/pipeline/case-evidence.ts'
import { evidenceHashFor, type KnownReceipt } from '../../src/pipeline/ledger.ts'
import { writeBundle } from '../../src/prooflog/bundle.ts'
import { createEvidenceStore } from '../../src/prooflog/evidence.ts'
import { signedWork } from '../helpers/evidence.ts'
import { DOMAIN, hash, PROFILE } from '../helpers/fixtures.ts'

// Signed work, real bundles, a real folder, real HTTP: whoever brings the bytes of a case, what is replayed is what the receipt promised.

let home: string
let known: KnownReceipt
let evidenceHash: Hex
let about: { evidenceHash: Hex; sourceHash: Hex; contentHash: Hex }
let blobs: BlobCache
const servers: Server[] = []
const signal = new AbortController().signal
const SOURCE = 'the source of a case'
const RENDITION = 'what the node made of it'

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'fisherman-test-case-evidence-'))
  await mkdir(join(home, 'bundles'))
  await writeFile(join(home, 'source'), SOURCE)
  await writeFile(join(home, 'rendition'), RENDITION)
  known = await signedWork(join(home, 'source'), join(home, 'rendition'), PROFILE, {
    width: 2,
    height: 2,
    frames: 1,
    durationMs: 40,
  })
  evidenceHash = evidenceHashFor(known, 0)
  const { receipt, renditions } = known.receipt
  about = { evidenceHash, sourceHash: receipt.sourceHash, contentHash: renditions[0]?.contentHash as Hex }
  blobs = await createBlobCache(
    { folder: join(home, 'cache'), quotaBytes: 1e6 },
    { clock: systemClock, nowSec: () => 0, authorize: () => Promise.reject(new Error('no node is asked')) },
  )
})
afterEach(async () => {
  for (const server of servers.splice(0)) server.close()
  await rm(home, { recursive: true, force: true })
})

/** The bundle that a member made of this case, or of these other bytes. */
async function bundleFile(rendition = RENDITION): Promise<Buffer> {
  await writeFile(join(home, 'made'), rendition)
  const inputs = inputsOf({ domain: DOMAIN }, known, 0)
  if (!inputs) throw new Error('the window is drawn from')
  const json = Object.fromEntries(
    Object.entries(bundleInputFiles(inputs)).map(([name, value]) => [name, { json: JSON.parse(JSON.stringify(value)) }]),
  )
  const media = { 'source.bin': { file: join(home, 'source') }, 'rendition.bin': { file: join(home, 'made') } }
  const verdict = {
    outcome: 'fail',
    depth: 'prove',
    confirm: false,
    fisherman: null,
    draw: null,
    verdict: { reasons: [], measures: {} },
  }
  await writeBundle(join(home, 'bundle'), { inputs: { ...json, ...media }, notes: { 'verdict.json': { json: verdict } } })
  return await readFile(join(home, 'bundle'))
}

async function serving(bytes: Buffer | undefined, asked: string[]): Promise<string> {
  const server = createServer((request, response) => {
    asked.push(request.url ?? '')
    bytes ? response.end(bytes) : response.writeHead(404).end()
  }).listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  servers.push(server)
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
}

const nobody = async () => {
  throw new FishermanError({ code: 'bundle-unavailable', message: 'nobody has it', blame: 'unknown' })
}

function caseEvidence(fetchBundle: CaseEvidenceDeps['fetchBundle'], urls: string[] = [], quotaBytes = 1e6) {
  const log = { find: async () => [] }
  const evidence = createEvidenceStore({ folder: join(home, 'bundles') }, { log, nowMs: systemClock.nowMs })
  const desk = createBundleDesk(
    { scratchDir: join(home, 'scratch'), searchPath: '' },
    { evidence, authorize: () => Promise.reject(new Error('not asked')), nowMs: systemClock.nowMs },
  )
  const deps = { evidence, desk, blobs, fetchBundle, log: SILENT }
  return { ...createCaseEvidence({ scratchDir: join(home, 'scratch'), urls, quotaBytes }, deps), evidence }
}

describe('the evidence of a case', () => {
  beforeEach(async () => void (await mkdir(join(home, 'scratch'))))

  it('comes from a member, and its bytes are those of the receipt', async () => {
    const bytes = await bundleFile()
    const asked: Hex[] = []
    const it = caseEvidence(async (wanted) => {
      asked.push(wanted)
      await writeFile(it.evidence.fileOf(wanted), bytes)
      return it.evidence.fileOf(wanted)
    })
    const files = await it.get(about, { signal })
    expect(await readFile(files?.source as string, 'utf8')).toBe(SOURCE)
    expect(await readFile(files?.rendition as string, 'utf8')).toBe(RENDITION)
    // Held now: nobody is asked again.
    expect(await it.get(about, { signal })).toEqual(files)
    expect(asked).toEqual([evidenceHash])
    expect(await readdir(join(home, 'scratch'))).toEqual([])
  })

  it('comes by HTTP where no member gives it, from the first address that has the evidence', async () => {
    const asked: string[] = []
    const other = Buffer.from(await bundleFile('other bytes'))
    const urls = [await serving(undefined, asked), await serving(other, asked), await serving(await bundleFile(), asked)]
    const it = caseEvidence(nobody, urls)
    const files = await it.get(about, { signal })
    expect(await readFile(files?.rendition as string, 'utf8')).toBe(RENDITION)
    expect(asked).toEqual(Array(3).fill(`/fisherman/v1/bundles/${evidenceHash}`))
    expect(await it.evidence.has(evidenceHash)).toBe(true)
    expect(await readdir(join(home, 'scratch'))).toEqual([])
  })

  it('is not to be had from liars, and nothing of theirs is kept', async () => {
    const it = caseEvidence(nobody, [await serving(await bundleFile('other bytes'), []), await serving(Buffer.alloc(2000), [])])
    expect(await it.get(about, { signal })).toBeUndefined()
    expect(await it.evidence.has(evidenceHash)).toBe(false)
    expect(await readdir(join(home, 'cache'))).toEqual([])
    expect(await readdir(join(home, 'scratch'))).toEqual([])
  })

  it('that our own disk does not take is our fault and not that of the node', async () => {
    const ours = async () => {
      throw Object.assign(new Error('no space left'), { code: 'ENOSPC' })
    }
    await expect(caseEvidence(ours).get(about, { signal })).rejects.toThrow('no space left')
    await writeFile(join(home, 'bundles', `${evidenceHash}.fishbundle`), await bundleFile('rotten on our disk'))
    await expect(caseEvidence(nobody).get(about, { signal })).rejects.toMatchObject({ code: 'blob-wrong', blame: 'ours' })
  })

  it('is within the quota of evidence after it came', async () => {
    await writeFile(join(home, 'bundles', `${hash(3)}.fishbundle`), Buffer.alloc(50_000))
    const it = caseEvidence(nobody, [await serving(await bundleFile(), [])], 40_000)
    expect(await it.get(about, { signal })).toBeDefined()
    expect(await readdir(join(home, 'bundles'))).toEqual([`${evidenceHash}.fishbundle`])
  })
})
