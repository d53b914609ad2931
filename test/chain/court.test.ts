import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Wallet } from 'ethers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type AnyStatement, encodeStatement, type Statement } from '../../proofs/codec.ts'
import { digestOf, faultIdOf } from '../../proofs/digest.ts'
import { type Hex, type Outcome, VERDICT_VERSION } from '../../proofs/types.ts'
import { createAttester } from '../../src/attest/attester.ts'
import { openGuard } from '../../src/attest/guard.ts'
import { createSigner } from '../../src/attest/keys.ts'
import { systemClock } from '../../src/base/clock.ts'
import { createWriteAhead } from '../../src/base/write-ahead.ts'
import { chainPreset, tokens } from '../../src/chain/presets.ts'
import { addressOf } from '../../src/chain/setup.ts'
import type { CaseState, Chain } from '../../src/chain/types.ts'
import { createCourt } from '../../src/court/court.ts'
import { LOCAL_COURT } from '../../src/court/params.ts'
import { idOf } from '../../src/gossip/validate.ts'
import { createMetrics } from '../../src/observe/metrics.ts'
import type { Bench } from '../../src/pipeline/bench.ts'
import type { CheckTask } from '../../src/pipeline/checks.ts'
import { createJusticeStage } from '../../src/pipeline/justice.ts'
import { createLedger } from '../../src/pipeline/ledger.ts'
import { networkParams } from '../../src/pipeline/network.ts'
import { createEvidenceStore } from '../../src/prooflog/evidence.ts'
import { openProofLog } from '../../src/prooflog/log.ts'
import type { SegmentReceipt } from '../../src/receipt/row.ts'
import { hash } from '../helpers/fixtures.ts'
import { createWorld, opening, options, receiptOver, rendition, unique, type World } from './world.ts'

// Five bonded fishermen with the real court, guard, log and chain client on a real chain. What each sees when it replays is what the test says.

const home = mkdtempSync(join(tmpdir(), 'fisherman-test-court-'))
let world: World
let crew: Fisherman[] = []
beforeAll(async () => {
  const preset = chainPreset('local')
  const fishermen = Array.from({ length: 5 }, () => new Wallet(unique('key')))
  world = await createWorld({ registry: { ...preset.registry, silentSec: 400 }, answerSec: 20, caseSec: 600 }, { fishermen })
  crew = await Promise.all(fishermen.map(enlist))
})
afterAll(async () => {
  await Promise.all(crew.map((one) => one.close()))
  await world?.stop()
  rmSync(home, { recursive: true, force: true })
})

type Sight = { outcome: Outcome; faultClass?: 'D2' }
type Fisherman = Awaited<ReturnType<typeof enlist>>

async function enlist(wallet: Wallet, n: number) {
  const address = addressOf(wallet)
  const chain: Chain = await world.chain({ signer: wallet })
  const folder = (name: string) => join(home, `${n}-${name}`)
  const log = await openProofLog({ folder: folder('log'), identity: address }, { clock: systemClock })
  const guard = await openGuard(folder('guard'), address)
  const writeAhead = createWriteAhead()
  const { domain } = world
  const attester = createAttester({ domain }, { signer: createSigner(wallet), guard, writeAhead })
  const abort = new AbortController()
  const court = createCourt(LOCAL_COURT)
  const ledger = createLedger()
  const sights = new Map<Hex, Sight>()
  const looked: { task: CheckTask; atSec: number }[] = []
  const said: Statement<'vote'>[] = []
  const bench = {
    ...{ domain, mode: 'active', clock: systemClock, metrics: createMetrics(), chain, log, writeAhead, court, ledger, address },
    params: { ...networkParams('local'), convictTurnSeconds: 6 },
    logger: { debug() {}, info() {}, warn() {}, error() {} },
    ...{ identity: { attester }, signal: abort.signal, bundleDir: folder('bundles'), evidenceBytes: 1 << 20 },
    evidence: createEvidenceStore({ folder: folder('bundles') }, { log, nowMs: systemClock.nowMs }),
    later: (_ms: number, _what: string, work: () => Promise<void>) => void work().catch(() => undefined),
    async say(statement: AnyStatement) {
      const bytes = encodeStatement(statement)
      const { faultId } = statement.body as { faultId: Hex }
      await log.appendStatement('sent', statement.kind, idOf(bytes), bytes, { faultId })
      if (statement.kind !== 'vote') return
      said.push(statement as Statement<'vote'>)
      for (const other of crew) if (other.address !== address) other.justice.vote(statement as Statement<'vote'>)
    },
  } as unknown as Bench
  function replay(task: CheckTask): void {
    const { digest, receipt } = task.known.receipt
    const sight = sights.get(digest)
    if (!sight) return
    looked.push({ task, atSec: chain.nowSec() })
    const { transcoder, streamId } = receipt
    const about = { fisherman: address, transcoder, streamId, receiptDigest: digest, rendition: task.rendition }
    const own = {
      ...about,
      ...sight,
      completedAt: Number(receipt.completedAt),
      fingerprint: hash(n),
      provenAtSec: chain.nowSec(),
    }
    court.recordOwn(own)
  }
  const justice = createJusticeStage(bench, { replay })
  let busy: Promise<void> | undefined
  const off = chain.onHead(() => {
    busy ??= justice.onHead().finally(() => {
      busy = undefined
    })
  })
  return {
    ...{ wallet, address, chain, court, ledger, justice, sights, looked, said },
    /** Its daemon looks at nothing any more. */
    sleep: off,
    /** Actions of ours on the chain that came to something, by fault or silence. */
    async sent(action: string) {
      const entries = await log.find({ kind: 'tx-seen' })
      return entries.filter(({ payload }) => (payload as { action: string }).action === action).length
    },
    async close() {
      off()
      abort.abort(new Error('the test is over'))
      await chain.close()
      await busy
      await Promise.all([log.close(), guard.close()])
    },
  }
}

