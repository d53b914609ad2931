import { readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { objectiveInputFiles } from '../../proofs/bundle.ts'
import type { Statement } from '../../proofs/codec.ts'
import { faultIdOf, workCommitOf, ZERO_HASH } from '../../proofs/digest.ts'
import { encodeConviction, shareOf } from '../../proofs/evidence.ts'
import { type ConvictionVote, FAULT_CLASSES, type Hex, VERDICT_VERSION } from '../../proofs/types.ts'
import { watch } from '../../src/monitor/watch/library.ts'
import type { BundleOptions } from '../../src/monitor/watch/types.ts'
import { writeBundle } from '../../src/prooflog/bundle.ts'
import { MEMBERS, sign } from '../gossip/world.ts'
import { type Keeping, keeping, signedWork } from '../helpers/evidence.ts'
import { addressOf, DOMAIN, hash, PROFILE, signStruct } from '../helpers/fixtures.ts'
import { createNet, type Member, type Net } from '../node/net.ts'
import { clip, movingSource } from '../transcode/clips.ts'
import { fresh, watching } from './watch-world.ts'

// A watcher fetches the evidence behind what it hears: a real bundle of a forged rendition and one of signatures, over real HTTP.

let folder: string
let net: Net
let fisher: Member
let kept: Keeping
let server: Server
let url: string
const served = new Map<string, Buffer>()
let pictures: Statement<'fraud-proof'>
let signatures: Statement<'fraud-proof'>

/** Three strangers convict: a watcher cannot know that they are strangers. */
async function convictionOf(known: Awaited<ReturnType<typeof signedWork>>, evidenceHash: Hex) {
  const { receipt, signature, digest } = known.receipt
  const { transcoder } = receipt
  const faultId = faultIdOf('D2', transcoder, digest)
  const faultClass = FAULT_CLASSES.D2
  const vote: ConvictionVote = {
    ...{ faultId, faultClass, transcoder, receiptDigest: digest, rendition: 0, evidenceHash, workCommit: ZERO_HASH },
    ...{ finder: addressOf(MEMBERS[0]!), verdictVersion: VERDICT_VERSION, deadline: 4_000_000_000n },
  }
  const voters = MEMBERS.slice(0, 3).sort((a, b) => (addressOf(a) < addressOf(b) ? -1 : 1))
  const shares = await Promise.all(
    voters.map(async (voter, i) => {
      const workCommit = workCommitOf(addressOf(voter), hash(i))
      return shareOf(workCommit, await signStruct(voter, 'ConvictionVote', { ...vote, workCommit }))
    }),
  )
  const now = BigInt(Math.floor(Date.now() / 1000))
  const body = {
    ...{ faultId, faultClass, transcoder, reporter: addressOf(MEMBERS[0]!), receiptDigest: digest, evidenceHash },
    ...{ observedAt: now, expiresAt: now + 3_600n },
  }
  const evidence = encodeConviction({ signed: { receipt, signature }, vote, shares })
  return (await sign(MEMBERS[0]!, 'fraud-proof', body, evidence)) as Statement<'fraud-proof'>
}

async function signedBundle({ body, extra: evidence }: Statement<'fraud-proof'>): Promise<Buffer> {
  const { transcoder, receiptDigest, faultId, evidenceHash } = body
  const about = { domain: DOMAIN, faultClass: 'O1' as const, transcoder, receiptDigest, faultId, evidenceHash }
  const inputs = Object.entries(objectiveInputFiles({ ...about, evidence }))
  const file = join(folder, `${faultId}.fishbundle`)
  await writeBundle(file, {
    inputs: Object.fromEntries(inputs.map(([name, json]) => [name, { json: json as never }])),
    notes: {},
  })
  return readFileSync(file)
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fisherman-test-bundles-'))
  kept = await keeping(folder)
  const [source, rendition] = [
    movingSource(0),
    clip(
      'ts',
      ...[
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
      ],
    ),
  ]
  const known = await signedWork(source, rendition, PROFILE, { width: 426, height: 240, frames: 60, durationMs: 2000 })
  const result = await kept.check(known, source, rendition)
  await kept.keeper.failed(result)
  pictures = await convictionOf(known, result.evidenceHash)
  served.set(result.evidenceHash, readFileSync(kept.fileOf(result.evidenceHash)))

  signatures = await fresh(1)
  const { evidenceHash } = signatures.body
  served.set(evidenceHash, await signedBundle(signatures))

  server = createServer((request, response) => {
    const bytes = served.get(/^\/fisherman\/v1\/bundles\/(0x[0-9a-f]{64})$/.exec(request.url ?? '')?.[1] ?? '')
    response.writeHead(bytes ? 200 : 404).end(bytes)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  net = await createNet()
  fisher = await net.start()
  fisher.store.add(pictures)
  fisher.store.add(signatures)
}, 120_000)
afterAll(async () => {
  await net?.close()
  server?.close()
  await kept?.log.close()
  await rm(folder, { recursive: true, force: true })
})

async function bundlesOf(options: Partial<BundleOptions> = {}) {
  const bundles = { urls: [url], ...options }
  const { proofs, counts } = await watching(watch, { peers: fisher.gossip.addresses(), once: true, bundles })
  const of = (one: Statement<'fraud-proof'>) => proofs.find(({ faultId }) => faultId === one.body.faultId)
  return { pictures: of(pictures), signatures: of(signatures), counts }
}

it('looks at hashes, signatures and paths without ffmpeg, and a conviction stays unconfirmed', async () => {
  const found = await bundlesOf()
  expect(found.signatures?.bundle).toEqual({ state: 'holds', reason: 'signatures and paths', url })
  expect(found.pictures).toMatchObject({
    ...{ faultClass: 'D2', verified: 'unconfirmed', voters: expect.objectContaining({ length: 3 }) },
    reason: '3 votes; only the chain says whether they are registered fishermen with two thirds of the weight',
    bundle: { state: 'holds', reason: 'hashes, signatures and paths; the pictures were not judged' },
  })
})

it('judges the pictures again where it is asked to', async () => {
  const found = await bundlesOf({ replay: true })
  expect(found.pictures?.bundle).toEqual({ state: 'reproduced', reason: 'the verdict came out again', url })
  expect(found.counts.contradicted).toBe(0)
})

it('does not take a fault of the server for one of the proof: nobody there, none, too long, broken, of another case', async () => {
  const { evidenceHash } = signatures.body
  const whole = served.get(evidenceHash)!
  const reasonOf = async (bytes: Buffer | undefined, options: Partial<BundleOptions> = {}) => {
    if (bytes) served.set(evidenceHash, bytes)
    else served.delete(evidenceHash)
    const { signatures: proof, counts } = await bundlesOf(options)
    served.set(evidenceHash, whole)
    expect(proof).toMatchObject({ verified: 'yes', bundle: { state: 'unavailable' } })
    expect(counts.contradicted).toBe(0)
    return proof?.bundle?.reason
  }
  expect(await reasonOf(whole, { urls: ['http://127.0.0.1:9'] })).toMatch(/could not be reached/)
  expect(await reasonOf(undefined)).toMatch(/answered 404/)
  expect(await reasonOf(whole, { maxBytes: 100 })).toMatch(/sent more than 100 bytes/)
  expect(await reasonOf(whole.subarray(0, 700))).toMatch(/broken/)
  // Of another node, and of another fault of the same one.
  expect(await reasonOf(served.get(pictures.body.evidenceHash))).toBe('the bundle is of another case')
  expect(await reasonOf(await signedBundle(await fresh(2)))).toBe('the bundle is of another case')
  expect((await bundlesOf({ urls: ['http://127.0.0.1:9', url] })).signatures?.bundle).toMatchObject({ state: 'holds', url })
})

it('tells a whole bundle that does not hold, and asks the next one first', async () => {
  const { evidenceHash } = pictures.body
  const whole = served.get(evidenceHash)!
  const text = whole.toString('latin1')
  const signature = /"signature":"0x([0-9a-f]{8})/.exec(text)!
  const bad = Buffer.from(text.replace(signature[1]!, '0'.repeat(8)), 'latin1')
  served.set(evidenceHash, bad)
  const found = await bundlesOf()
  served.set(evidenceHash, whole)
  expect(found.pictures?.bundle).toMatchObject({ state: 'contradicts', reason: expect.stringMatching(/not signed by/) })
  expect(found.counts.contradicted).toBe(1)
})
