import { AbiCoder } from 'ethers'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type Equivocation, encodeEquivocation, encodePassThrough } from '../../proofs/evidence.ts'
import { ordered } from '../../proofs/faults.ts'
import type { Hex, TranscodeReceipt, WindowRoot } from '../../proofs/types.ts'
import { commitmentOf } from '../../src/chain/build.ts'
import { tokens } from '../../src/chain/presets.ts'
import { addressOf } from '../../src/chain/setup.ts'
import {
  createWorld,
  equivocation,
  highS,
  idOf,
  passThrough,
  receipt,
  receiptOver,
  rendition,
  sign,
  signed,
  unique,
  type World,
} from './world.ts'

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

const encodeOrdered = (value: Equivocation): Hex => encodeEquivocation(ordered(world.domain, value))
const node = () => world.orchestrators[0]!
const other = () => world.orchestrators[1]!
const hunter = () => world.fishermen[0]!
const stakeOf = async (wallet = node()) => (await world.view('deposit', 'stakeOf', [wallet.address])) as bigint
const check = (faultClass: number, evidence: Hex) => world.why('faultVerifier', 'checkObjective', [faultClass, evidence])

async function commit(faultId: Hex, by = hunter()): Promise<Hex> {
  const salt = unique('salt')
  await world.send(by, 'verifier', 'commit', [commitmentOf(addressOf(by), faultId, salt)])
  await world.pass(3)
  return salt
}

async function windows(change: Partial<WindowRoot> = {}, by = node(), signer = by) {
  const a: WindowRoot = {
    transcoder: addressOf(by),
    windowId: 77n,
    root: unique(),
    count: 3,
    closedAt: BigInt(await world.now()),
  }
  const b = { ...a, root: unique(), ...change }
  return {
    a,
    b,
    evidence: encodeOrdered({
      kind: 'windows',
      a,
      b,
      signatureA: await sign(signer, world.domain, 'WindowRoot', a),
      signatureB: await sign(signer, world.domain, 'WindowRoot', b),
    }),
  }
}

async function twoLeaves() {
  const leaves = [rendition(0), rendition(1), rendition(1), rendition(2)]
  const { signed: own, path } = await receiptOver(node(), world.domain, leaves)
  const make = (i: number, j: number) =>
    encodeOrdered({ kind: 'leaves', signed: own, a: leaves[i]!, pathA: path(i), b: leaves[j]!, pathB: path(j) })
  return { make, evidence: make(1, 2), receipt: own.receipt, own, leaves, path }
}

describe('from evidence to taken stake', () => {
  it('O1: two receipts for one order', async () => {
    const { evidence, faultId } = await equivocation(world, node())
    const salt = await commit(faultId)
    await world.send(hunter(), 'verifier', 'reveal', [1, evidence, salt])
    expect(await stakeOf()).toBe(tokens(970))
    expect(await world.view('verifier', 'isConvicted', [faultId])).toBe(true)
    expect(await world.view('verifier', 'convictionsOf', [node().address, 0])).toEqual([faultId])
    expect(await world.view('verifier', 'convictionsOf', [node().address, 99])).toEqual([])
  })

  it('O1: two leaves of one index', async () => {
    const { evidence, receipt: own } = await twoLeaves()
    const faultId = await idOf(world, 'O1', own.transcoder, own.orderHash)
    await world.send(hunter(), 'verifier', 'reveal', [1, evidence, await commit(faultId)])
    expect(await stakeOf()).toBe(tokens(970))
  })

  it('O1: two roots of one window', async () => {
    const { evidence, a } = await windows()
    const faultId = await idOf(world, 'O1', a.transcoder, `0x${a.windowId.toString(16).padStart(64, '0')}`)
    await world.send(hunter(), 'verifier', 'reveal', [1, evidence, await commit(faultId)])
    expect(await stakeOf()).toBe(tokens(970))
  })

  it('O3: the source returned', async () => {
    const { evidence, faultId } = await passThrough(world, node())
    await world.send(hunter(), 'verifier', 'reveal', [3, evidence, await commit(faultId)])
    expect(await stakeOf()).toBe(tokens(970))
  })

  it('signed by a delegated key', async () => {
    await world.send(node(), 'delegation', 'delegate', [world.stranger.address, 1])
    const a = receipt(node())
    const b = { ...a, sourceHash: unique() }
    const evidence = encodeOrdered({
      kind: 'receipts',
      a: await signed(world.stranger, world.domain, a),
      b: await signed(node(), world.domain, b),
    })
    await world.send(hunter(), 'verifier', 'reveal', [
      1,
      evidence,
      await commit(await idOf(world, 'O1', a.transcoder, a.orderHash)),
    ])
    expect(await stakeOf()).toBe(tokens(970))
  })

  it('pays a tenth to the finder and the rest to the treasury, after the appeal window', async () => {
    const { evidence, faultId } = await equivocation(world, node())
    await world.send(hunter(), 'verifier', 'reveal', [1, evidence, await commit(faultId)])
    expect(await world.why('verifier', 'settle', [faultId])).toBe('AppealWindowOpen')
    await world.pass(9)
    const before = (await world.view('token', 'balanceOf', [hunter().address])) as bigint
    const treasury = (await world.view('token', 'balanceOf', [world.deployment.treasury])) as bigint
    await world.send(world.stranger, 'verifier', 'settle', [faultId])
    expect(((await world.view('token', 'balanceOf', [hunter().address])) as bigint) - before).toBe(tokens(3))
    expect(((await world.view('token', 'balanceOf', [world.deployment.treasury])) as bigint) - treasury).toBe(tokens(27))
    expect(await world.why('verifier', 'settle', [faultId])).toBe('NotConvicted')
  })
})

