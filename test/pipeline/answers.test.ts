import { beforeEach, describe, expect, it } from 'vitest'
import { encodeDrawProof, type Statement } from '../../proofs/codec.ts'
import { outcomeNumber, sampleIdOf, sealOf } from '../../proofs/digest.ts'
import type { Answer, Hex, Outcome } from '../../proofs/types.ts'
import { createCourt, type Finding } from '../../src/court/court.ts'
import { LOCAL_COURT } from '../../src/court/params.ts'
import { type AnswerStage, createAnswerStage } from '../../src/pipeline/answers.ts'
import type { DrawnAnswer } from '../../src/pipeline/audits.ts'
import type { Bench } from '../../src/pipeline/bench.ts'
import { createLedger } from '../../src/pipeline/ledger.ts'
import { networkParams } from '../../src/pipeline/network.ts'
import { createOpinions } from '../../src/pipeline/opinions.ts'
import { createTally, type Tally } from '../../src/pipeline/tally.ts'
import type { SegmentReceipt } from '../../src/receipt/row.ts'
import { addressOf, hash, receiptOf, renditions, wallet } from '../helpers/fixtures.ts'

const transcoder = addressOf(wallet(1))
const [ann, bob, cid, dan] = [11, 12, 13, 14].map((n) => addressOf(wallet(n))) as [Hex, Hex, Hex, Hex]
const beacon = hash(77)
const receipt = {
  digest: hash(1),
  windowId: 5n,
  receipt: receiptOf(wallet(1), renditions(2)),
  renditions: renditions(2),
} as unknown as SegmentReceipt
const sampleId = sampleIdOf(receipt.digest, 0, 5n)
const proof = encodeDrawProof({ transcoder, windowId: 5n, index: 0, rendition: 0, bls: `0x${'ab'.repeat(48)}` })

let stage: AnswerStage
let tally: Tally
let findings: Finding[]
let dropped: string[]
let now: number
let drawn: boolean
let reveal: () => void
let drawnAnswers: DrawnAnswer[]
let isAudit: boolean
/** What follows from an answer once its draw proof was looked at. */
const settled = () => new Promise((resolve) => setImmediate(resolve))

beforeEach(() => {
  ;[findings, dropped, now, drawn] = [[], [], 1000, true]
  ;[drawnAnswers, isAudit] = [[], false]
  tally = createTally()
  const ledger = createLedger()
  const window = ledger.add({ feed: { transcoder, url: '' }, signed: {} as never, receipts: [receipt] })
  reveal = () => {
    window.draw = { transcoder, windowId: 5n, beacon, receipts: [], members: 4 }
  }
  reveal()
  const bench = {
    params: networkParams('local'),
    chain: { nowSec: () => now },
    ledger,
    court: createCourt(LOCAL_COURT),
    tally,
    online: () => true,
    logger: { warn() {} },
    metrics: { dropped: (what: string) => dropped.push(what) },
    later: (_ms: number, _what: string, work: () => Promise<void>) => void work(),
  } as unknown as Bench
  stage = createAnswerStage(bench, {
    opinions: createOpinions(bench),
    onDrawnAnswer: (answer) => void drawnAnswers.push(answer),
    isAudit: async () => isAudit,
    freeze: async () => undefined,
    onFinding: (finding) => findings.push(finding),
    trancheOf: async () => (drawn ? 0 : undefined),
  })
})

function pair(who: Hex, outcome: Outcome, changes: Partial<Answer> = {}) {
  const answer: Answer = {
    ...{ sampleId, receiptDigest: receipt.digest, rendition: 0, outcome: outcomeNumber(outcome) },
    ...{ evidenceHash: hash(3), fingerprint: hash(4), verdictVersion: 1, salt: hash(5) },
  }
  const seal = sealOf({ fisherman: who, sampleId, beacon, fingerprint: answer.fingerprint, outcome, salt: answer.salt })
  const signed = { signer: who, signature: '0x' as Hex }
  const sealed: Statement<'sealed'> = {
    kind: 'sealed',
    body: { sampleId, seal, deadline: BigInt(now + 2) },
    extra: proof,
    ...signed,
  }
  const opened: Statement<'answer'> = { kind: 'answer', body: { ...answer, ...changes }, extra: '0x', ...signed }
  return { sealed, opened }
}

const cover = () =>
  stage.coverOf({ receipt, feed: { transcoder, url: '' }, window: { signed: {} as never, draw: undefined } }, sampleId)

