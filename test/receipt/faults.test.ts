import { spawnSync } from 'node:child_process'
import { beforeAll, describe, expect, it } from 'vitest'
import { checkEvidence } from '../../proofs/check.ts'
import { frameLeaf, objectiveEvidenceHash, profileHashOf } from '../../proofs/digest.ts'
import { strongDistance } from '../../proofs/faults.ts'
import { merkleTree } from '../../proofs/merkle.ts'
import { FAULT_CLASSES, type FrameFp, type Hex, type Profile, type Rendition, type TranscodeReceipt } from '../../proofs/types.ts'
import { keccakOf } from '../../src/base/keccak.ts'
import { dhash64 } from '../../src/fingerprint/pdq.ts'
import { createFaultFinder, type FoundFault } from '../../src/receipt/faults.ts'
import type { SegmentReceipt } from '../../src/receipt/row.ts'
import { outputSize } from '../../src/transcode/size.ts'
import { DOMAIN, hash, PROFILE, receiptDigest, receiptOf, renditions, signedReceipt, wallet } from '../helpers/fixtures.ts'
import { clip, rendition } from '../transcode/clips.ts'

const node = wallet(1)
let orders = 0

/** A row of a feed, as its reader hands it on. */
async function row(
  leaves: Rendition[],
  fingerprints?: FrameFp[],
  change: Partial<TranscodeReceipt> = {},
  profile: Profile = PROFILE,
): Promise<SegmentReceipt> {
  orders += 1
  const fingerprintRoot = merkleTree((fingerprints ?? []).map(frameLeaf)).root
  const receipt = receiptOf(node, leaves, { orderHash: hash(orders), fingerprintRoot, ...change })
  const { signature } = await signedReceipt(node, receipt)
  const digest = receiptDigest(receipt)
  const profiles = leaves.map(() => profile)
  return { digest, receipt, signature, renditions: leaves, profiles, ...(fingerprints ? { fingerprints } : {}) } as SegmentReceipt
}

const classes = (found: FoundFault[]) => found.map(({ fault }) => fault.faultClass)

/** What the finder says, each proof checked as a stranger would. */
function look(finder: ReturnType<typeof createFaultFinder>, receipt: SegmentReceipt) {
  const found = finder.look(receipt)
  for (const { fault, evidence } of found) {
    const evidenceHash = objectiveEvidenceHash(fault.faultClass, evidence)
    const claim = { ...fault, faultClass: FAULT_CLASSES[fault.faultClass], evidenceHash }
    expect(checkEvidence(DOMAIN, claim, evidence)).toMatchObject({ valid: true, accusedSigners: expect.anything() })
  }
  return classes(found)
}

const sized = (index: number, width: number, height: number, change: Partial<Rendition> = {}): Rendition => ({
  ...(renditions(1)[0] as Rendition),
  ...{ index, contentHash: hash(500 + index), width, height, pixels: BigInt(width * height * 60), ...change },
})
const frames = (look: bigint, tracks: number[], strong = 2n ** 64n - 1n): FrameFp[] =>
  tracks.flatMap((track) =>
    Array.from({ length: 8 }, (_, i) => ({ track, frame: i, ptsMs: i * 33, dhash: look ^ BigInt(i), strong })),
  )
const [LOOK, OTHER] = [0xffffffffn, 0xffff0000ffffn]