describe('commit and reveal', () => {
  it('refuses a reveal without, before and after its commitment', async () => {
    const { evidence, faultId } = await equivocation(world, node())
    expect(await world.why('verifier', 'reveal', [1, evidence, unique()], hunter())).toBe('NotCommitted')
    const salt = unique('salt')
    await world.send(hunter(), 'verifier', 'commit', [commitmentOf(addressOf(hunter()), faultId, salt)])
    expect(await world.why('verifier', 'reveal', [1, evidence, salt], hunter())).toBe('CommitTooYoung')
    await world.pass(3)
    expect(await world.why('verifier', 'reveal', [1, evidence, salt], hunter())).toBe('ok')
    await world.pass(3600)
    expect(await world.why('verifier', 'reveal', [1, evidence, salt], hunter())).toBe('CommitTooOld')
  })

  it('gives a copier with the stolen salt nothing, not even with the copied commitment', async () => {
    const { evidence, faultId } = await equivocation(world, node())
    const salt = await commit(faultId)
    const thief = world.fishermen[1]!
    expect(await world.why('verifier', 'reveal', [1, evidence, salt], thief)).toBe('NotCommitted')
    await world.send(thief, 'verifier', 'commit', [commitmentOf(addressOf(hunter()), faultId, salt)])
    await world.pass(3)
    expect(await world.why('verifier', 'reveal', [1, evidence, salt], thief)).toBe('NotCommitted')
    expect(await world.why('verifier', 'reveal', [1, evidence, salt], hunter())).toBe('ok')
  })

  it('uses a fault once; the first valid reveal wins', async () => {
    const { evidence, faultId } = await equivocation(world, node())
    const [first, second] = [await commit(faultId), await commit(faultId, world.fishermen[1]!)]
    await world.send(world.fishermen[1]!, 'verifier', 'reveal', [1, evidence, second])
    expect(await world.why('verifier', 'reveal', [1, evidence, first], hunter())).toBe('AlreadyUsed')
    expect(await stakeOf()).toBe(tokens(970))
  })

  it('does not take the same commitment twice', async () => {
    const commitment = unique()
    await world.send(hunter(), 'verifier', 'commit', [commitment])
    expect(await world.why('verifier', 'commit', [commitment], hunter())).toBe('AlreadyCommitted')
  })
})

