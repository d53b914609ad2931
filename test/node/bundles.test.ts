import { createHash, randomBytes } from 'node:crypto'
import { mkdir, readFile, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Wallet } from 'ethers'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { objectiveInputFiles } from '../../proofs/bundle.ts'
import type { Hex } from '../../proofs/types.ts'
import type { BundleDesk } from '../../src/gossip/bundle-client.ts'
import { decodeBundleHeader, decodeBundleRequest } from '../../src/gossip/bundle-frames.ts'
import { type BundleShelf, type OpenBundle, PEER_QUOTA } from '../../src/gossip/bundles.ts'
import { framesOn } from '../../src/gossip/pull-frames.ts'
import { createBundleDesk } from '../../src/pipeline/bundle-desk.ts'
import { addNotes, type BundleParts, writeBundle } from '../../src/prooflog/bundle.ts'
import { MEMBERS, proof, STRANGER } from '../gossip/world.ts'
import { addressOf, DOMAIN, hash, signStruct } from '../helpers/fixtures.ts'
import { createAttacker, topics } from './attacker.ts'
import { createNet, type Member, type Net, until } from './net.ts'

// Real files over real TCP: evidence goes to members, whole or in parts, and no other bytes are kept.

const [ALICE, BOB, CAROL] = MEMBERS as [Wallet, Wallet, Wallet]
let net: Net
let evidenceHash: Hex
let bundle: Buffer

beforeEach(async () => {
  net = await createNet()
  const { body, extra } = await proof()
  const { faultId, transcoder, receiptDigest } = body
  evidenceHash = body.evidenceHash
  const about = { faultId, transcoder, receiptDigest, evidenceHash }
  const inputs = objectiveInputFiles({ domain: DOMAIN, faultClass: 'O1', ...about, evidence: extra })
  const picture = join(net.folder, 'picture')
  await writeFile(picture, randomBytes(5_000_000))
  const json = Object.fromEntries(Object.entries(inputs).map(([name, value]) => [name, { json: value }])) as BundleParts
  await writeBundle(join(net.folder, 'bundle'), { inputs: json, notes: { 'sheet.png': { file: picture } } })
  bundle = await readFile(join(net.folder, 'bundle'))
})
afterEach(async () => net.close())

const fileIn = (folder: string, name: Hex) => join(net.folder, folder, `${name}.fishbundle`)

async function start(
  who: Wallet,
  name: string,
  peers: Member[],
  holds?: Buffer,
  changes: Partial<BundleShelf & BundleDesk> = {},
) {
  await mkdir(join(net.folder, name))
  if (holds) await writeFile(fileIn(name, evidenceHash), holds)
  const desk = createBundleDesk(
    { scratchDir: join(net.folder, `${name}-scratch`), searchPath: '' },
    {
      evidence: { fileOf: (it) => fileIn(name, it) },
      authorize: async (request) => ({ address: addressOf(who), signature: await signStruct(who, 'BlobRequest', request) }),
      nowMs: () => Date.now(),
    },
  )
  const bootstrap = peers.flatMap(({ gossip }) => gossip.addresses())
  const member = await net.start({ init: { bootstrap }, deps: { bundles: { ...desk, ...changes } } })
  await until(() => member.gossip.peers().length >= peers.length)
  return { ...member, desk }
}

/** Serves so many bytes a stream, and then breaks off; tells where each stream began. */
function cutting(desk: () => BundleShelf, bytes: number, began: number[]): Partial<BundleShelf> {
  return {
    async open(it) {
      const opened = await desk().open(it)
      let left = bytes
      const read = async (offset: number, length: number) => {
        if (left === bytes) began.push(offset)
        left -= length
        if (left < 0) throw new Error('cut')
        return await (opened as NonNullable<typeof opened>).read(offset, length)
      }
      return opened && { ...opened, read }
    },
  }
}

const fetchBy = ({ gossip }: Member, it = evidenceHash) => gossip.fetchBundle(it, { signal: AbortSignal.timeout(20_000) })
const unavailable = expect.objectContaining({ code: 'bundle-unavailable' })