let segments = 0
/** A segment of a node that everybody has read in its feed, and what each of the crew sees who looks at it. */
async function segment(sights: (Sight | undefined)[], node = world.orchestrators[0]!) {
  const leaves = [rendition(0), rendition(1)]
  const completedAt = BigInt(1_700_000_000 + 10 * segments++)
  const { signed, path } = await receiptOver(node, world.domain, leaves, { completedAt })
  const digest = digestOf(world.domain, 'TranscodeReceipt', signed.receipt)
  crew.forEach(({ ledger }, i) => {
    const receipt = { digest, windowId: 1n, ...signed, renditions: leaves } as unknown as SegmentReceipt
    const window = ledger.add({ feed: { transcoder: addressOf(node), url: '' }, signed: {} as never, receipts: [receipt] })
    window.draw = { transcoder: addressOf(node), windowId: 1n, beacon: hash(7), receipts: [], members: 5 }
    const sight = sights[i]
    if (sight) crew[i]!.sights.set(digest, sight)
  })
  const faultId = faultIdOf('D2', addressOf(node), digest)
  const own = { ...signed, leaf: leaves[1]!, path: path(1) }
  return {
    digest,
    faultId,
    open: (by: Fisherman) => world.send(by.wallet, 'verifier', 'open', opening(own, 18, VERDICT_VERSION)),
  }
}

const all = (sight: Sight) => crew.map(() => sight)
const balance = async (who: Hex) => (await world.view('token', 'balanceOf', [who])) as bigint
/** A case as one of the crew sees it; each reads the chain by itself, so that another may be a block behind. */
const caseOf = (faultId: Hex) => crew[1]!.chain.cases().find((view) => view.faultId === faultId)
const stateOf = (faultId: Hex) => caseOf(faultId)?.state
const total = async (action: string) => (await Promise.all(crew.map((one) => one.sent(action)))).reduce((a, b) => a + b, 0)
const frozen = () => world.view('deposit', 'isFrozen', [world.orchestrators[0]!.address])

/** Lets the chain's time go on, a second a block, until it is so. */
async function until(what: string, condition: () => boolean | Promise<boolean>): Promise<void> {
  for (let i = 0; i < 150; i++) {
    if (await condition()) return
    await blocks(1)
  }
  throw new Error(`never happened: ${what}`)
}
async function blocks(count: number): Promise<void> {
  for (let i = 0; i < count; i++) {
    await world.pass(1)
    await new Promise((resolve) => setTimeout(resolve, 60))
  }
}
const isOver = (faultId: Hex, state: CaseState) => until(state, () => stateOf(faultId) === state)