describe('O1 refuses', () => {
  type Pair = { a: TranscodeReceipt; b: TranscodeReceipt }
  const pair = async (make: (a: TranscodeReceipt) => Partial<TranscodeReceipt>, base: Partial<TranscodeReceipt> = {}) => {
    const a = receipt(node(), base)
    return { a, b: { ...a, ...make(a) } } satisfies Pair
  }
  const encode = async ({ a, b }: Pair, signer = node()) =>
    encodeOrdered({ kind: 'receipts', a: await signed(node(), world.domain, a), b: await signed(signer, world.domain, b) })

  it.each([
    ['the very same receipt', () => ({}), 'NoContradiction'],
    ['a retry at another time', () => ({ completedAt: 5n }), 'NoContradiction'],
    ['a retry in another round', () => ({ round: 0n }), 'NoContradiction'],
    ['other fingerprints only', () => ({ fingerprintRoot: unique() }), 'NoContradiction'],
    ['another order', () => ({ orderHash: unique(), renditionsRoot: unique() }), 'DifferentOrders'],
    ['another transcoder', () => ({ transcoder: addressOf(other()), renditionsRoot: unique() }), 'DifferentTranscoders'],
  ])('%s', async (_, make, error) => {
    expect(await check(1, await encode(await pair(make)))).toBe(error)
  })

  it.each(['renditionsRoot', 'profilesHash', 'sourceHash'] as const)('nothing where %s differs', async (field) => {
    expect(await check(1, await encode(await pair(() => ({ [field]: unique() }))))).toBe('ok')
  })

  it('a stranger’s signature', async () => {
    expect(await check(1, await encode(await pair(() => ({ renditionsRoot: unique() })), world.stranger))).toBe('NotSigner')
  })

  it('a field changed after signing', async () => {
    const { a, b } = await pair(() => ({ renditionsRoot: unique() }))
    const sa = await signed(node(), world.domain, a)
    const sb = await signed(node(), world.domain, b)
    for (const field of [
      'sourceHash',
      'streamId',
      'requester',
      'seq',
      'completedAt',
      'profilesHash',
      'fingerprintRoot',
    ] as const) {
      const value = field === 'seq' || field === 'completedAt' ? 1n : field === 'requester' ? addressOf(other()) : unique()
      const bad = { ...sb, receipt: { ...b, [field]: value } }
      expect(await check(1, encodeOrdered({ kind: 'receipts', a: sa, b: bad })), field).toBe('NotSigner')
    }
  })

  it('malleable, short and v 0 or 1 signatures', async () => {
    const { a, b } = await pair(() => ({ renditionsRoot: unique() }))
    const sa = await signed(node(), world.domain, a)
    const sb = await signed(node(), world.domain, b)
    const low = sb.signature.endsWith('1b') ? '00' : '01'
    for (const signature of [
      highS(sb.signature),
      sb.signature.slice(0, -2),
      `${sb.signature.slice(0, -2)}${low}`,
      `0x${'00'.repeat(65)}`,
      '0x',
    ])
      expect(await check(1, encodeOrdered({ kind: 'receipts', a: sa, b: { ...sb, signature: signature as Hex } }))).toBe(
        'BadSignature',
      )
  })

  it('another anchor and another chain', async () => {
    const { a, b } = await pair(() => ({ renditionsRoot: unique() }))
    for (const domain of [
      { ...world.domain, anchor: addressOf(world.stranger) },
      { ...world.domain, chainId: 1n },
    ])
      expect(
        await check(
          1,
          encodeOrdered({ kind: 'receipts', a: await signed(node(), domain, a), b: await signed(node(), domain, b) }),
        ),
      ).toBe('NotSigner')
  })

  it('what is older than 14 rounds, counting a future round as this one', async () => {
    await world.pass(14 * 3600)
    const round = (await world.view('rounds', 'currentRound', [])) as bigint
    const at = async (value: bigint) => check(1, await encode(await pair(() => ({ renditionsRoot: unique() }), { round: value })))
    expect(await at(round - 14n)).toBe('ok')
    expect(await at(round - 15n)).toBe('StatuteExpired')
    expect(await at(round + 1000n)).toBe('ok')
  })

  it('leaves: the same leaf, another index, a leaf that is not there', async () => {
    const { make, own, leaves, path } = await twoLeaves()
    expect(await check(1, make(1, 1))).toBe('NoContradiction')
    expect(await check(1, make(0, 1))).toBe('DifferentIndexes')
    const foreign = rendition(1)
    expect(
      await check(1, encodeOrdered({ kind: 'leaves', signed: own, a: leaves[1]!, pathA: path(1), b: foreign, pathB: path(2) })),
    ).toBe('NotUnderRoot')
    expect(
      await check(
        1,
        encodeOrdered({ kind: 'leaves', signed: own, a: leaves[1]!, pathA: path(2), b: leaves[2]!, pathB: path(2) }),
      ),
    ).toBe('NotUnderRoot')
  })

  it('windows: equal roots, another window, another node, a stranger, too old', async () => {
    const { a } = await windows()
    const same = { ...a, count: 9, closedAt: a.closedAt + 1n }
    const signature = await sign(node(), world.domain, 'WindowRoot', a)
    const evidence = encodeOrdered({
      kind: 'windows',
      a,
      signatureA: signature,
      b: same,
      signatureB: await sign(node(), world.domain, 'WindowRoot', same),
    })
    expect(await check(1, evidence)).toBe('NoContradiction')
    expect(await check(1, (await windows({ windowId: 78n })).evidence)).toBe('DifferentWindows')
    expect(await check(1, (await windows({ transcoder: addressOf(other()) })).evidence)).toBe('DifferentTranscoders')
    expect(await check(1, (await windows({}, node(), world.stranger)).evidence)).toBe('NotSigner')
    const old = (await windows()).evidence
    expect(await check(1, old)).toBe('ok')
    await world.pass(14 * 3600 + 5)
    expect(await check(1, old)).toBe('WindowTooOld')
  })

  it('an expired delegation', async () => {
    await world.send(node(), 'delegation', 'delegate', [world.stranger.address, 3])
    const at = async (round: bigint) =>
      check(1, await encode(await pair(() => ({ renditionsRoot: unique() }), { round }), world.stranger))
    await world.pass(4 * 3600)
    expect(await at(2n)).toBe('NotSigner')
    expect(await at(3n)).toBe('ok')
    await world.send(node(), 'delegation', 'revoke', [world.stranger.address])
    await world.pass(2 * 3600)
    expect(await at(5n)).toBe('ok')
    expect(await at(6n)).toBe('NotSigner')
    expect(await world.why('delegation', 'delegate', [world.stranger.address, 9], node())).toBe('AlreadyDelegated')
  })

  it('bytes that are no evidence, and classes without a predicate', async () => {
    const abi = AbiCoder.defaultAbiCoder()
    expect(await check(1, abi.encode(['uint8', 'bytes'], [3, '0x']) as Hex)).toBe('UnknownVariant')
    expect(await check(7, '0x')).toBe('UnsupportedClass')
    for (const faultClass of [2, 3, 4, 5, 6]) expect(await check(faultClass, '0x')).toBe('empty')
    expect(await check(18, '0x')).toBe('UnsupportedClass')
    for (const evidence of ['0x', '0x00', `0x${'ff'.repeat(320)}`, abi.encode(['uint8', 'bytes'], [0, '0x1234'])])
      expect(await world.why('verifier', 'reveal', [1, evidence, unique()], hunter())).toBe('MalformedEvidence')
  })
})