describe('evidence over direct streams', () => {
  it('arrives whole, byte for byte, and is what its receiver serves next', async () => {
    const alice = await start(ALICE, 'alice', [], bundle)
    const bob = await start(BOB, 'bob', [alice])
    expect(await fetchBy(bob)).toBe(fileIn('bob', evidenceHash))
    expect((await readFile(fileIn('bob', evidenceHash))).equals(bundle)).toBe(true)
    expect(alice.gossip.counters()).toMatchObject({ 'bundles.served-ok': 1, 'bundles.served-bytes': bundle.length })
    await expect(fetchBy(bob, hash(99))).rejects.toEqual(unavailable)
    expect(alice.gossip.counters()['bundles.served-unknown']).toBe(3)
  })

  it('goes on at another peer where the first was cut, and asks for nothing twice', async () => {
    const began: [number[], number[]] = [[], []]
    const own: BundleShelf[] = []
    const alice = await start(
      ALICE,
      'alice',
      [],
      bundle,
      cutting(() => own[0] as BundleShelf, 2_500_000, began[0]),
    )
    const carol = await start(
      CAROL,
      'carol',
      [],
      bundle,
      cutting(() => own[1] as BundleShelf, 2_500_000, began[1]),
    )
    own.push(alice.desk, carol.desk)
    const bob = await start(BOB, 'bob', [alice, carol])
    await fetchBy(bob)
    expect((await readFile(fileIn('bob', evidenceHash))).equals(bundle)).toBe(true)
    // One gave the beginning, and only one; the other went on from a place that it did not send.
    expect(began.map(([first]) => first === 0).sort()).toEqual([false, true])
    expect(began.flat().filter((offset) => offset === 0)).toHaveLength(1)
    expect(bob.gossip.counters()['bundles.cut']).toBeGreaterThanOrEqual(1)
  })

  it('is refused to a stranger, and to a member whose signature was made for another peer', async () => {
    const alice = await start(ALICE, 'alice', [], bundle)
    const stranger = await start(STRANGER, 'stranger', [alice])
    await expect(fetchBy(stranger)).rejects.toEqual(unavailable)
    const thief = await start(BOB, 'thief', [alice], undefined, {
      authorize: async (request) => ({
        address: addressOf(BOB),
        signature: await signStruct(BOB, 'BlobRequest', { ...request, transcoder: addressOf(CAROL) }),
      }),
    })
    await expect(fetchBy(thief)).rejects.toEqual(unavailable)
    expect(alice.gossip.counters()).toMatchObject({ 'bundles.served-refused': 6 })
  })

  it('of a liar is not kept, and the liar is asked once only', async () => {
    const forged = Buffer.from(bundle)
    const at = forged.indexOf('"evidence":"0x') + 400
    forged[at] = forged[at] === 0x30 ? 0x31 : 0x30
    const liar = await start(ALICE, 'liar', [], forged)
    const bob = await start(BOB, 'bob', [liar])
    await expect(fetchBy(bob)).rejects.toEqual(unavailable)
    await expect(readFile(fileIn('bob', evidenceHash))).rejects.toMatchObject({ code: 'ENOENT' })
    expect(bob.gossip.counters()['bundles.refused']).toBe(1)
    const honest = await start(CAROL, 'carol', [], bundle)
    const dave = await start(MEMBERS[3] as Wallet, 'dave', [liar, honest])
    await fetchBy(dave)
    expect((await readFile(fileIn('dave', evidenceHash))).equals(bundle)).toBe(true)
  })

  it('asked for too often is busy', async () => {
    const alice = await start(ALICE, 'alice', [])
    const bob = await start(BOB, 'bob', [alice])
    for (let n = 0; n < 5; n++) await expect(fetchBy(bob, hash(n))).rejects.toEqual(unavailable)
    expect(alice.gossip.counters()).toMatchObject({ 'bundles.served-unknown': 12, 'bundles.served-busy': 3 })
  })

  it('is given to nobody who sends garbage, and to everybody else after it', async () => {
    const alice = await start(ALICE, 'alice', [], bundle)
    const attacker = await createAttacker(alice.gossip.addresses())
    try {
      const [link] = attacker.connections
      for (const bytes of [new Uint8Array(0), randomBytes(133), randomBytes(134), new Uint8Array(70_000)]) {
        const stream = await (link as NonNullable<typeof link>).newStream(topics.bundleProtocol)
        const wire = framesOn(stream, { frameBytes: 100_000, bufferBytes: 200_000 })
        await wire.write(bytes).catch(() => undefined)
        await expect(wire.read({ signal: AbortSignal.timeout(5_000) })).rejects.toThrow()
      }
    } finally {
      await attacker.node.stop()
    }
    expect(alice.gossip.counters()['bundles.serve-failed']).toBe(4)
    const bob = await start(BOB, 'bob', [alice])
    expect(await fetchBy(bob)).toBe(fileIn('bob', evidenceHash))
  })

  it('is denied to who sends garbage as often as it may ask, without a look at what comes next', async () => {
    const alice = await start(ALICE, 'alice', [], bundle)
    const attacker = await createAttacker(alice.gossip.addresses())
    try {
      const [link] = attacker.connections
      const send = async (bytes: Uint8Array) => {
        const stream = await (link as NonNullable<typeof link>).newStream(topics.bundleProtocol)
        const wire = framesOn(stream, { frameBytes: 100_000, bufferBytes: 200_000 })
        await wire.write(bytes).catch(() => undefined)
        return await wire.read({ signal: AbortSignal.timeout(5_000) }).then(
          (frame) => decodeBundleHeader(frame.subarray()).status,
          () => 'aborted',
        )
      }
      const answers: string[] = []
      for (let n = 0; n < PEER_QUOTA.burst; n++) answers.push(await send(randomBytes(10)))
      expect(answers).toEqual(Array(PEER_QUOTA.burst).fill('aborted'))
      expect(await send(randomBytes(10))).toBe('busy')
    } finally {
      await attacker.node.stop()
    }
    expect(alice.gossip.counters()).toMatchObject({ 'bundles.serve-failed': PEER_QUOTA.burst, 'bundles.served-busy': 1 })
    // It is its own quota that it used up.
    await fetchBy(await start(BOB, 'bob', [alice]))
  })

  it('with other notes is another file: begun anew at a member that holds one, not put together of two', async () => {
    const other = join(net.folder, 'other')
    await writeFile(other, bundle)
    await addNotes(other, { 'program.json': { json: { name: 'another member' } } })
    const theirs = await readFile(other)
    const own: BundleShelf[] = []
    const changes: Partial<BundleShelf> = {
      async open(it) {
        const opened = (await own[0]?.open(it)) as OpenBundle
        const read = (offset: number, length: number) =>
          offset < 1_000_000 ? opened.read(offset, length) : Promise.reject(new Error('cut'))
        return { ...opened, read }
      },
    }
    const alice = await start(ALICE, 'alice', [], bundle, changes)
    own.push(alice.desk)
    const bob = await start(BOB, 'bob', [alice])
    const carol = await start(CAROL, 'carol', [bob], theirs)
    await until(() => bob.gossip.peers().length >= 2)
    await fetchBy(bob)
    expect((await readFile(fileIn('bob', evidenceHash))).equals(theirs)).toBe(true)
    expect(carol.gossip.counters()['bundles.served-bytes']).toBe(theirs.length)
  })

  it('of an honest member is not lost by a liar that began it: each is asked alone then', async () => {
    const sha = `0x${createHash('sha256').update(bundle).digest('hex')}` as const
    const read = async (offset: number, length: number) => {
      if (offset >= 1_000_000) throw new Error('cut')
      return randomBytes(length)
    }
    const liar = await start(ALICE, 'liar', [], undefined, {
      open: async () => ({ size: bundle.length, sha, read, close: async () => undefined }),
    })
    const bob = await start(BOB, 'bob', [liar])
    await start(CAROL, 'carol', [bob], bundle)
    await until(() => bob.gossip.peers().length >= 2)
    await fetchBy(bob)
    expect((await readFile(fileIn('bob', evidenceHash))).equals(bundle)).toBe(true)
    expect(bob.gossip.counters()['bundles.mixed']).toBe(1)
    expect(bob.gossip.counters()['bundles.refused']).toBeUndefined()
  })

  it('is nothing where it is empty, or in pieces of another length', async () => {
    const sha = hash(5)
    const close = async () => undefined
    const read = async (_: number, length: number) => randomBytes(length - 1)
    const empty = await start(ALICE, 'empty', [], undefined, { open: async () => ({ size: 0, sha, read, close }) })
    await expect(fetchBy(await start(BOB, 'bob', [empty]))).rejects.toEqual(unavailable)
    const odd = await start(CAROL, 'odd', [], undefined, { open: async () => ({ size: 100_000, sha, read, close }) })
    await expect(fetchBy(await start(MEMBERS[3] as Wallet, 'dave', [odd]))).rejects.toEqual(unavailable)
  })

  it('is fetched once at a time, and a disk of ours that is full makes no liar of a peer', async () => {
    const full = Object.assign(new Error('no space left on device'), { code: 'ENOSPC' })
    const alice = await start(ALICE, 'alice', [], bundle)
    const bob = await start(BOB, 'bob', [alice], undefined, { take: () => Promise.reject(full) })
    const [first, second] = await Promise.allSettled([fetchBy(bob), fetchBy(bob)])
    expect(first).toMatchObject({ status: 'rejected', reason: { code: 'ENOSPC' } })
    expect(second).toMatchObject({ status: 'rejected', reason: { code: 'bundle-unavailable', blame: 'ours' } })
    expect(bob.gossip.counters()['bundles.refused']).toBeUndefined()
  })

  it('on the shelf is hashed anew where the file changed, and read to the end or not at all', async () => {
    const { desk } = await start(ALICE, 'alice', [], bundle)
    const file = fileIn('alice', evidenceHash)
    const first = (await desk.open(evidenceHash)) as OpenBundle
    expect(first).toMatchObject({ size: bundle.length, sha: `0x${createHash('sha256').update(bundle).digest('hex')}` })
    expect(await desk.open(hash(7))).toBeUndefined()
    await addNotes(file, { 'program.json': { json: { name: 'noted later' } } })
    const second = (await desk.open(evidenceHash)) as OpenBundle
    expect([second.size, second.sha]).not.toEqual([first.size, first.sha])
    // Who reads an older file goes on with that one.
    expect(Buffer.from(await first.read(bundle.length - 10, 10)).equals(bundle.subarray(-10))).toBe(true)
    await truncate(file, 100)
    await expect(second.read(90, 20)).rejects.toMatchObject({ code: 'bundle-short', blame: 'ours' })
    await Promise.all([first.close(), second.close()])
  })

  it('of another case, or that holds nothing, is not taken', async () => {
    const { desk } = await start(ALICE, 'alice', [])
    const signal = new AbortController().signal
    const part = desk.partFile(hash(8))
    await writeFile(part, bundle)
    await expect(desk.take(hash(8), part, { signal })).rejects.toMatchObject({ code: 'bundle-broken', blame: 'theirs' })
    await writeFile(part, Buffer.alloc(10_240))
    await expect(desk.take(hash(8), part, { signal })).rejects.toMatchObject({ code: 'bundle-broken', blame: 'theirs' })
    await expect(readFile(fileIn('alice', hash(8)))).rejects.toMatchObject({ code: 'ENOENT' })
  })

  it('is not spoken of in frames of another length or with lengths that no bundle has', () => {
    const violation = expect.objectContaining({ code: 'pull-violation' })
    for (const length of [0, 132, 134]) expect(() => decodeBundleRequest(new Uint8Array(length))).toThrowError(violation)
    expect(() => decodeBundleRequest(new Uint8Array(133).fill(255))).toThrowError(violation)
    expect(() => decodeBundleHeader(Uint8Array.of(4, ...new Uint8Array(40)))).toThrowError(violation)
    expect(() => decodeBundleHeader(new Uint8Array(41).fill(1).fill(255, 1, 9))).toThrowError(violation)
  })
})
