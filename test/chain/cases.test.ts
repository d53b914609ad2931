import type { Wallet } from 'ethers'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type Hex, VERDICT_VERSION } from '../../proofs/types.ts'
import { commitmentOf } from '../../src/chain/build.ts'
import { CASE_STATES } from '../../src/chain/contracts.ts'
import { tokens } from '../../src/chain/presets.ts'
import { addressOf } from '../../src/chain/setup.ts'
import {
  type Accused,
  accused,
  conviction,
  createWorld,
  equivocation,
  inputsOf,
  opening,
  options,
  rendition,
  unique,
  type VoteSetup,
  type World,
} from './world.ts'

// How a D case can end, and what happens to each bond.

let world: World
let clean: string
let own: Accused
beforeAll(async () => {
  world = await createWorld({ roundSec: 3600, appealSec: 100 })
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
const appellant = () => world.orchestrators[1]!
const oracle = () => world.wallets[0]!
const balance = async (wallet: Wallet | Hex) =>
  (await world.view('token', 'balanceOf', [typeof wallet === 'string' ? wallet : wallet.address])) as bigint
const treasury = () => world.deployment.treasury
const open = (value = own, by = opener()) => world.send(by, 'verifier', 'open', opening(value))
const stateOf = async (faultId: Hex) => {
  const { state } = (await world.view('verifier', 'caseOf', [faultId])) as { state: bigint }
  return CASE_STATES[Number(state)]
}
const frozen = async () => (await world.view('deposit', 'isFrozen', [node().address])) as boolean
/** Votes about the case that say something else than its class. */
const saying = (faultClass: number, setup: VoteSetup = {}, value = own) =>
  conviction(world, value, { ...setup, change: { faultClass, ...setup.change } })

describe('a case is opened', () => {
  it('about the inputs that the contract computes itself', async () => {
    await open()
    const { faultId } = await conviction(world, own)
    const known = (await world.view('verifier', 'caseOf', [faultId])) as {
      inputsOrSigners: Hex
      amount: bigint
      claimant: string
    }
    expect([known.inputsOrSigners, known.amount, known.claimant]).toEqual([inputsOf(world, own), tokens(25), opener().address])
  })

  it('only with a rendition that the node signed, and a version of the verdict', async () => {
    const why = (change: Partial<Accused>, version = VERDICT_VERSION) =>
      world.why('verifier', 'open', opening({ ...own, ...change }, 18, version), opener())
    expect(await why({})).toBe('ok')
    expect(await why({}, 0)).toBe('ZeroVerdictVersion')
    // A friend's sham: no member judges by it, so none could reject the case.
    for (const version of [VERDICT_VERSION - 1, VERDICT_VERSION + 1, 99])
      expect(await why({}, version), String(version)).toBe('VerdictVersionNotInForce')
    expect(await why({ path: [] })).toBe('NotUnderRoot')
    expect(await why({ path: [...own.path, unique()] })).toBe('NotUnderRoot')
    for (const field of Object.keys(own.leaf) as (keyof typeof own.leaf)[]) {
      const leaf = {
        ...own.leaf,
        [field]: rendition(7, { frames: 1, width: 1, height: 1, pixels: 1n, byteLength: 1n, durationMs: 1 })[field],
      }
      expect(await why({ leaf }), field).toBe('NotUnderRoot')
    }
  })
})

describe('a case ends', () => {
  it('rejected: votes without a fault give a fifth of the bond to the accused, the rest to the treasury', async () => {
    await open()
    const { evidence, faultId } = await saying(0)
    const before = await Promise.all([balance(node()), balance(treasury()), balance(opener())])
    await world.send(world.stranger, 'verifier', 'reject', [evidence])
    const after = await Promise.all([balance(node()), balance(treasury()), balance(opener())])
    expect(after.map((value, i) => value - before[i]!)).toEqual([tokens(5), tokens(20), 0n])
    expect(await stateOf(faultId)).toBe('rejected')
    expect(await frozen()).toBe(false)
    for (const [name, values] of [
      ['reject', [evidence]],
      ['draw', [(await saying(255)).evidence]],
      ['convict', [18, (await conviction(world, own)).evidence]],
      ['expire', [faultId]],
    ] as const)
      expect(await world.why('verifier', name, values), name).toBe('NoOpenCase')
    expect(await world.why('verifier', 'open', opening(own), opener())).toBe('AlreadyAccused')
  })

  it('drawn: votes that got no bytes give the bond back, after the time to answer', async () => {
    const before = await balance(opener())
    await open()
    const { evidence, faultId } = await saying(255)
    expect(await world.why('verifier', 'draw', [evidence])).toBe('AnswerWindowOpen')
    await world.pass(5)
    await world.send(world.stranger, 'verifier', 'draw', [evidence])
    expect(await balance(opener())).toBe(before)
    expect(await stateOf(faultId)).toBe('drawn')
    expect(await frozen()).toBe(false)
  })

  it('expired without an answer, drawn with one', async () => {
    const { faultId } = await conviction(world, own)
    const other = await accused(world, node())
    const second = await conviction(world, other)
    await open()
    await open(other)
    await world.send(node(), 'verifier', 'answer', [second.faultId, unique()])
    await world.pass(121)
    expect(await world.why('verifier', 'reject', [(await saying(0)).evidence])).toBe('CaseOver')
    expect(await world.why('verifier', 'draw', [(await saying(255)).evidence])).toBe('CaseOver')
    const before = await balance(opener())
    for (const id of [faultId, second.faultId]) await world.send(world.stranger, 'verifier', 'expire', [id])
    expect([await stateOf(faultId), await stateOf(second.faultId)]).toEqual(['expired', 'drawn'])
    expect(await balance(opener())).toBe(before + tokens(50))
    expect(await frozen()).toBe(false)
  })

  it('by no votes that say something else, are about something else, or are too few', async () => {
    await open()
    await world.pass(5)
    const why = async (name: 'reject' | 'draw', faultClass: number, setup: VoteSetup = {}) =>
      world.why('verifier', name, [(await saying(faultClass, setup)).evidence])
    expect(await why('reject', 0)).toBe('ok')
    expect(await why('draw', 255)).toBe('ok')
    for (const wrong of [1, 17, 18, 255]) expect(await why('reject', wrong)).toBe('WrongVoteClass')
    for (const wrong of [0, 1, 18, 254]) expect(await why('draw', wrong)).toBe('WrongVoteClass')
    for (const name of ['reject', 'draw'] as const) {
      const said = name === 'reject' ? 0 : 255
      expect(await why(name, said, { change: { faultId: unique() } })).toBe('WrongFaultId')
      expect(await why(name, said, { change: { evidenceHash: unique() } })).toBe('WrongEvidence')
      expect(await why(name, said, { change: { verdictVersion: 0 } })).toBe('ZeroVerdictVersion')
      expect(await why(name, said, { change: { deadline: 1n } })).toBe('VoteExpired')
      expect(await why(name, said, { voters: world.fishermen.slice(0, 2) })).toBe('TooFewVotes')
      expect(await why(name, said, { tweak: (vote) => ({ ...vote, faultClass: 18 }) })).toMatch(/NotActiveMember|NotAscending/)
      // D1 of the same receipt has no case.
      const faultClass = 'D1' as const
      const votes = await conviction(world, own, { faultClass, change: { faultClass: said } })
      expect(await world.why('verifier', name, [votes.evidence])).toBe('NoOpenCase')
      for (const evidence of ['0x', `0x${'ff'.repeat(640)}`])
        expect(await world.why('verifier', name, [evidence])).toBe('MalformedEvidence')
    }
    expect(await world.why('faultVerifier', 'checkDismissal', [18, (await conviction(world, own)).evidence])).toBe(
      'UnsupportedClass',
    )
    // A conviction is not for sale for other inputs either.
    const other = await conviction(world, own, { change: { evidenceHash: unique() } })
    expect(await world.why('verifier', 'convict', [18, other.evidence])).toBe('WrongEvidence')
  })
})

describe('an appeal', () => {
  async function convicted(value = own) {
    await open(value)
    await world.pass(5)
    const votes = await conviction(world, value)
    await world.send(opener(), 'verifier', 'convict', [18, votes.evidence])
    await world.send(appellant(), 'token', 'approve', [world.deployment.verifier, tokens(100)])
    return votes
  }
  const signers = () => world.fishermen.map(addressOf).sort()
  const file = (faultId: Hex, by = appellant()) => world.send(by, 'verifier', 'fileAppeal', [faultId, unique('claim')])
  const settle = (faultId: Hex) => world.why('verifier', 'settle', [faultId])

  it('gives the oracle one more window; then the bond goes to the treasury', async () => {
    const { faultId } = await convicted()
    await world.pass(50)
    const before = await balance(appellant())
    await file(faultId)
    expect(await balance(appellant())).toBe(before - tokens(25))
    expect(await world.why('verifier', 'fileAppeal', [faultId, unique()], appellant())).toBe('AlreadyAppealed')
    await world.pass(60)
    expect(await settle(faultId)).toBe('AppealWindowOpen')
    await world.pass(100)
    const held = await balance(treasury())
    await world.send(world.stranger, 'verifier', 'settle', [faultId])
    expect((await balance(treasury())) - held).toBe(tokens(25) + tokens(9))
    expect(await balance(appellant())).toBe(before - tokens(25))
    expect(await world.why('verifier', 'fileAppeal', [faultId, unique()], appellant())).toBe('NotConvicted')
  })

  it('is over at once when the oracle upholds the conviction; without an appeal that shortens nothing', async () => {
    const { faultId } = await convicted()
    await world.send(oracle(), 'oracle', 'uphold', [faultId])
    expect(await world.why('oracle', 'overturn', [faultId], oracle())).toBe('AlreadyVoted')
    expect(await settle(faultId)).toBe('AppealWindowOpen')
    await file(faultId)
    expect(await settle(faultId)).toBe('ok')
  })

  it('comes in time, against a conviction, and paid', async () => {
    const { faultId } = await convicted()
    const why = (by = appellant(), id: Hex = faultId) => world.why('verifier', 'fileAppeal', [id, unique()], by)
    expect(await why(appellant(), unique())).toBe('NotConvicted')
    expect(await why(world.stranger)).toMatch(/Insufficient/)
    expect(await why()).toBe('ok')
    await world.pass(101)
    expect(await why()).toBe('AppealWindowOver')
  })

  it('that is right: the node and the appellant get all back, the signers lose their bonds', async () => {
    const stake = (await world.view('deposit', 'stakeOf', [node().address])) as bigint
    const { faultId } = await convicted()
    const penalise = (list: Hex[]) => world.why('verifier', 'penaliseSigners', [faultId, list])
    await file(faultId)
    expect(await penalise(signers())).toBe('NotConvicted')
    expect(await world.why('verifier', 'appeal', [faultId])).toBe('NotOverturned')
    await world.send(oracle(), 'oracle', 'overturn', [faultId])
    expect(await settle(faultId)).toBe('IsOverturned')
    const [mine, theirs] = [await balance(node()), await balance(appellant())]
    await world.send(world.stranger, 'verifier', 'appeal', [faultId])
    expect((await balance(node())) - mine + ((await world.view('deposit', 'stakeOf', [node().address])) as bigint)).toBe(stake)
    expect((await balance(appellant())) - theirs).toBe(tokens(25))
    expect(await world.why('verifier', 'appeal', [faultId])).toBe('NotConvicted')
    for (const list of [[], signers().slice(1), [...signers()].reverse(), [...signers(), addressOf(world.stranger)]])
      expect(await penalise(list)).toBe('WrongSigners')
    const held = await balance(treasury())
    await world.send(world.stranger, 'verifier', 'penaliseSigners', [faultId, signers()])
    expect((await balance(treasury())) - held).toBe(tokens(1000))
    expect(await world.view('registry', 'totalWeight', [])).toBe(0n)
    expect(await penalise(signers())).toBe('WrongSigners')
  })

  it('that is decided after the money was paid: the signers make the node whole first', async () => {
    const { faultId } = await convicted()
    await world.pass(101)
    await world.send(world.stranger, 'verifier', 'settle', [faultId])
    expect(await world.view('verifier', 'isConvicted', [faultId])).toBe(true)
    expect(await world.why('verifier', 'penaliseSigners', [faultId, signers()])).toBe('NotOverturned')
    await world.send(oracle(), 'oracle', 'overturn', [faultId])
    expect(await world.why('verifier', 'appeal', [faultId])).toBe('NotConvicted')
    const [mine, held] = [await balance(node()), await balance(treasury())]
    await world.send(world.stranger, 'verifier', 'penaliseSigners', [faultId, signers()])
    expect((await balance(node())) - mine).toBe(tokens(10))
    expect((await balance(treasury())) - held).toBe(tokens(990))
    expect(await stateOf(faultId)).toBe('refunded')
    expect(await world.view('verifier', 'isConvicted', [faultId])).toBe(false)
  })

  it('of an O class has no signers to penalise', async () => {
    const { evidence, faultId } = await equivocation(world, node())
    const salt = unique('salt')
    await world.send(opener(), 'verifier', 'commit', [commitmentOf(addressOf(opener()), faultId, salt)])
    await world.pass(3)
    await world.send(opener(), 'verifier', 'reveal', [1, evidence, salt])
    await world.send(oracle(), 'oracle', 'overturn', [faultId])
    await world.send(world.stranger, 'verifier', 'appeal', [faultId])
    expect(await world.why('verifier', 'penaliseSigners', [faultId, []])).toBe('WrongSigners')
  })
})

describe('deadlines', () => {
  it('and bonds are those that a case was opened with', async () => {
    await open()
    const name = `0x${Buffer.from('openBond').toString('hex').padEnd(64, '0')}`
    await world.send(oracle(), 'verifier', 'announce', [name, tokens(7)])
    await world.pass(11)
    await world.send(oracle(), 'verifier', 'applyChange', [name])
    const before = await balance(opener())
    await world.pass(121)
    await world.send(opener(), 'verifier', 'expire', [(await conviction(world, own)).faultId])
    expect((await balance(opener())) - before).toBe(tokens(25))
    await open(await accused(world, node()))
    expect((await balance(opener())) - before).toBe(tokens(18))
  })
})

describe('the chain client', () => {
  it('dismisses, appeals and sees what became of it', async () => {
    const chain = await world.chain({ signer: appellant() })
    const cases = async (state: string) => {
      const until = Date.now() + 10_000
      while (Date.now() < until && chain.cases()[0]?.state !== state) await new Promise((resolve) => setTimeout(resolve, 20))
      return chain.cases()[0]
    }
    await open()
    const { evidence, faultId } = await saying(0)
    expect((await chain.dismiss({ action: 'reject', faultId, evidence }, options)).status).toBe('mined')
    expect(await cases('rejected')).toMatchObject({ state: 'rejected', evidenceHash: inputsOf(world, own) })
    expect((await chain.dismiss({ action: 'reject', faultId, evidence }, options)).status).toBe('already')
    await chain.close()
    const next = await accused(world, node())
    await open(next)
    await world.pass(5)
    const votes = await conviction(world, next)
    await world.send(opener(), 'verifier', 'convict', [18, votes.evidence])
    await world.send(appellant(), 'token', 'approve', [world.deployment.verifier, tokens(100)])
    const second = await world.chain({ signer: appellant() })
    const view = () => second.cases().find((one) => one.faultId === votes.faultId)
    const releaseAt = view()!.releaseAtSec!
    expect((await second.fileAppeal({ faultId: votes.faultId, claimHash: unique() }, options)).status).toBe('mined')
    const waited = Date.now() + 10_000
    while (Date.now() < waited && !view()?.appellant) await new Promise((resolve) => setTimeout(resolve, 20))
    expect(view()).toMatchObject({ state: 'convicted', appellant: addressOf(appellant()), releaseAtSec: releaseAt + 100 })
    expect((await second.fileAppeal({ faultId: votes.faultId, claimHash: unique() }, options)).status).toBe('already')
    await world.send(oracle(), 'oracle', 'overturn', [votes.faultId])
    expect((await second.appeal(votes.faultId, options)).status).toBe('mined')
    const signers = world.fishermen.map(addressOf).sort()
    expect((await second.penalise({ faultId: votes.faultId, signers }, options)).status).toBe('mined')
    await second.close()
  })
})