describe('a court of five', { timeout: 60_000 }, () => {
  it('rejects a sham case: one of them brings the votes, the opener pays, and its word counts no longer', async () => {
    const [sham, ...honest] = crew as [Fisherman, ...Fisherman[]]
    const { faultId, digest, open } = await segment([undefined, ...honest.map(() => ({ outcome: 'pass' as const }))])
    const before = await Promise.all([balance(sham.address), balance(world.deployment.treasury)])
    await open(sham)
    expect(await frozen()).toBe(true)
    await isOver(faultId, 'rejected')
    // The accused need not even answer.
    const { answerUntilSec = 0 } = caseOf(faultId)!
    expect(await world.now()).toBeLessThan(answerUntilSec)
    expect(await Promise.all([balance(sham.address), balance(world.deployment.treasury)])).toEqual([
      before[0] - tokens(25),
      before[1] + tokens(20),
    ])
    expect(await frozen()).toBe(false)
    for (const { said, looked } of honest) {
      expect(said.map(({ body }) => [body.faultId, body.faultClass])).toEqual([[faultId, 0]])
      expect(looked).toHaveLength(1)
    }
    await until('the end of their turns', async () => (await total('reject')) === 1)
    expect(await sham.sent('reject')).toBe(0)
    // Three who say the same would be enough to believe it; one of them is not heard.
    const word = {
      ...{ transcoder: addressOf(world.orchestrators[0]!), streamId: hash(1) },
      ...{ receiptDigest: digest, rendition: 1, completedAt: 1 },
    }
    const believes = ({ court }: Fisherman, ...who: Fisherman[]) => {
      for (const { address } of who) court.record({ ...word, fisherman: address, outcome: 'withheld' })
      return court.isWithheld(digest, 1)
    }
    await until('they have seen it', () => honest.every(({ chain }) => chain.cases().some(({ state }) => state === 'rejected')))
    await blocks(2)
    for (const one of honest) expect(believes(one, sham, ...honest.filter((other) => other !== one).slice(0, 2))).toBe(false)
    for (const one of honest) expect(believes(one, ...honest)).toBe(true)
  })

  it('draws a case whose bytes nobody gets, after the time to bring them, and looks once more before', async () => {
    const { faultId, open } = await segment(all({ outcome: 'withheld' }))
    const [opener] = crew as [Fisherman]
    const before = await balance(opener.address)
    await open(opener)
    await until('it is seen', () => stateOf(faultId) === 'open')
    const { answerUntilSec = 0 } = caseOf(faultId)!
    await isOver(faultId, 'drawn')
    expect(await balance(opener.address)).toBe(before)
    for (const { said, looked } of crew.slice(1)) {
      const votes = said.filter(({ body }) => body.faultId === faultId)
      expect(votes.map(({ body }) => body.faultClass)).toEqual([255])
      const times = looked.filter(({ task }) => task.known.receipt.digest === votes[0]!.body.receiptDigest)
      expect(times.map(({ task, atSec }) => [task.again ?? false, atSec > answerUntilSec])).toEqual([
        [false, false],
        [true, true],
      ])
    }
    await until('it is written down', async () => (await total('draw')) === 1)
  })

  it('says nothing in doubt, and passes over one silent member where the others would be enough', async () => {
    const [opener, ann, bob, cid, doubter] = crew as [Fisherman, Fisherman, Fisherman, Fisherman, Fisherman]
    const doubt: Sight = { outcome: 'inconclusive' }
    const { faultId, open } = await segment([undefined, ...[ann, bob, cid].map((): Sight => ({ outcome: 'pass' })), doubt])
    // The others work and show it; the opener has been silent since it registered.
    const head = (one: Fisherman, size: bigint) => one.chain.anchorHead({ epoch: 1n, size, root: unique('root') }, options)
    const soon = async (work: Promise<unknown>[]) => {
      let done = false
      void Promise.all(work).then(() => (done = true))
      await until('heads are anchored', () => done)
    }
    await world.pass(150)
    await soon([ann, bob, cid, doubter].map((one) => head(one, 1n)))
    await open(opener)
    await until('three have voted', () => [ann, bob, cid].every(({ said }) => said.at(-1)?.body.faultId === faultId))
    await blocks(30)
    expect([stateOf(faultId), await total('silent')]).toEqual(['open', 0])
    await world.pass(250)
    await isOver(faultId, 'rejected')
    const [first] = [ann, bob, cid, doubter].sort((a, b) => (a.address < b.address ? -1 : 1))
    await until('the first in turn has written it down', async () => (await first!.sent('silent')) === 1)
    expect(await total('silent')).toBe(1)
    expect(await world.view('registry', 'activeWeightOf', [opener.address])).toBe(0n)
    expect(doubter.said.some(({ body }) => body.faultId === faultId)).toBe(false)
  })
})

const fail: Sight = { outcome: 'fail', faultClass: 'D2' }

