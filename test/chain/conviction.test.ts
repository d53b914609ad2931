import type { Wallet } from 'ethers'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { encodeConviction } from '../../proofs/evidence.ts'
import type { ConvictionVote, Hex } from '../../proofs/types.ts'
import { tokens } from '../../src/chain/presets.ts'
import { addressOf } from '../../src/chain/setup.ts'
import {
  type Accused,
  accused,
  compact,
  conviction,
  createWorld,
  highS,
  opening,
  signed,
  unique,
  type VoteSetup,
  type World,
} from './world.ts'

let world: World
let clean: string
let own: Accused
beforeAll(async () => {
  world = await createWorld({ roundSec: 3600 })
  own = await accused(world, world.orchestrators[0]!)
  clean = await world.snapshot()
})
afterAll(() => world?.stop())
beforeEach(async () => {
  await world.revert(clean)
  clean = await world.snapshot()
})

const node = () => world.orchestrators[0]!
const opener = () => world.fishermen[0]!
const balance = async (address: string) => (await world.view('token', 'balanceOf', [address])) as bigint
const stakeOf = async () => (await world.view('deposit', 'stakeOf', [node().address])) as bigint
const open = (by = opener(), value = own, faultClass = 18) => world.send(by, 'verifier', 'open', opening(value, faultClass))
const check = async (setup: VoteSetup, value = own) =>
  world.why('faultVerifier', 'checkConviction', [18, (await conviction(world, value, setup)).evidence])

describe('from votes to taken stake', () => {
  it('D2: open, wait for the answer, convict, settle', async () => {
    const before = await balance(opener().address)
    await open()
    expect(await balance(opener().address)).toBe(before - tokens(25))
    expect(await world.view('deposit', 'isFrozen', [node().address])).toBe(true)
    const votes = await conviction(world, own)
    expect(await world.why('verifier', 'convict', [18, votes.evidence])).toBe('AnswerWindowOpen')
    await world.pass(5)
    await world.send(world.stranger, 'verifier', 'convict', [18, votes.evidence])
    expect(await stakeOf()).toBe(tokens(990))
    expect(await balance(opener().address)).toBe(before)
    expect(await world.view('deposit', 'isFrozen', [node().address])).toBe(false)
    expect(await world.why('verifier', 'convict', [18, votes.evidence])).toBe('NoOpenCase')
    await world.pass(9)
    const finder = await balance(world.fishermen[1]!.address)
    await world.send(world.stranger, 'verifier', 'settle', [votes.faultId])
    expect(await balance(world.fishermen[1]!.address)).toBe(finder + tokens(1))
  })

  it('freezes between open and expiry, and then gives bond and deposit back', async () => {
    await world.send(node(), 'deposit', 'thaw', [tokens(1000)])
    const before = await balance(opener().address)
    await open()
    await world.pass(61)
    expect(await world.why('deposit', 'withdraw', [], node())).toBe('DepositFrozen')
    const { faultId } = await conviction(world, own)
    expect(await world.why('verifier', 'expire', [faultId])).toBe('CaseNotOver')
    await world.pass(60)
    expect(await world.why('verifier', 'convict', [18, (await conviction(world, own)).evidence])).toBe('CaseOver')
    await world.send(world.stranger, 'verifier', 'expire', [faultId])
    expect(await balance(opener().address)).toBe(before)
    expect(await world.why('verifier', 'expire', [faultId])).toBe('NoOpenCase')
    await world.send(node(), 'deposit', 'withdraw', [])
    expect(await stakeOf()).toBe(0n)
  })

  it('takes from what is thawing, and an emptied deposit does not stop a conviction', async () => {
    await world.send(node(), 'deposit', 'thaw', [tokens(1000)])
    await open()
    await world.pass(5)
    await world.send(opener(), 'verifier', 'convict', [18, (await conviction(world, own)).evidence])
    expect(await stakeOf()).toBe(tokens(990))
    await world.pass(60)
    await world.send(node(), 'deposit', 'withdraw', [])
    const next = await accused(world, node())
    await open(opener(), next)
    await world.pass(5)
    const votes = await conviction(world, next)
    await world.send(opener(), 'verifier', 'convict', [18, votes.evidence])
    expect(await world.view('verifier', 'isConvicted', [votes.faultId])).toBe(true)
  })

  it('lets the accused answer, once and in time', async () => {
    const { faultId } = await conviction(world, own)
    expect(await world.why('verifier', 'answer', [faultId, unique()], node())).toBe('NoOpenCase')
    await open()
    expect(await world.why('verifier', 'answer', [faultId, unique()], world.stranger)).toBe('NotAccused')
    await world.send(node(), 'verifier', 'answer', [faultId, unique()])
    expect(await world.why('verifier', 'answer', [faultId, unique()], node())).toBe('NoOpenCase')
    await world.pass(5)
    expect(await world.why('verifier', 'convict', [18, (await conviction(world, own)).evidence])).toBe('ok')
  })

  it('refunds what the oracle overturns, and settles it no more', async () => {
    await open()
    await world.pass(5)
    const { evidence, faultId } = await conviction(world, own)
    await world.send(opener(), 'verifier', 'convict', [18, evidence])
    expect(await world.why('verifier', 'appeal', [faultId], node())).toBe('NotOverturned')
    expect(await world.why('oracle', 'overturn', [faultId], node())).toBe('NotMember')
    await world.send(world.wallets[0]!, 'oracle', 'overturn', [faultId])
    await world.pass(9)
    expect(await world.why('verifier', 'settle', [faultId])).toBe('IsOverturned')
    const before = await balance(node().address)
    await world.send(node(), 'verifier', 'appeal', [faultId])
    expect(await balance(node().address)).toBe(before + tokens(10))
    expect(await world.view('verifier', 'isConvicted', [faultId])).toBe(false)
    expect(await world.view('verifier', 'convictionsOf', [node().address, 0])).toEqual([])
  })

  it('counts only active members: one who leaves loses weight and vote', async () => {
    await world.send(world.fishermen[3]!, 'registry', 'requestExit', [])
    expect(await world.view('registry', 'totalWeight', [])).toBe(tokens(750))
    expect(await check({})).toBe('NotActiveMember')
    expect(await check({ voters: world.fishermen.slice(0, 3) })).toBe('ok')
  })
})