describe('the finder of faults', () => {
  it('finds one content of two sizes (O4)', async () => {
    const same = { contentHash: hash(9) }
    expect(look(createFaultFinder(DOMAIN), await row([sized(0, 426, 240, same), sized(1, 640, 360, same)]))).toEqual(['O4'])
  })

  it('finds pixels that were not there (O5), once', async () => {
    const finder = createFaultFinder(DOMAIN)
    const bad = await row([sized(0, 426, 240), sized(1, 640, 360, { pixels: 1n })])
    expect(look(finder, bad)).toEqual(['O5'])
    expect(look(finder, bad)).toEqual([])
  })

  it('finds fingerprints that contradict each other (O6), and says nothing where none are published', async () => {
    const prints = [...frames(LOOK, [0xffff, 1]), ...frames(OTHER, [0])]
    const { fingerprints: _, ...bare } = await row([sized(0, 426, 240)], prints)
    expect(look(createFaultFinder(DOMAIN), bare)).toEqual([])
    expect(look(createFaultFinder(DOMAIN), await row([sized(0, 426, 240)], prints))).toEqual(['O6'])
  })

  it('finds one content for two sources that differ (O2), and only of one node', async () => {
    const finder = createFaultFinder(DOMAIN)
    const make = (look: bigint, source: number) =>
      row([sized(0, 426, 240)], frames(look, [0xffff, 0]), { sourceHash: hash(source) })
    expect(look(finder, await make(LOOK, 71))).toEqual([])
    expect(look(finder, await make(OTHER, 72))).toEqual(['O2'])
    // The same source again is a retry; sources that look alike are alike.
    expect(look(createFaultFinder(DOMAIN), await make(LOOK, 71))).toEqual([])
    const alike = createFaultFinder(DOMAIN)
    expect([...look(alike, await make(LOOK, 71)), ...look(alike, await make(LOOK, 73))]).toEqual([])
    const small = createFaultFinder(DOMAIN)
    const tiny = (look: bigint, source: number) =>
      row([sized(0, 62, 62)], frames(look, [0xffff, 0]), { sourceHash: hash(source) })
    expect([...look(small, await tiny(LOOK, 71)), ...look(small, await tiny(OTHER, 72))]).toEqual([])
  })

  it('finds reuse in any leaf whose profile keeps all frames, and only in frames that both leaves show', async () => {
    const say = async (leaves: Rendition[], profiles: Profile[], spoiled = frames(OTHER, [0xffff])) => {
      const finder = createFaultFinder(DOMAIN)
      const make = async (prints: FrameFp[], source: number) => ({
        ...(await row(leaves, prints, { sourceHash: hash(source) })),
        profiles,
      })
      return [...look(finder, await make(frames(LOOK, [0xffff]), 71)), ...look(finder, await make(spoiled, 72))]
    }
    const fixed = { ...PROFILE, fpsNum: 25 }
    const bound = sized(0, 426, 240, { profileHash: profileHashOf(fixed) })
    const free = sized(1, 426, 240)
    expect(await say([bound, free], [fixed, PROFILE])).toEqual(['O2'])
    expect(await say([bound], [fixed])).toEqual([])
    // The row's reader refuses profiles that are not those of the leaves; the finder claims nothing of them either.
    expect(await say([free], [{ ...PROFILE, bitrate: 1 }])).toEqual([])
    expect(await say([free], [])).toEqual([])
    const short = (count: number) => sized(1, 426, 240, { frames: count, pixels: BigInt(426 * 240 * count) })
    expect(await say([short(4)], [PROFILE])).toEqual(['O2'])
    expect(await say([short(3)], [PROFILE])).toEqual([])
    expect(await say([short(3), sized(1, 426, 240)], [PROFILE, PROFILE])).toEqual(['O2'])
  })

  it('needs 20 bits that are strong in both, on eight frames', async () => {
    const [a, b] = [frames(0n, [0xffff]), frames(0n, [0])]
    const say = async (bits: bigint, count: number, strong = 2n ** 64n - 1n) => {
      const changed = b.map((frame, i) => ({
        ...frame,
        dhash: i < count ? frame.dhash ^ ((1n << bits) - 1n) : frame.dhash,
        strong,
      }))
      return look(createFaultFinder(DOMAIN), await row([sized(0, 426, 240)], [...a, ...changed]))
    }
    expect(await say(20n, 8)).toEqual(['O6'])
    expect(await say(19n, 8)).toEqual([])
    expect(await say(64n, 7)).toEqual([])
    expect(await say(64n, 8, (1n << 19n) - 1n)).toEqual([])
  })
})