/** All of these replayed the segments, found them wrong, and told each other. */
function found(judges: readonly Fisherman[], node: World['orchestrators'][number], segments: readonly { digest: Hex }[]): void {
  for (const one of judges)
    for (const { digest } of segments)
      for (const { address } of judges) {
        const { receipt } = one.ledger.receipt(digest)!.receipt
        const finding = {
          transcoder: addressOf(node),
          streamId: receipt.streamId,
          receiptDigest: digest,
          rendition: 1,
          completedAt: Number(receipt.completedAt),
        }
        const own = { ...finding, fisherman: address, ...fail, fingerprint: hash(1), provenAtSec: one.chain.nowSec() }
        address === one.address ? one.court.recordOwn(own) : one.court.record(own)
      }
}

describe('a court of those who are left', { timeout: 60_000 }, () => {
  it('convicts by the same votes as before, and the opener brings them first', async () => {
    const [, opener, ...others] = crew as [Fisherman, Fisherman, ...Fisherman[]]
    const node = world.orchestrators[1]!
    const [first, second] = [await segment(all(fail), node), await segment(all(fail), node)]
    found([opener, ...others], node, [first, second])
    const appellant = world.orchestrators[2]!
    await world.send(appellant, 'token', 'approve', [world.deployment.verifier, tokens(25)])
    await first.open(opener)
    await isOver(first.faultId, 'convicted')
    await world.send(appellant, 'verifier', 'fileAppeal', [first.faultId, unique('claim')])
    await until('it is written down', async () => (await opener.sent('convict')) === 1)
    expect(await total('convict')).toBe(1)
    expect(opener.said.at(-1)?.body).toMatchObject({ faultId: first.faultId, faultClass: 18 })
    const view = () => opener.chain.cases().find(({ faultId }) => faultId === first.faultId)!
    await until('the appeal is seen', () => view().appellant !== undefined)
    const { releaseAtSec = 0 } = view()
    expect(releaseAtSec).toBeGreaterThan((await world.now()) + 8)
    await isOver(first.faultId, 'settled')
    expect(await world.now()).toBeGreaterThanOrEqual(releaseAtSec)
    await until('it is written down', async () => (await opener.sent('settle')) === 1)
  })

  it('convicts in a true case of a friend of the accused, who says nothing and means to shield it', async () => {
    const [, ...judges] = crew as [Fisherman, ...Fisherman[]]
    const friend = judges.pop()!
    friend.sleep()
    const node = world.orchestrators[2]!
    const segments = [await segment(all(fail), node), await segment(all(fail), node)] as const
    found(judges, node, segments)
    await segments[0].open(friend)
    await until('it is seen', () => stateOf(segments[0].faultId) === 'open')
    const { answerUntilSec = 0 } = caseOf(segments[0].faultId)!
    await isOver(segments[0].faultId, 'convicted')
    expect(await world.now()).toBeGreaterThan(answerUntilSec)
  })

  it('accuses again where no case came of what all have found: one of them, once, and not before all have given up', async () => {
    const [, ...judges] = crew.slice(0, 4) as [Fisherman, ...Fisherman[]]
    const node = world.orchestrators[3]!
    const segments = [await segment(all(fail), node), await segment(all(fail), node)] as const
    const from = await world.now()
    found(judges, node, segments)
    const cases = () => judges[0]!.chain.cases().filter(({ transcoder }) => transcoder === addressOf(node))
    await until('a case', () => cases().length > 0)
    // Two seconds to the opening of the answers, and fifteen that it waits for the deposit.
    expect(await world.now()).toBeGreaterThan(from + 17)
    await until('its end', () => cases().some(({ state }) => state === 'convicted'))
    await blocks(70)
    expect(cases()).toHaveLength(1)
  })

  it('ends a case that nobody decides and whose opener is gone, one of them for all, after the opener had its time', async () => {
    const [, opener, ...others] = crew as [Fisherman, Fisherman, ...Fisherman[]]
    const { faultId, open } = await segment([])
    await open(opener)
    opener.sleep()
    await until('it is seen', () => stateOf(faultId) === 'open')
    expect(await frozen()).toBe(true)
    const { expiresAtSec = 0 } = caseOf(faultId)!
    await world.pass(expiresAtSec - (await world.now()) + 1)
    await blocks(20)
    expect([stateOf(faultId), await total('expire')]).toEqual(['open', 0])
    await until('the end of it', () =>
      others.some(({ chain }) => chain.cases().some((view) => view.faultId === faultId && view.state === 'expired')),
    )
    await until('it is written down', async () => (await total('expire')) > 0)
    await blocks(10)
    expect(await frozen()).toBe(false)
    expect(await total('expire')).toBe(1)
    expect(await opener.sent('expire')).toBe(0)
  })
})