describe('open refuses', () => {
  const why = (value: Accused, by = opener(), faultClass = 18) => world.why('verifier', 'open', opening(value, faultClass), by)

  it('a stranger, a class that needs no votes, a receipt of somebody else', async () => {
    expect(await why(own, world.stranger)).toBe('NotMember')
    expect(await why(own, opener(), 3)).toBe('UnsupportedClass')
    expect(await why(own, opener(), 20)).toBe('UnsupportedClass')
    expect(await why({ ...own, ...(await signed(world.stranger, world.domain, own.receipt)) })).toBe('NotSigner')
    expect(await why({ ...own, signature: highS(own.signature) })).toBe('BadSignature')
  })

  it('the same fault twice, open or drawn', async () => {
    await open()
    expect(await why(own)).toBe('AlreadyUsed')
    expect(await why(own, world.fishermen[1]!)).toBe('AlreadyUsed')
    await world.pass(121)
    await world.send(opener(), 'verifier', 'expire', [(await conviction(world, own)).faultId])
    expect(await why(own)).toBe('AlreadyAccused')
    // Another class is another fault.
    expect(await why(own, opener(), 19)).toBe('ok')
  })

  it('a receipt beyond the statute of 14 rounds', async () => {
    await world.pass(14 * 3600)
    const round = (await world.view('rounds', 'currentRound', [])) as bigint
    const at = async (value: bigint) => why(await accused(world, node(), { round: value }))
    expect(await at(round - 14n)).toBe('ok')
    expect(await at(round - 15n)).toBe('StatuteExpired')
  })

  it('anything while paused; open cases still end', async () => {
    await open()
    await world.send(world.wallets[0]!, 'verifier', 'setPaused', [true])
    expect(await why(await accused(world, node()))).toBe('IsPaused')
    expect(await world.why('verifier', 'setPaused', [false], world.stranger)).toBe('OnlyGuardian')
    await world.pass(121)
    await world.send(opener(), 'verifier', 'expire', [(await conviction(world, own)).faultId])
  })
})

