import type { Wallet } from 'ethers'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { checkEvidence } from '../../proofs/check.ts'
import { digestOf, equivocationIdOf, faultIdOf, objectiveEvidenceHash, profileHashOf, reuseIdOf } from '../../proofs/digest.ts'
import {
  encodeContradiction,
  encodeDuplicate,
  encodeEquivocation,
  encodeMetering,
  encodePassThrough,
  encodeReuse,
  type FramePair,
  type ProvenRendition,
  type Reuse,
  type SignedReceipt,
} from '../../proofs/evidence.ts'
import { FAULT_CLASSES, type FaultClass, type FrameFp, type Hex, type Rendition } from '../../proofs/types.ts'
import { commitmentOf } from '../../src/chain/build.ts'
import { tokens } from '../../src/chain/presets.ts'
import { addressOf } from '../../src/chain/setup.ts'
import { contradiction, duplicate, leaf, metering, published, reuse } from './proofs.ts'
import { createWorld, highS, passThrough, receipt, signed, unique, type World } from './world.ts'

// Each class: its proof takes what it costs; every change of it, in every field, is refused by name. The same bytes are refused by the
// check that needs no chain.

let world: World
let clean: string
beforeAll(async () => {
  world = await createWorld({ roundSec: 3600 })
  clean = await world.snapshot()
})
afterAll(() => world?.stop())
beforeEach(async () => {
  await world.revert(clean)
  clean = await world.snapshot()
})

const node = () => world.orchestrators[0]!
const hunter = () => world.fishermen[0]!
const stakeOf = async (wallet: Wallet) => (await world.view('deposit', 'stakeOf', [wallet.address])) as bigint

type Mutation = [what: string, evidence: Hex, error: string]

const other = (value: unknown): unknown =>
  typeof value === 'bigint'
    ? value ^ 1n
    : typeof value === 'number'
      ? value ^ 1
      : (value as Hex).length === 42
        ? addressOf(world.stranger)
        : unique()

/** Every field of a receipt, and every way to sign it wrongly. */
async function receipts(
  own: SignedReceipt,
  encode: (changed: SignedReceipt) => Hex,
  special: Partial<Record<string, string>> = {},
): Promise<Mutation[]> {
  const made: Mutation[] = []
  for (const [field, value] of Object.entries(own.receipt)) {
    const changed = { ...own, receipt: { ...own.receipt, [field]: other(value) } }
    made.push([`receipt.${field}`, encode(changed), special[field] ?? 'NotSigner'])
  }
  const bad = { ...own, signature: '0x' as Hex }
  for (const [what, signature] of [
    ['high s', highS(own.signature)],
    ['64 bytes', own.signature.slice(0, -2)],
    ['v 0 or 1', `${own.signature.slice(0, -2)}${own.signature.endsWith('1b') ? '00' : '01'}`],
    ['zeros', `0x${'00'.repeat(65)}`],
    ['nothing', '0x'],
  ] as [string, Hex][])
    made.push([`signature: ${what}`, encode({ ...bad, signature }), 'BadSignature'])
  made.push(['a stranger signs', encode(await signed(world.stranger, world.domain, own.receipt)), 'NotSigner'])
  made.push(['another chain', encode(await signed(node(), { ...world.domain, chainId: 1n }, own.receipt)), 'NotSigner'])
  const anchor = addressOf(world.stranger)
  made.push(['another anchor', encode(await signed(node(), { ...world.domain, anchor }, own.receipt)), 'NotSigner'])
  return made
}

/** Every field of a leaf, and every wrong path to it. */
function leaves(
  { rendition, path }: ProvenRendition,
  encode: (changed: ProvenRendition) => Hex,
  special: Partial<Record<keyof Rendition, string>> = {},
): Mutation[] {
  const fields = Object.entries(rendition).map(([field, value]): Mutation => {
    const changed = { rendition: { ...rendition, [field]: other(value) }, path }
    return [`leaf.${field}`, encode(changed), special[field as keyof Rendition] ?? 'NotUnderRoot']
  })
  const paths = Object.entries({
    none: [],
    longer: [...path, unique()],
    other: path.map(() => unique()),
    doubled: [...path, ...path],
  }).map(([what, route]): Mutation => [`path: ${what}`, encode({ rendition, path: route as Hex[] }), 'NotUnderRoot'])
  return [...fields, ...paths]
}