describe('answers of others', () => {
  it('count when they open their own seal', async () => {
    const { sealed, opened } = pair(ann, 'fail')
    stage.receive(sealed)
    stage.receive(opened)
    await settled()
    expect(findings).toEqual([
      {
        fisherman: ann,
        transcoder,
        receiptDigest: hash(1),
        streamId: receipt.receipt.streamId,
        rendition: 0,
        outcome: 'fail',
        completedAt: 1000,
      },
    ])
  })

  it('are given up where neither comes for thirty windows', async () => {
    const { sealed, opened } = pair(ann, 'fail')
    stage.receive(opened)
    now += 30 * networkParams('local').draw.windowSeconds
    stage.retry()
    now += 1
    stage.retry()
    stage.receive(sealed)
    await settled()
    expect(findings).toHaveLength(0)
  })

  it('wait for their seal when they come first, and for the window when that comes last', async () => {
    const { sealed, opened } = pair(ann, 'fail')
    stage.receive(opened)
    await settled()
    expect(findings).toHaveLength(0)
    stage.receive(sealed)
    await settled()
    expect(findings).toHaveLength(1)
    stage.retry()
    await settled()
    expect(findings).toHaveLength(1)
  })

  it.each<[string, Partial<Answer>]>([
    ['another outcome than was sealed', { outcome: 0 }],
    ['another fingerprint', { fingerprint: hash(6) }],
    ['another salt', { salt: hash(6) }],
    ['another receipt', { receiptDigest: hash(2) }],
    ['another rendition', { rendition: 1 }],
  ])('do not count with %s', (_, changes) => {
    const { sealed, opened } = pair(ann, 'fail', changes)
    stage.receive(sealed)
    stage.receive(opened)
    expect(findings).toEqual([])
    expect(dropped).toEqual(['answer-unlike-its-seal'])
  })

  it('cannot be copied: a seal of one member opens nothing for another', () => {
    stage.receive(pair(ann, 'fail').sealed)
    stage.receive({ ...pair(ann, 'fail').sealed, signer: bob })
    stage.receive({ ...pair(ann, 'fail').opened, signer: bob })
    expect(findings).toEqual([])
  })
})

describe('who was not drawn', () => {
  const say = async (outcome: Outcome, extra?: Hex) => {
    const { sealed, opened } = pair(ann, outcome)
    stage.receive({ ...sealed, ...(extra ? { extra } : {}) })
    stage.receive(opened)
    await settled()
  }

  it('speaks for no node: a pass of it is no evidence, and its fail calls nobody', async () => {
    drawn = false
    tally.verdict({ transcoder, outcome: 'fail', streamId: hash(8), requester: hash(9), completedAt: 1000 })
    const before = tally.evidence(transcoder)?.value
    await say('pass')
    expect(tally.evidence(transcoder)?.value).toBe(before)
    expect([findings, drawnAnswers, dropped]).toEqual([[], [], ['answer-not-drawn']])
  })

  it('and replays are no draws, but no lies either', async () => {
    await say('fail', '0x')
    expect([findings, drawnAnswers, dropped]).toEqual([[], [], []])
  })

  it('while an audit speaks like a draw, and is itself not audited', async () => {
    ;[drawn, isAudit] = [false, true]
    await say('fail')
    expect(findings).toHaveLength(1)
    expect([drawnAnswers, dropped]).toEqual([[], []])
  })

  it('a drawn pass is evidence for the node, and may be audited', async () => {
    tally.verdict({ transcoder, outcome: 'fail', streamId: hash(8), requester: hash(9), completedAt: 1000 })
    const before = tally.evidence(transcoder)?.value ?? 0
    await say('pass')
    expect(tally.evidence(transcoder)?.value).toBeLessThan(before)
    expect(drawnAnswers).toMatchObject([
      { member: ann, tranche: 0, index: 0, outcome: 'pass', fingerprint: hash(4), deadlineSec: 1002 },
    ])
  })
})

describe('trust', () => {
  it('is cut for opening the fingerprint of somebody else', async () => {
    for (const who of [ann, bob]) stage.receive(pair(who, 'pass').sealed)
    stage.receive(pair(ann, 'pass').opened)
    expect(dropped).toEqual([])
    stage.receive(pair(bob, 'pass').opened)
    expect(dropped).toEqual(['trust-copied'])
  })

  it('is cut once for a seal that was not opened', async () => {
    stage.receive(pair(ann, 'pass').sealed)
    now += 20
    expect(await cover()).toBeUndefined()
    expect(await cover()).toBeUndefined()
    expect(dropped).toEqual(['trust-never-opened'])
  })
})

describe('cover for later tranches', () => {
  it('is a fresh seal of a drawn member, then its answer; not a seal that was never opened', async () => {
    expect(await cover()).toBeUndefined()
    const { sealed, opened } = pair(ann, 'pass')
    stage.receive(sealed)
    expect(await cover()).toBe('sealed')
    now += 20
    expect(await cover()).toBeUndefined()
    stage.receive(opened)
    expect(await cover()).toBe('opened')
  })

  it('is not a seal of somebody who was not drawn', async () => {
    drawn = false
    stage.receive(pair(ann, 'pass').sealed)
    expect(await cover()).toBeUndefined()
  })

  it('is missing bytes only when three members could not have them', async () => {
    for (const who of [ann, bob]) {
      stage.receive(pair(who, 'withheld').sealed)
      stage.receive(pair(who, 'withheld').opened)
    }
    expect(await cover()).toBeUndefined()
    stage.receive(pair(cid, 'withheld').sealed)
    stage.receive(pair(cid, 'withheld').opened)
    expect(await cover()).toBe('opened')
    expect(findings.every(({ fisherman }) => fisherman !== dan)).toBe(true)
  })
})