describe('a conviction refuses', () => {
  it('votes without a case', async () => {
    expect(await world.why('verifier', 'convict', [18, (await conviction(world, own)).evidence])).toBe('NoOpenCase')
  })

  it.each([
    ['another fault', { faultId: unique() }, 'WrongFaultId'],
    ['another class', { faultClass: 17 }, 'WrongVoteClass'],
    ['another node', { transcoder: `0x${'22'.repeat(20)}` as Hex }, 'WrongVoteTranscoder'],
    ['another receipt', { receiptDigest: unique() }, 'WrongVoteReceipt'],
    ['no verdict version', { verdictVersion: 0 }, 'ZeroVerdictVersion'],
    ['no finder', { finder: `0x${'00'.repeat(20)}` as Hex }, 'ZeroFinder'],
    ['a deadline that has passed', { deadline: 1n }, 'VoteExpired'],
  ] as [string, Partial<ConvictionVote>, string][])('votes with %s', async (_, change, error) => {
    expect(await check({ change })).toBe(error)
  })

  it.each([
    'finder',
    'evidenceHash',
    'rendition',
    'verdictVersion',
    'deadline',
    'workCommit',
    'faultId',
    'receiptDigest',
    'transcoder',
  ] as const)('a voter whose %s differs from the others', async (field) => {
    const other = (vote: ConvictionVote) => {
      const value = vote[field]
      return typeof value === 'number'
        ? value + 1
        : typeof value === 'bigint'
          ? value - 1n
          : value.length === 42
            ? addressOf(world.stranger)
            : unique()
    }
    const result = await check({ tweak: (vote, i) => (i === 2 ? { ...vote, [field]: other(vote) } : vote) })
    // The signature leads to an address that nobody holds: no member, or out of order.
    expect(['NotActiveMember', 'SignersNotAscending']).toContain(result)
  })

  it('exactly two thirds, and fewer than three', async () => {
    await world.send(world.fishermen[3]!, 'registry', 'requestExit', [])
    expect(await check({ voters: world.fishermen.slice(0, 2) })).toBe('TooFewVotes')
    // A fifth and a sixth member of the same weight: 4 of 6 is two thirds, not more.
    const key = [tokens(250), `0x${'01'.repeat(96)}`, `0x${'02'.repeat(48)}`]
    for (const wallet of [world.orchestrators[1]!, world.orchestrators[2]!, world.orchestrators[3]!]) {
      await world.send(wallet, 'token', 'approve', [world.deployment.registry, tokens(1000)])
      await world.send(wallet, 'registry', 'register', key)
    }
    await world.pass(9)
    const six = [...world.fishermen.slice(0, 3), ...world.orchestrators.slice(1, 4)]
    expect(await world.view('registry', 'totalWeight', [])).toBe(tokens(1500))
    expect(await check({ voters: six.slice(0, 4) })).toBe('NoQuorum')
    expect(await check({ voters: six.slice(0, 5) })).toBe('ok')
  })

  it('members that are not active yet', async () => {
    const late = world.orchestrators[1]!
    await world.send(late, 'token', 'approve', [world.deployment.registry, tokens(1000)])
    await world.send(late, 'registry', 'register', [tokens(250), `0x${'01'.repeat(96)}`, `0x${'02'.repeat(48)}`])
    expect(await world.view('registry', 'totalWeight', [])).toBe(tokens(1000))
    expect(await check({ voters: [...world.fishermen, late] })).toBe('NotActiveMember')
    await world.pass(9)
    expect(await world.view('registry', 'totalWeight', [])).toBe(tokens(1250))
    expect(await check({ voters: [...world.fishermen, late] })).toBe('ok')
  })

  it('the same signer twice, signers out of order, strangers', async () => {
    const [a, b, c] = world.fishermen as [Wallet, Wallet, Wallet]
    expect(await check({ voters: [a, b, c, c] })).toBe('SignersNotAscending')
    const sorted = [...world.fishermen].sort((x, y) => (x.address.toLowerCase() < y.address.toLowerCase() ? 1 : -1))
    expect(await check({ voters: sorted, sort: false })).toBe('SignersNotAscending')
    expect(await check({ voters: [...world.fishermen, world.stranger] })).toBe('NotActiveMember')
  })

  it('a missing work commitment, one in the shared vote, a high s, another domain', async () => {
    const good = await conviction(world, own)
    const why = (value: typeof good, vote = value.vote, shares = value.shares) =>
      world.why('faultVerifier', 'checkConviction', [18, encodeConviction({ signed: own, vote, shares })])
    expect(await why(good)).toBe('ok')
    expect(await why(good, { ...good.vote, workCommit: unique() })).toBe('WrongWorkCommit')
    expect(
      await why(
        good,
        good.vote,
        good.shares.map((s) => ({ ...s, workCommit: `0x${'0'.repeat(64)}` as Hex })),
      ),
    ).toBe('WrongWorkCommit')
    // EIP-2098 has no room for most high s values; those that fit are refused, the others lead to another signer.
    const tall = { ...good.shares[0]!, vs: `0x7${'f'.repeat(63)}` as Hex }
    expect(await why(good, good.vote, [tall, ...good.shares.slice(1)])).toBe('BadSignature')
    const twin = compact(highS(`${tall.r}${good.shares[0]!.vs.slice(2)}1b` as Hex))
    expect(await why(good, good.vote, [{ ...tall, ...twin }, ...good.shares.slice(1)])).not.toBe('ok')
    expect(await check({ domain: { ...world.domain, chainId: 1n } })).toMatch(/NotActiveMember|SignersNotAscending/)
    expect(await check({ domain: { ...world.domain, anchor: addressOf(node()) } })).toMatch(/NotActiveMember|SignersNotAscending/)
  })

  it('a receipt that the node did not sign', async () => {
    const forged = { ...own, ...(await signed(world.stranger, world.domain, own.receipt)) }
    expect(await check({}, forged)).toBe('NotSigner')
  })

  it('bytes that are no evidence', async () => {
    await open()
    await world.pass(5)
    for (const evidence of ['0x', `0x${'ff'.repeat(640)}`])
      expect(await world.why('verifier', 'convict', [18, evidence])).toBe('MalformedEvidence')
    expect(await world.why('verifier', 'convict', [3, '0x'])).toBe('UnsupportedClass')
  })
})