/** Every field of both frames of the first pair, paths, order and number. */
function pairs(frames: FramePair[], encode: (changed: FramePair[]) => Hex, special: Partial<Record<string, string>>): Mutation[] {
  const made: Mutation[] = []
  const change = (i: number, part: Partial<FramePair>) => encode(frames.map((pair, j) => (i === j ? { ...pair, ...part } : pair)))
  for (const side of ['a', 'b'] as const) {
    for (const [field, value] of Object.entries(frames[1]![side]) as [keyof FrameFp, number | bigint][]) {
      const changed = { ...frames[1]![side], [field]: other(value) } as FrameFp
      made.push([`${side}.${field}`, change(1, { [side]: changed }), special[`${side}.${field}`] ?? 'FrameNotUnderRoot'])
    }
    const key = side === 'a' ? 'pathA' : 'pathB'
    for (const route of [[], [...frames[0]![key], unique()], frames[1]![key]])
      made.push([`${key} of ${route.length}`, change(0, { [key]: route }), 'FrameNotUnderRoot'])
  }
  made.push(['one pair fewer', encode(frames.slice(1)), 'TooFewFrames'])
  made.push(['none', encode([]), 'TooFewFrames'])
  made.push(['a pair twice', encode([frames[0]!, ...frames.slice(0, -1)]), 'FramesNotAscending'])
  made.push(['backwards', encode([...frames].reverse()), 'FramesNotAscending'])
  made.push(['the same look', change(0, { b: { ...frames[0]!.b, dhash: frames[0]!.a.dhash } }), 'TooSimilar'])
  const weak = (strong: bigint) => change(0, { a: { ...frames[0]!.a, strong } })
  made.push(['weak bits', weak(0n), 'TooSimilar'])
  const difference = frames[0]!.a.dhash ^ frames[0]!.b.dhash
  // One bit after another, until 19 and 20 of those that differ are strong.
  const strongBits = (count: number) => {
    let mask = 0n
    for (let bit = 0n; count > 0; bit++) if ((difference >> bit) & 1n) [mask, count] = [mask | (1n << bit), count - 1]
    return mask
  }
  made.push(['19 strong bits', weak(strongBits(19)), 'TooSimilar'])
  made.push(['20 strong bits, not the leaf', weak(strongBits(20)), 'FrameNotUnderRoot'])
  return made
}

async function expectRefused(faultClass: FaultClass, good: Hex, claimed: { faultId: Hex; receiptDigest: Hex }, all: Mutation[]) {
  const number = FAULT_CLASSES[faultClass]
  const claim = (evidence: Hex) => ({
    ...{ faultClass: number, transcoder: addressOf(node()), ...claimed },
    evidenceHash: objectiveEvidenceHash(faultClass, evidence),
  })
  const chainSays = (evidence: Hex) => world.why('faultVerifier', 'checkObjective', [number, evidence])
  expect(await chainSays(good)).toBe('ok')
  const valid = checkEvidence(world.domain, claim(good), good)
  expect(valid).toMatchObject({ valid: true })
  const said: Mutation[] = []
  for (const [what, evidence] of all) said.push([what, '0x', await chainSays(evidence)])
  expect(said).toEqual(all.map(([what, , error]) => [what, '0x', error]))
  expect(all.length).toBeGreaterThanOrEqual(30)
  // Without a chain a wrong signer is not seen but named: then it is not the node.
  const taken = all.filter(([, evidence]) => {
    const result = checkEvidence(world.domain, claim(evidence), evidence)
    return result.valid && result.accusedSigners.every((signer) => signer === addressOf(node()))
  })
  expect(taken.map(([what]) => what)).toEqual([])
}

async function costs(faultClass: number, { evidence, faultId }: { evidence: Hex; faultId: Hex }, amount: bigint) {
  const before = await stakeOf(node())
  const salt = unique('salt')
  await world.send(hunter(), 'verifier', 'commit', [commitmentOf(addressOf(hunter()), faultId, salt)])
  await world.pass(3)
  await world.send(hunter(), 'verifier', 'reveal', [faultClass, evidence, salt])
  expect(before - (await stakeOf(node()))).toBe(amount)
  expect(await world.view('verifier', 'isConvicted', [faultId])).toBe(true)
}

const digest = ({ receipt: value }: SignedReceipt) => digestOf(world.domain, 'TranscodeReceipt', value)
const onReceipt = (faultClass: 'O3' | 'O4' | 'O5' | 'O6', own: SignedReceipt) => ({
  faultId: faultIdOf(faultClass, own.receipt.transcoder, digest(own)),
  receiptDigest: digest(own),
})

describe('O1', () => {
  it('refuses every mutation', async () => {
    const first = receipt(node())
    const pair = [first, { ...first, renditionsRoot: unique() }].map((value) => signed(node(), world.domain, value))
    const [a, b] = (await Promise.all(pair)).sort((p, q) => (digest(p) < digest(q) ? -1 : 1)) as [SignedReceipt, SignedReceipt]
    const encode = (x: SignedReceipt, y: SignedReceipt) => encodeEquivocation({ kind: 'receipts', a: x, b: y })
    const special = { orderHash: 'DifferentOrders', transcoder: 'DifferentTranscoders' }
    await expectRefused(
      'O1',
      encode(a, b),
      { faultId: equivocationIdOf(first.transcoder, first.orderHash), receiptDigest: digest(a) },
      [
        ...(await receipts(a, (changed) => encode(changed, b), special)),
        ...(await receipts(b, (changed) => encode(a, changed), special)),
      ],
    )
  })
})