describe('a node that makes work', () => {
  /** A receipt of ten rungs that all share their contents, and how often its fingerprints were gone through, and hashed for a tree. */
  const shared = async (look: bigint, source: number) => {
    const prints = frames(look, [0xffff])
    const work = { compared: 0, hashed: 0 }
    const counted = Object.assign([...prints], {
      flatMap: (...args: Parameters<typeof prints.flatMap>) => {
        work.compared++
        return prints.flatMap(...args)
      },
      map: (...args: Parameters<typeof prints.map>) => {
        work.hashed++
        return prints.map(...args)
      },
    }) as FrameFp[]
    const leaves = Array.from({ length: 10 }, (_, i) => sized(i, 426, 240))
    return { receipt: { ...(await row(leaves, prints, { sourceHash: hash(source) })), fingerprints: counted }, work }
  }
  const sum = (works: { compared: number; hashed: number }[]) => ({
    compared: works.reduce((all, { compared }) => all + compared, 0),
    hashed: works.reduce((all, { hashed }) => all + hashed, 0),
  })
  /** Six earlier receipts that look alike; what was counted of them so far is taken away. */
  const earlier = async (finder: ReturnType<typeof createFaultFinder>) => {
    const all = await Promise.all([71, 72, 73, 74, 75, 76].map((source) => shared(LOOK, source)))
    for (const { receipt } of all) expect(look(finder, receipt)).toEqual([])
    for (const { work } of all) Object.assign(work, { compared: 0, hashed: 0 })
    return all.map(({ work }) => work)
  }

  it('has each receipt compared with four others at most, however many contents they share', async () => {
    const finder = createFaultFinder(DOMAIN)
    const works = await earlier(finder)
    expect(look(finder, (await shared(LOOK, 77)).receipt)).toEqual([])
    expect(sum(works)).toEqual({ compared: 4, hashed: 0 })
  })

  it('has one reuse proven for a receipt, and never again', async () => {
    const finder = createFaultFinder(DOMAIN)
    const works = await earlier(finder)
    const { receipt } = await shared(OTHER, 77)
    expect(look(finder, receipt)).toEqual(['O2'])
    expect(sum(works)).toEqual({ compared: 1, hashed: 1 })
    expect(look(finder, receipt)).toEqual([])
    expect(sum(works)).toEqual({ compared: 1, hashed: 1 })
  })

  it('shields no reuse with retries of one source', async () => {
    const finder = createFaultFinder(DOMAIN)
    const content = (i: number) => sized(0, 426, 240, { contentHash: hash(600 + i) })
    const make = (leaves: Rendition[], look: bigint, source: number) =>
      row(leaves, frames(look, [0xffff]), { sourceHash: hash(source) })
    for (let i = 0; i < 4; i++) look(finder, await make([content(1)], OTHER, 72))
    look(finder, await make([content(2)], LOOK, 71))
    const both = [content(1), { ...content(2), index: 1 }]
    expect(look(finder, await make(both, OTHER, 72))).toEqual(['O2'])
  })

  it('fills no memory with fingerprints: the oldest are forgotten', async () => {
    const say = async (again: number) => {
      // Of eight fingerprints each, two fit.
      const finder = createFaultFinder(DOMAIN, { keepFingerprints: 20 })
      const make = (i: number, look: bigint, source: number) =>
        row([sized(0, 426, 240, { contentHash: hash(600 + i) })], frames(look, [0xffff]), { sourceHash: hash(source) })
      for (const i of [1, 2, 3]) expect(look(finder, await make(i, LOOK, 70 + i))).toEqual([])
      return look(finder, await make(again, OTHER, 80))
    }
    expect(await say(3)).toEqual(['O2'])
    expect(await say(1)).toEqual([])
  })
})

describe('honest work that a careless predicate would slash', () => {
  it('profiles of 640x360 and 640x480 on a 16:9 source: one size, one content', async () => {
    const size = { source: { width: 1280, height: 720 } }
    const [a, b] = [
      [640, 360],
      [640, 480],
    ].map(([width, height]) => outputSize(size.source, { width: width as number, height: height as number }))
    expect(a).toEqual(b)
    const same = { contentHash: hash(9) }
    const leaves = [sized(0, 640, 360, same), sized(1, 640, 360, same)]
    expect(look(createFaultFinder(DOMAIN), await row(leaves))).toEqual([])
  })

  it('profiles of fps 0 and fps 25 on a source of 25: one content, one size', async () => {
    const same = { contentHash: hash(9), frames: 50, pixels: 426n * 240n * 50n }
    expect(look(createFaultFinder(DOMAIN), await row([sized(0, 426, 240, same), sized(1, 426, 240, same)]))).toEqual([])
  })

  it('a profile of 25 frames a second: two sources that differ only in frames which it drops have one output', async () => {
    const fixed = { ...PROFILE, fpsNum: 25 }
    const finder = createFaultFinder(DOMAIN)
    // 50 frames a second; the output keeps every other one.
    const source = (look: bigint) =>
      frames(LOOK, [0xffff]).map((frame) => (frame.frame % 2 ? { ...frame, dhash: look ^ BigInt(frame.frame) } : frame))
    const made = sized(0, 426, 240, { frames: 30, pixels: 426n * 240n * 30n, profileHash: profileHashOf(fixed) })
    const make = (look: bigint, from: number) => row([made], source(look), { sourceHash: hash(from) }, fixed)
    expect([...look(finder, await make(LOOK, 71)), ...look(finder, await make(OTHER, 72))]).toEqual([])
  })

  it('a size that changes inside: no size, any number of pixels, one content beside another', async () => {
    const same = { contentHash: hash(9), pixels: 12_345n }
    const leaves = [sized(0, 0, 0, same), sized(1, 640, 360, { contentHash: hash(9) })]
    expect(look(createFaultFinder(DOMAIN), await row(leaves))).toEqual([])
  })

  it('a retried segment and a receipt that is signed again', async () => {
    const finder = createFaultFinder(DOMAIN)
    const leaves = [sized(0, 426, 240)]
    const prints = frames(LOOK, [0xffff, 0])
    const first = await row(leaves, prints)
    const again = { orderHash: first.receipt.orderHash, completedAt: 2_000n, round: 2n }
    expect([...look(finder, first), ...look(finder, await row(leaves, prints, again)), ...look(finder, first)]).toEqual([])
  })
})