describe('O3 refuses', () => {
  it('an honest receipt', async () => {
    const leaves = [rendition(0), rendition(1)]
    const { signed: own, path } = await receiptOver(node(), world.domain, leaves)
    expect(await check(3, encodePassThrough({ signed: own, rendition: leaves[1]!, path: path(1) }))).toBe('NotPassThrough')
  })

  it('each tampered field of the leaf', async () => {
    const { signed: own, leaves, path } = await passThrough(world, node())
    const leaf = leaves[1]!
    for (const [field, value] of Object.entries(leaf)) {
      const bad = { ...leaf, [field]: typeof value === 'bigint' ? value + 1n : typeof value === 'number' ? value + 1 : unique() }
      const expected = field === 'contentHash' ? 'NotPassThrough' : 'NotUnderRoot'
      expect(await check(3, encodePassThrough({ signed: own, rendition: bad, path: path(1) })), field).toBe(expected)
    }
  })

  it('each tampered field of the receipt', async () => {
    const { signed: own, leaves, path } = await passThrough(world, node())
    for (const [field, value] of Object.entries(own.receipt)) {
      const changed = typeof value === 'bigint' ? value - 1n : value.length === 42 ? addressOf(world.stranger) : unique()
      const bad = { ...own, receipt: { ...own.receipt, [field]: changed } }
      const expected = field === 'sourceHash' ? 'NotPassThrough' : 'NotSigner'
      expect(await check(3, encodePassThrough({ signed: bad, rendition: leaves[1]!, path: path(1) })), field).toBe(expected)
    }
  })

  it('a wrong path, a wrong signer, a high s, another domain, another class’s evidence', async () => {
    const { signed: own, leaves, path, evidence } = await passThrough(world, node())
    const make = (value: typeof own, route = path(1)) =>
      check(3, encodePassThrough({ signed: value, rendition: leaves[1]!, path: route }))
    expect(await make(own, path(0))).toBe('NotUnderRoot')
    expect(await make(own, [])).toBe('NotUnderRoot')
    expect(await make(await signed(world.stranger, world.domain, own.receipt))).toBe('NotSigner')
    expect(await make({ ...own, signature: highS(own.signature) })).toBe('BadSignature')
    expect(await make(await signed(node(), { ...world.domain, chainId: 5n }, own.receipt))).toBe('NotSigner')
    expect(await check(1, evidence)).not.toBe('ok')
  })
})