describe('O2', () => {
  it('costs 3 %', async () => costs(2, await reuse(world, node()), tokens(30)))

  it('refuses every mutation', async () => {
    const { value, evidence, faultId } = await reuse(world, node())
    const { a, b, frames, profile } = value
    const special = { transcoder: 'DifferentTranscoders' }
    const content = { contentHash: 'DifferentContents', profileHash: 'WrongProfile' }
    const twice = { ...b, receipt: { ...b.receipt, sourceHash: a.receipt.sourceHash } }
    const same = { profileHash: a.rendition.profileHash }
    /** Both receipts signed anew over a leaf that says so. */
    const again = async (change: Partial<Rendition>, other: Partial<Rendition> = change): Promise<Partial<Reuse>> => {
      const side = async (own: Reuse['a'], changed: Partial<Rendition>) => {
        const one = { ...own.rendition, ...changed }
        const { fingerprintRoot } = own.receipt
        const { signed: made } = await published(world, node(), [one], [], { fingerprintRoot })
        return { ...made, rendition: one, path: [] }
      }
      const [x, y] = [await side(a, change), await side(b, other)]
      if (digest(x) < digest(y)) return { a: x, b: y }
      return { a: y, b: x, frames: frames.map((pair) => ({ a: pair.b, pathA: pair.pathB, b: pair.a, pathB: pair.pathA })) }
    }
    const fixed = { ...profile, fpsNum: 25 }
    const rate = await again({ profileHash: profileHashOf(fixed) })
    // The last pair is of frame 21: both leaves must show it.
    expect(frames.at(-1)?.a.frame).toBe(21)
    expect(
      await world.why('faultVerifier', 'checkObjective', [2, encodeReuse({ ...value, ...(await again({ frames: 22 })) })]),
    ).toBe('ok')
    const small = async (width: number, height: number): Promise<Mutation> => {
      const leafs = [leaf(0, width, height, { ...same, contentHash: a.rendition.contentHash })]
      const { signed: own } = await published(world, node(), leafs)
      const proven = { ...own, rendition: leafs[0]!, path: [] }
      return [`${width}x${height}`, encodeReuse({ ...value, a: proven }), 'TooSmall']
    }
    await expectRefused('O2', evidence, { faultId, receiptDigest: digest(a) }, [
      ...(await receipts(a, (changed) => encodeReuse({ ...value, a: { ...a, ...changed } }), special)),
      ...(await receipts(b, (changed) => encodeReuse({ ...value, b: { ...b, ...changed } }), special)),
      ...leaves(a, (changed) => encodeReuse({ ...value, a: { ...a, ...changed } }), content),
      ...leaves(b, (changed) => encodeReuse({ ...value, b: { ...b, ...changed } }), content),
      ...pairs(frames, (changed) => encodeReuse({ ...value, frames: changed }), {
        ...{ 'a.track': 'WrongFrames', 'a.frame': 'WrongFrames', 'b.track': 'WrongFrames', 'b.frame': 'WrongFrames' },
      }),
      ['the receipts exchanged', encodeReuse({ ...value, a: b, b: a }), 'NotAscending'],
      ['one source', encodeReuse({ ...value, b: twice }), 'SameSource'],
      ...Object.entries(profile).map(([field, said]): Mutation => {
        return [`profile.${field}`, encodeReuse({ ...value, profile: { ...profile, [field]: other(said) } }), 'WrongProfile']
      }),
      ['a profile of 25 frames a second', encodeReuse({ ...value, ...rate, profile: fixed }), 'FixedRate'],
      ['one leaf short of a frame', encodeReuse({ ...value, ...(await again({ frames: 21 }, {})) }), 'FrameNotShown'],
      ['the other leaf short of it', encodeReuse({ ...value, ...(await again({}, { frames: 21 })) }), 'FrameNotShown'],
      await small(63, 64),
      await small(64, 63),
    ])
  })

  it('has an id of its own for each pair of receipts, and counts the statute from the newer', async () => {
    const { value, faultId } = await reuse(world, node())
    const [lower, higher] = [digest(value.a), digest(value.b)]
    expect(reuseIdOf(addressOf(node()), lower, higher)).toBe(faultId)
    expect(await world.view('anchor', 'reuseId', [node().address, lower, higher])).toBe(faultId)
    await world.pass(15 * 3600)
    const round = (await world.view('rounds', 'currentRound', [])) as bigint
    const at = async (change: bigint) => {
      const { evidence } = await reuse(world, node(), { round: change })
      return world.why('faultVerifier', 'checkObjective', [2, evidence])
    }
    expect(await at(round - 14n)).toBe('ok')
    expect(await at(round - 15n)).toBe('StatuteExpired')
  })
})

