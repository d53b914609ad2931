import { AbiCoder, Signature } from 'ethers'
import { encodeStatement, type Statement } from '../../proofs/codec.ts'
import { digestOf, equivocationIdOf, faultIdOf, profileHashOf, renditionLeaf, ZERO_HASH } from '../../proofs/digest.ts'
import {
  type Conviction,
  type Equivocation,
  encodeContradiction,
  encodeConviction,
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
import type { ObjectiveFault } from '../../proofs/faults.ts'
import { merkleTree } from '../../proofs/merkle.ts'
import type { FaultClass, FraudReport, Hex, Rendition } from '../../proofs/types.ts'
import { addressOf, hash, receiptOf, renditions, signedReceipt } from '../helpers/fixtures.ts'
import type { BadCase } from './bad-bytes.ts'
import { DOMAIN, fisherman, gateway, node, sign, stranger, toHex } from './common.ts'
import {
  claimOf,
  contradiction,
  conviction,
  convictionProof,
  duplicate,
  goodProofs,
  LOOKS,
  ladder,
  metering,
  prints,
  publishedWith,
  receiptWith,
  reportOf,
  reuse,
  twoLeaves,
  twoReceipts,
  twoWindows,
} from './evidence.ts'
import { passThrough } from './example.ts'

const ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n
const him = addressOf(node)
const digest = ({ receipt }: SignedReceipt) => digestOf(DOMAIN, 'TranscodeReceipt', receipt)
const flipped = (value: Hex): Hex => `${value.slice(0, -1)}${value.endsWith('0') ? '1' : '0'}` as Hex

type Claim = ReturnType<typeof claimOf>
/** `contract` is what FaultVerifier says of the same bytes; it takes no claim, and reads some encodings that are not canonical. */
const bad = (name: string, claim: Claim, evidence: Hex, reason: string, contract: string): BadCase => ({
  ...{ name, what: 'evidence', reason, contract, claim, evidence },
})

/** A signature's twin with a high s. */
export function twin(signature: Hex): Hex {
  const { r, s, v } = Signature.from(signature)
  return `${r}${(ORDER - BigInt(s)).toString(16).padStart(64, '0')}${v === 27 ? '1c' : '1b'}` as Hex
}

async function badReceipts(): Promise<BadCase[]> {
  const good = await twoReceipts()
  const o1 = (name: string, value: Equivocation, reason: string, contract: string, changes: Partial<Claim> = {}, more = '') => {
    const evidence = `${encodeEquivocation(value)}${more}` as Hex
    const first = value.kind === 'receipts' ? digest(value.a) : ZERO_HASH
    const claim = { ...claimOf('O1', equivocationIdOf(him, hash(1)), first, evidence), ...changes }
    return bad(`O1 receipts: ${name}`, claim, evidence, reason, contract)
  }
  const beside = async (changes: object, content = 1000): Promise<Equivocation> => {
    const pair = [good.a, await receiptWith(content, changes)].sort((p, q) => (digest(p) < digest(q) ? -1 : 1))
    return { kind: 'receipts', a: pair[0] as SignedReceipt, b: pair[1] as SignedReceipt }
  }
  const none = 'do not contradict each other'
  const same = good.a.receipt
  const wrapped = AbiCoder.defaultAbiCoder()
  const encoded = encodeEquivocation(good)
  const inner = String(wrapped.decode(['uint8', 'bytes'], encoded)[1])
  const raw = (name: string, evidence: string, reason: string, contract: string) =>
    bad(
      `O1 receipts: ${name}`,
      claimOf('O1', equivocationIdOf(him, hash(1)), digest(good.a), evidence as Hex),
      evidence as Hex,
      reason,
      contract,
    )
  return [
    o1('the same receipt twice', { ...good, b: good.a }, none, 'NoContradiction'),
    o1('a retry at another time', await beside({ ...same, completedAt: 9n }), none, 'NoContradiction'),
    o1('a retry in another round', await beside({ ...same, round: 2n }), none, 'NoContradiction'),
    o1('other fingerprints', await beside({ ...same, fingerprintRoot: hash(9) }), none, 'NoContradiction'),
    o1('two orders', await beside({ orderHash: hash(8) }, 5000), none, 'DifferentOrders'),
    o1('two nodes', await beside({ transcoder: addressOf(stranger) }, 5000), none, 'DifferentTranscoders'),
    o1('the higher digest first', { ...good, a: good.b, b: good.a }, 'not in the order of their digests', 'NotAscending'),
    o1('a high s', { ...good, b: { ...good.b, signature: twin(good.b.signature) } }, 'does not recover', 'BadSignature'),
    o1(
      'v of 0',
      { ...good, b: { ...good.b, signature: `${good.b.signature.slice(0, -2)}00` as Hex } },
      'does not recover',
      'BadSignature',
    ),
    o1('no signature', { ...good, a: { ...good.a, signature: '0x' } }, 'does not recover', 'BadSignature'),
    o1('a word after the end', good, 'not the canonical encoding', 'ok', {}, '00'.repeat(32)),
    o1('the report names another node', good, 'names another node', 'ok', { transcoder: addressOf(stranger) }),
    o1('the report names another fault', good, 'fault id is not', 'ok', { faultId: hash(5) }),
    o1('the report names the other receipt', good, 'names another receipt', 'ok', { receiptDigest: digest(good.b) }),
    o1('the report names other evidence', good, 'names other evidence', 'ok', { evidenceHash: hash(77) }),
    raw('a variant that does not exist', wrapped.encode(['uint8', 'bytes'], [3, inner]), 'no variant 3', 'UnknownVariant'),
    raw('a body of another variant', wrapped.encode(['uint8', 'bytes'], [2, inner]), 'not the (ABI|canonical) encoding', 'empty'),
    raw(
      'a word after the end of the body',
      wrapped.encode(['uint8', 'bytes'], [0, `${inner}${'00'.repeat(32)}`]),
      'not the canonical encoding',
      'ok',
    ),
    raw(
      'a variant of 256',
      `0x${(256).toString(16).padStart(64, '0')}${encoded.slice(66)}`,
      'not the canonical encoding',
      'empty',
    ),
    raw('no bytes', '0x', 'not the ABI encoding', 'empty'),
  ]
}

async function badLeavesAndWindows(): Promise<BadCase[]> {
  const good = await twoLeaves()
  const leaves = (name: string, changes: object, reason: string, contract: string, claims: Partial<Claim> = {}) => {
    const evidence = encodeEquivocation({ ...good, ...changes })
    const claim = { ...claimOf('O1', equivocationIdOf(him, hash(1)), digest(good.signed), evidence), ...claims }
    return bad(`O1 leaves: ${name}`, claim, evidence, reason, contract)
  }
  const windows = async (name: string, changes: object, reason: string, contract: string, claims: Partial<Claim> = {}) => {
    const value = await twoWindows(changes)
    const evidence = encodeEquivocation(value)
    const about = `0x${value.a.windowId.toString(16).padStart(64, '0')}` as Hex
    return bad(
      `O1 windows: ${name}`,
      { ...claimOf('O1', equivocationIdOf(him, about), ZERO_HASH, evidence), ...claims },
      evidence,
      reason,
      contract,
    )
  }
  return [
    leaves(
      'the leaves exchanged',
      { a: good.b, pathA: good.pathB, b: good.a, pathB: good.pathA },
      'not in the order',
      'NotAscending',
    ),
    leaves('the same leaf twice', { b: good.a, pathB: good.pathA }, 'do not contradict', 'NoContradiction'),
    leaves('two indexes', { a: renditions(1)[0], pathA: [] }, 'do not contradict', 'DifferentIndexes'),
    leaves(
      'a first leaf that is not under the root',
      { a: { ...good.a, frames: 61 } },
      'first leaf is not under',
      'NotUnderRoot',
    ),
    leaves(
      'a second leaf that is not under the root',
      { b: { ...good.b, frames: 61 } },
      'second leaf is not under',
      'NotUnderRoot',
    ),
    leaves('a forged path', { pathB: good.pathB.map(flipped) }, 'second leaf is not under', 'NotUnderRoot'),
    leaves('the paths exchanged', { pathA: good.pathB, pathB: good.pathA }, 'first leaf is not under', 'NotUnderRoot'),
    leaves('the report names another receipt', {}, 'names another receipt', 'ok', { receiptDigest: hash(4) }),
    await windows('the lower root second', { root: ZERO_HASH }, 'not in the order', 'NotAscending'),
    await windows('one root', { root: hash(1), count: 9 }, 'do not contradict', 'NoContradiction'),
    await windows('two windows', { windowId: 30_000_001n }, 'do not contradict', 'DifferentWindows'),
    await windows('two nodes', { transcoder: addressOf(stranger) }, 'do not contradict', 'DifferentTranscoders'),
    await windows('the report names a receipt', {}, 'names another receipt', 'ok', { receiptDigest: hash(4) }),
  ]
}

async function badPassThrough(): Promise<BadCase[]> {
  const good = await passThrough()
  const o3 = (name: string, changes: object, reason: string, contract: string, claims: Partial<Claim> = {}) => {
    const evidence = encodePassThrough({ ...good, ...changes })
    const claim = { ...claimOf('O3', faultIdOf('O3', him, digest(good.signed)), digest(good.signed), evidence), ...claims }
    return bad(`O3: ${name}`, claim, evidence, reason, contract)
  }
  const honest = renditions(2)
  const tree = merkleTree(honest.map(renditionLeaf))
  const signed = await signedReceipt(node, receiptOf(node, honest), DOMAIN)
  return [
    o3('an honest rendition', { signed, rendition: honest[1], path: tree.proof(1) }, 'is not the source', 'NotPassThrough', {
      ...{ receiptDigest: digest(signed), faultId: faultIdOf('O3', him, digest(signed)) },
    }),
    o3('an invented leaf', { rendition: { ...good.rendition, index: 5 } }, 'not under the root', 'NotUnderRoot'),
    o3(
      'a leaf with another width',
      { rendition: { ...good.rendition, width: 99 } satisfies Rendition },
      'not under the root',
      'NotUnderRoot',
    ),
    o3('a forged path', { path: good.path.map(flipped) }, 'not under the root', 'NotUnderRoot'),
    o3('no path', { path: [] }, 'not under the root', 'NotUnderRoot'),
    o3('a path that is too long', { path: [...good.path, hash(1)] }, 'not under the root', 'NotUnderRoot'),
    o3('a high s', { signed: { ...good.signed, signature: twin(good.signed.signature) } }, 'does not recover', 'BadSignature'),
    o3('the report names another receipt', {}, 'names another receipt', 'ok', { receiptDigest: hash(5) }),
    o3('the report calls it O1', {}, 'not the (ABI|canonical) encoding', 'empty', { faultClass: 1 }),
    o3('a class that does not exist', {}, 'class 7 is not checked', 'UnsupportedClass', { faultClass: 7 }),
    o3('class 0', {}, 'class 0 is not checked', 'UnsupportedClass', { faultClass: 0 }),
  ]
}

async function badConvictions(): Promise<BadCase[]> {
  const good = await conviction('D2')
  const d2 = (name: string, value: Conviction, reason: string, contract: string, claims: Partial<Claim> = {}) =>
    bad(`D2: ${name}`, { ...convictionProof('D2', good).claim, ...claims }, encodeConviction(value), reason, contract)
  const [a, b, c] = good.shares as [Conviction['shares'][0], Conviction['shares'][0], Conviction['shares'][0]]
  const own = (changes: object): Conviction => ({ ...good, vote: { ...good.vote, ...changes } })
  // The largest s that EIP-2098 has room for, above half of the order: the only ones with a twin.
  const highest = { ...c, vs: `0x7${'f'.repeat(63)}` as Hex }
  return [
    d2('two votes', { ...good, shares: [a, b] }, 'fewer than three', 'TooFewVotes'),
    d2('a voter twice', { ...good, shares: [a, b, b] }, 'not distinct and ascending', 'SignersNotAscending'),
    d2('voters not ascending', { ...good, shares: [c, b, a] }, 'not distinct and ascending', 'SignersNotAscending'),
    d2(
      'a vote without work',
      { ...good, shares: [a, b, { ...c, workCommit: ZERO_HASH }] },
      'no work commitment',
      'WrongWorkCommit',
    ),
    d2('r of zero', { ...good, shares: [a, b, { ...c, r: ZERO_HASH }] }, 'does not recover', 'BadSignature'),
    d2('an s above half of the order', { ...good, shares: [a, b, highest] }, 'does not recover', 'BadSignature'),
    d2('work in the shared vote', own({ workCommit: hash(9) }), 'shared vote has a work commitment', 'WrongWorkCommit'),
    d2('no finder', await conviction('D2', { finder: `0x${'00'.repeat(20)}` }), 'names no finder', 'ZeroFinder'),
    d2('no verdict version', await conviction('D2', { verdictVersion: 0 }), 'no verdict version', 'ZeroVerdictVersion'),
    d2('a vote about another fault', own({ faultId: hash(1) }), 'about another fault', 'WrongFaultId'),
    d2('a vote of another class', own({ faultClass: 17 }), 'about another fault', 'WrongVoteClass'),
    d2('a vote about another receipt', own({ receiptDigest: hash(1) }), 'names another receipt', 'WrongVoteReceipt'),
    d2('a vote about another node', own({ transcoder: addressOf(stranger) }), 'names another node', 'WrongVoteTranscoder'),
    d2('the report names another fault', good, 'fault id is not', 'ok', { faultId: hash(5) }),
    d2('the report names other evidence', good, 'names other evidence', 'ok', { evidenceHash: hash(77) }),
    d2('the report calls it D1', good, 'about another fault', 'WrongVoteClass', { faultClass: 17 }),
  ]
}

/** Honest work: at 25 frames a second, frames are left out, and two sources that differ in those alone have one output. */
async function rated(fpsNum: number) {
  const o2 = await reuse()
  return sideways(o2.evidence, { profileHash: profileHashOf({ ...o2.evidence.profile, fpsNum }) })
}

/** Renditions that end before the last pair's frame. */
async function shortened() {
  const { evidence } = await reuse()
  return sideways(evidence, { frames: evidence.frames.at(-1)?.a.frame ?? 0 })
}

/** The same reuse with both leaves changed, and signed again in their own order. */
async function sideways(value: Reuse, change: Partial<Rendition>) {
  const side = async (own: Reuse['a']) => {
    const rendition = { ...own.rendition, ...change }
    const changes = { fingerprintRoot: own.receipt.fingerprintRoot, sourceHash: own.receipt.sourceHash }
    const signed = await signedReceipt(node, receiptOf(node, [rendition], changes), DOMAIN)
    return { ...signed, rendition, path: [] }
  }
  const [a, b] = [await side(value.a), await side(value.b)]
  if (digest(a) < digest(b)) return { a, b }
  const turned = value.frames.map((pair) => ({ a: pair.b, pathA: pair.pathB, b: pair.a, pathB: pair.pathA }))
  return { a: b, b: a, frames: turned }
}

/** O2, O4, O5, O6. */
async function badObjective(): Promise<BadCase[]> {
  const [o2, o4, o5, o6] = [await reuse(), await duplicate(), await metering(), await contradiction()]
  const of =
    <T>(name: FaultClass, { fault, evidence }: { fault: ObjectiveFault; evidence: T }, encode: (value: T) => Hex) =>
    (what: string, changes: Partial<T>, reason: string, contract: string, claims: Partial<Claim> = {}) => {
      const bytes = encode({ ...evidence, ...changes })
      const claim = { ...claimOf(name, fault.faultId, fault.receiptDigest, bytes), ...claims }
      return bad(`${name}: ${what}`, claim, bytes, reason, contract)
    }
  const [no2, no4, no5, no6] = [
    of('O2', o2, encodeReuse),
    of('O4', o4, encodeDuplicate),
    of('O5', o5, encodeMetering),
    of('O6', o6, encodeContradiction),
  ]
  const { a, b, frames, profile } = o2.evidence
  const pairs = o6.evidence.frames
  const first = (list: FramePair[], change: (pair: FramePair) => FramePair) => [change(list[0] as FramePair), ...list.slice(1)]
  const leafOf = ({ rendition }: ProvenRendition, change: Partial<Rendition>) => ({ ...rendition, ...change })
  const small = ladder([{ contentHash: a.rendition.contentHash, width: 62, height: 34, pixels: 62n * 34n * 60n }])
  const tiny = await publishedWith(small, prints(...LOOKS))
  const [fixed, atRate, short] = [{ ...profile, fpsNum: 25 }, await rated(25), await shortened()]
  return [
    no2('the receipts exchanged', { a: b, b: a }, 'not in the order', 'NotAscending'),
    no2('the same receipt twice', { b: a }, 'sources are the same', 'SameSource'),
    no2(
      'another content',
      { b: { ...b, rendition: leafOf(b, { contentHash: hash(1) }) } },
      'are not the same',
      'DifferentContents',
    ),
    no2(
      'a picture too small to tell',
      { a: { ...tiny.signed, rendition: small[0] as Rendition, path: merkleTree(small.map(renditionLeaf)).proof(0) } },
      'too small',
      'TooSmall',
    ),
    no2('a forged leaf', { a: { ...a, rendition: leafOf(a, { frames: 1 }) } }, 'first leaf is not under', 'NotUnderRoot'),
    no2('another profile', { profile: { ...profile, bitrate: 1 } }, 'of another profile', 'WrongProfile'),
    no2('a profile of 25 frames a second', { ...atRate, profile: fixed }, 'a rate of its own', 'FixedRate'),
    no2('a frame that one of them does not have', { ...short, profile }, 'a rendition does not have', 'FrameNotShown'),
    no2('three pairs', { frames: frames.slice(1) }, 'fewer than 4 pairs', 'TooFewFrames'),
    no2(
      'a pair twice',
      { frames: [...frames.slice(0, 1), ...frames.slice(0, 3)] },
      'not distinct and ascending',
      'FramesNotAscending',
    ),
    no2(
      'a frame beside another',
      { frames: first(frames, (pair) => ({ ...pair, b: { ...pair.b, frame: 1 } })) },
      'not of one frame',
      'WrongFrames',
    ),
    no2(
      'frames of a rendition',
      { frames: first(frames, (pair) => ({ ...pair, a: { ...pair.a, track: 0 } })) },
      'not of one frame',
      'WrongFrames',
    ),
    no2(
      'weak bits',
      { frames: first(frames, (pair) => ({ ...pair, a: { ...pair.a, strong: 1n } })) },
      'does not differ enough',
      'TooSimilar',
    ),
    no2(
      'a forged frame',
      { frames: first(frames, (pair) => ({ ...pair, b: { ...pair.b, ptsMs: 1 } })) },
      'second frame is not under',
      'FrameNotUnderRoot',
    ),
    no2('the report names the higher digest', {}, 'names another receipt', 'ok', { receiptDigest: digest(b) }),
    no2('the report has the id of one receipt', {}, 'fault id is not', 'ok', { faultId: faultIdOf('O4', him, digest(a)) }),
    no4(
      'one size',
      { b: { ...o4.evidence.b, rendition: leafOf(o4.evidence.b, { width: 640, height: 360 }) } },
      'not one content',
      'NotDuplicate',
    ),
    no4(
      'no size',
      { b: { ...o4.evidence.b, rendition: leafOf(o4.evidence.b, { width: 0, height: 0 }) } },
      'not one content',
      'NotDuplicate',
    ),
    no4(
      'another content',
      { b: { ...o4.evidence.b, rendition: leafOf(o4.evidence.b, { contentHash: hash(8) }) } },
      'not one content',
      'DifferentContents',
    ),
    no4('the leaves exchanged', { a: o4.evidence.b, b: o4.evidence.a }, 'not in the order', 'NotAscending'),
    no4('a forged path', { b: { ...o4.evidence.b, path: [] } }, 'second leaf is not under', 'NotUnderRoot'),
    no4('the report calls it O1', {}, 'not the (ABI|canonical) encoding', 'empty', { faultClass: 1 }),
    no5(
      'the right pixels',
      { rendition: { ...o5.evidence.rendition, pixels: 640n * 360n * 60n } },
      'are those of',
      'NotMisstated',
    ),
    no5('no size', { rendition: { ...o5.evidence.rendition, width: 0, height: 0 } }, 'its size changes', 'NotMisstated'),
    no5('a forged leaf', { rendition: { ...o5.evidence.rendition, pixels: 2n } }, 'not under the root', 'NotUnderRoot'),
    no5('the report calls it O3', {}, 'is not the source', 'NotPassThrough', { faultClass: 3 }),
    no5(
      'a high s',
      { signed: { ...o5.evidence.signed, signature: twin(o5.evidence.signed.signature) } },
      'does not recover',
      'BadSignature',
    ),
    no6('seven pairs', { frames: pairs.slice(1) }, 'fewer than 8 pairs', 'TooFewFrames'),
    no6(
      'frames of two times',
      { frames: first(pairs, (pair) => ({ ...pair, b: { ...pair.b, ptsMs: 1 } })) },
      'not of one time',
      'WrongFrames',
    ),
    no6(
      'two renditions',
      { frames: first(pairs, (pair) => ({ ...pair, b: { ...pair.b, track: 1 } })) },
      'source and one rendition',
      'WrongFrames',
    ),
    no6('backwards', { frames: [...pairs].reverse() }, 'not distinct and ascending', 'FramesNotAscending'),
    no6(
      'the same look',
      { frames: first(pairs, (pair) => ({ ...pair, b: { ...pair.b, dhash: pair.a.dhash } })) },
      'does not differ enough',
      'TooSimilar',
    ),
    no6(
      'a forged frame',
      { frames: first(pairs, (pair) => ({ ...pair, pathA: [] })) },
      'first frame is not under',
      'FrameNotUnderRoot',
    ),
  ]
}

export async function badEvidence(): Promise<BadCase[]> {
  const [o1, leaves, o3] = [await badReceipts(), await badLeavesAndWindows(), await badPassThrough()]
  return [...o1, ...leaves, ...o3, ...(await badObjective()), ...(await badConvictions())]
}

/** Whole statements: canonical, and still no proof. */
export async function badReports(): Promise<BadCase[]> {
  const proofs = await goodProofs()
  const [o1, o3] = [proofs[0], proofs.find(({ faultClass }) => faultClass === 'O3')]
  if (!o1 || !o3) throw new Error('a proof is missing')
  const bad = (name: string, statement: Statement<'fraud-proof'>, reason: string): BadCase => ({
    ...{ name: `report: ${name}`, what: 'fraud-proof', reason, bytes: toHex(encodeStatement(statement)) },
  })
  const good = await reportOf(o3)
  const changed = (changes: Partial<FraudReport>) => ({ ...good, body: { ...good.body, ...changes } })
  return [
    bad('signed by somebody else', await reportOf(o3, {}, gateway), 'the reporter did not sign'),
    bad(
      'with the signature of somebody else',
      { ...good, signature: (await reportOf(o3, {}, gateway)).signature },
      "not the reporter's",
    ),
    bad('with the signature of another report', { ...good, signature: (await reportOf(o1)).signature }, "not the reporter's"),
    bad('changed after it was signed', changed({ observedAt: 1n }), "not the reporter's"),
    bad('with a high s', { ...good, signature: twin(good.signature) }, "not the reporter's"),
    bad('with evidence of another fault', { ...good, extra: o1.evidence }, 'not the (ABI|canonical) encoding'),
    bad('without evidence', { ...good, extra: '0x' }, 'not the ABI encoding'),
    bad(
      'in the name of the fisherman by its signer field only',
      { ...good, signer: addressOf(fisherman), signature: await sign(stranger, 'FraudReport', good.body) },
      "not the reporter's",
    ),
  ]
}