// Real footage, decoded and fingerprinted.
describe('footage without a picture', () => {
  const make = (name: string, filter: string) =>
    clip(
      'ts',
      '-f',
      'lavfi',
      '-i',
      filter,
      '-t',
      '1',
      '-c:v',
      'libx264',
      '-threads',
      '1',
      '-crf',
      '18',
      '-pix_fmt',
      'yuv420p',
      '-metadata',
      `title=${name}`,
      '-f',
      'mpegts',
    )
  const noise = (seed: number) =>
    make(`noise${seed}`, `color=gray:s=320x180:r=25,noise=all_seed=${seed}:alls=100:allf=t,format=yuv420p`)
  const dark = (seed: number) =>
    make(`dark${seed}`, `color=0x030303:s=320x180:r=25,noise=all_seed=${seed}:alls=4:allf=t,format=yuv420p`)

  /** Fingerprints of the frames of a file. */
  function prints(file: string, track: number): FrameFp[] {
    const size = [426, 240] as const
    const filter = `scale=${size.join(':')}:flags=area+accurate_rnd+bitexact,format=gray`
    const run = spawnSync('ffmpeg', ['-v', 'error', '-i', file, '-vf', filter, '-f', 'rawvideo', '-'], { maxBuffer: 1e8 })
    const length = size[0] * size[1]
    const count = Math.floor(run.stdout.length / length)
    expect(count).toBe(25)
    return Array.from({ length: count }, (_, i) => {
      const { hash: dhash, strong } = dhash64(run.stdout.subarray(i * length, (i + 1) * length), ...size)
      return { track, frame: i, ptsMs: i * 40, dhash: BigInt(dhash), strong: BigInt(strong) }
    })
  }

  const low = { width: 256, height: 144, kbit: 60 }
  beforeAll(() => void [noise(1), dark(1)])

  it.each([
    ['noise', noise],
    ['near black', dark],
  ] as const)('%s, encoded low, contradicts nothing (O6)', async (_, source) => {
    const file = source(1)
    const all = [...prints(file, 0xffff), ...prints(rendition(file, low), 0)]
    // Careless: all bits count. Then honest work differs on many frames.
    const sees = (frame: FrameFp) => ({ ...frame, strong: 2n ** 64n - 1n })
    const [of, made] = [all.slice(0, 25), all.slice(25)]
    const careless = of.filter((frame, i) => strongDistance(sees(frame), sees(made[i] as FrameFp)) >= 20)
    expect(careless.length).toBeGreaterThanOrEqual(8)
    expect(look(createFaultFinder(DOMAIN), await row([sized(0, 426, 240)], all))).toEqual([])
  })

  it.each([
    ['noise', noise],
    ['near black', dark],
  ] as const)('two sources of %s with one content are no reuse (O2)', async (_, source) => {
    const finder = createFaultFinder(DOMAIN)
    for (const seed of [1, 2]) {
      const sourceHash: Hex = await keccakOf({ file: source(seed) })
      const receipt = await row([sized(0, 426, 240, { contentHash: hash(9) })], prints(source(seed), 0xffff), { sourceHash })
      expect(look(finder, receipt)).toEqual([])
    }
  })
})