describe('O3', () => {
  it('refuses every mutation', async () => {
    const { signed: own, leaves: all, path, evidence, faultId } = await passThrough(world, node())
    const proven = { rendition: all[1]!, path: path(1) }
    await expectRefused('O3', evidence, { faultId, receiptDigest: digest(own) }, [
      ...(await receipts(own, (changed) => encodePassThrough({ signed: changed, ...proven }), { sourceHash: 'NotPassThrough' })),
      ...leaves(proven, (changed) => encodePassThrough({ signed: own, ...changed }), { contentHash: 'NotPassThrough' }),
    ])
  })
})

describe('O4', () => {
  it('costs 3 %', async () => costs(4, await duplicate(world, node()), tokens(30)))

  it('refuses every mutation', async () => {
    const { value, evidence } = await duplicate(world, node())
    const { signed: own, a, b } = value
    const resized = (side: 'a' | 'b', size: Partial<Rendition>): Hex =>
      encodeDuplicate({ ...value, [side]: { ...value[side], rendition: { ...value[side].rendition, ...size } } })
    const same = { width: a.rendition.width, height: a.rendition.height }
    await expectRefused('O4', evidence, onReceipt('O4', own), [
      ...(await receipts(own, (changed) => encodeDuplicate({ ...value, signed: changed }))),
      ...leaves(a, (changed) => encodeDuplicate({ ...value, a: changed }), { contentHash: 'DifferentContents' }),
      ...leaves(b, (changed) => encodeDuplicate({ ...value, b: changed }), { contentHash: 'DifferentContents' }),
      ['the same size', resized('b', same), 'NotDuplicate'],
      ['the same leaf twice', encodeDuplicate({ ...value, b: a }), 'NotDuplicate'],
      ['no width', resized('a', { width: 0 }), 'NotDuplicate'],
      ['no height', resized('b', { height: 0 }), 'NotDuplicate'],
      ['another width only', resized('b', { ...same, width: 641 }), 'NotUnderRoot'],
      ['another height only', resized('b', { ...same, height: 361 }), 'NotUnderRoot'],
      ['exchanged', encodeDuplicate({ ...value, a: b, b: a }), 'NotAscending'],
      ['one index, which is O1', resized('b', { index: a.rendition.index }), 'NotAscending'],
    ])
  })
})

describe('O5', () => {
  it('costs 1 %', async () => costs(5, await metering(world, node()), tokens(10)))

  it('refuses every mutation', async () => {
    const { value, evidence } = await metering(world, node())
    const { signed: own, rendition, path } = value
    const change = (part: Partial<Rendition>) => encodeMetering({ ...value, rendition: { ...rendition, ...part } })
    await expectRefused('O5', evidence, onReceipt('O5', own), [
      ...(await receipts(own, (changed) => encodeMetering({ ...value, signed: changed }))),
      ...leaves({ rendition, path }, (changed) => encodeMetering({ ...value, ...changed })),
      ['the right pixels', change({ pixels: 640n * 360n * 60n }), 'NotMisstated'],
      ['twice the frames', change({ frames: 120 }), 'NotMisstated'],
      ['no width', change({ width: 0 }), 'NotMisstated'],
      ['no height', change({ height: 0 }), 'NotMisstated'],
    ])
  })

  it('does not wrap around for the largest leaf', async () => {
    const most = 2 ** 32 - 1
    const one = leaf(0, 64, 64, { width: most, height: most, frames: most, pixels: (BigInt(most) ** 3n) & (2n ** 64n - 1n) })
    const { signed: own } = await published(world, node(), [one])
    const evidence = encodeMetering({ signed: own, rendition: one, path: [] })
    expect(await world.why('faultVerifier', 'checkObjective', [5, evidence])).toBe('ok')
  })
})

describe('O6', () => {
  it('costs half a percent', async () => costs(6, await contradiction(world, node()), tokens(5)))

  it('refuses every mutation', async () => {
    const { value, evidence } = await contradiction(world, node())
    const { signed: own, frames } = value
    const moved = frames.map((pair) => ({ ...pair, b: { ...pair.b, track: 0xffff } }))
    await expectRefused('O6', evidence, onReceipt('O6', own), [
      ...(await receipts(own, (changed) => encodeContradiction({ ...value, signed: changed }))),
      ...pairs(frames, (changed) => encodeContradiction({ ...value, frames: changed }), {
        ...{ 'a.track': 'WrongFrames', 'b.track': 'WrongFrames', 'a.ptsMs': 'WrongFrames', 'b.ptsMs': 'WrongFrames' },
      }),
      ['source against source', encodeContradiction({ ...value, frames: moved }), 'WrongFrames'],
    ])
  })
})
