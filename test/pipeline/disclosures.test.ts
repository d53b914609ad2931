import { beforeEach, describe, expect, it } from 'vitest'
import { type AnyStatement, encodeStatement } from '../../proofs/codec.ts'
import { objectiveEvidenceHash, sampleIdOf } from '../../proofs/digest.ts'
import { structToJson } from '../../proofs/json.ts'
import { bytesToHex } from '../../proofs/signature.ts'
import { type Hex, OUTCOMES } from '../../proofs/types.ts'
import { SILENT } from '../../src/base/log.ts'
import type { CaseView } from '../../src/chain/types.ts'
import { createCourt } from '../../src/court/court.ts'
import { LOCAL_COURT } from '../../src/court/params.ts'
import type { Bench } from '../../src/pipeline/bench.ts'
import { createDisclosures, type Disclosures, onlyPublic } from '../../src/pipeline/disclosures.ts'
import { createLedger, evidenceHashFor, type KnownReceipt } from '../../src/pipeline/ledger.ts'
import { networkParams } from '../../src/pipeline/network.ts'
import { createTally } from '../../src/pipeline/tally.ts'
import { createPipeline } from '../../src/pipeline.ts'
import type { FoundFault } from '../../src/receipt/faults.ts'
import type { FeedWindow } from '../../src/receipt/feed.ts'
import { addressOf, DOMAIN, hash, receiptOf, renditions, wallet } from '../helpers/fixtures.ts'

// When an accused may learn that there is evidence against it.

const receipt = { digest: hash(1), windowId: 5n, receipt: receiptOf(wallet(1), renditions(2)), renditions: renditions(2) }
const known = { receipt } as unknown as KnownReceipt
const [first, second] = [evidenceHashFor(known, 0), evidenceHashFor(known, 1)]
const fault = {
  ...{ evidence: '0x1234' as Hex, receipts: [{ digest: hash(1) }] },
  fault: { faultClass: 'O1', faultId: hash(9), transcoder: addressOf(wallet(1)) },
} as unknown as FoundFault
const signed = objectiveEvidenceHash('O1', '0x1234')

let cases: Partial<CaseView>[]
let disclosures: Disclosures
beforeEach(() => {
  cases = []
  const ledger = { receipt: (digest: Hex) => (digest === hash(1) ? known : undefined) }
  disclosures = createDisclosures({ chain: { cases: () => cases as CaseView[] }, ledger })
})

describe('evidence of wrong pictures', () => {
  it.each(['open', 'convicted', 'expired', 'rejected'] as const)('is public once its case is on the chain, %s', (state) => {
    expect(disclosures.isPublic(first)).toBe(false)
    cases = [{ faultId: hash(8), evidenceHash: first, state }]
    disclosures.onHead()
    expect([disclosures.isPublic(first), disclosures.isPublic(second)]).toEqual([true, false])
    // Its block was taken back.
    cases = []
    disclosures.onHead()
    expect(disclosures.isPublic(first)).toBe(false)
  })
  it('is public once we opened that it failed, and by no other answer', () => {
    for (const outcome of ['pass', 'withheld', 'inconclusive'] as const)
      disclosures.opened({ receiptDigest: hash(1), rendition: 0, outcome })
    expect(disclosures.isPublic(first)).toBe(false)
    disclosures.opened({ receiptDigest: hash(1), rendition: 0, outcome: 'fail' })
    expect([disclosures.isPublic(first), disclosures.isPublic(second)]).toEqual([true, false])
    disclosures.openedBefore(second)
    expect(disclosures.isPublic(second)).toBe(true)
  })
})

it.each([
  ['now', () => disclosures.found(fault)],
  ['in an earlier run', () => disclosures.foundBefore({ faultId: hash(9), evidenceHash: signed })],
])('evidence that signatures make, found %s, is public once its fault is on the chain', (_, find) => {
  find()
  disclosures.onHead()
  expect(disclosures.isPublic(signed)).toBe(false)
  cases = [{ faultId: hash(9), state: 'convicted' }]
  disclosures.onHead()
  expect(disclosures.isPublic(signed)).toBe(true)
})

it('a member is told of no evidence before it is public: an accused may be one', async () => {
  const asked: Hex[] = []
  const shelf = onlyPublic({ open: async (evidenceHash) => void asked.push(evidenceHash) as never }, disclosures.isPublic)
  expect(await shelf.open(first)).toBeUndefined()
  expect(asked).toEqual([])
  cases = [{ faultId: hash(8), evidenceHash: first, state: 'open' }]
  disclosures.onHead()
  await shelf.open(first)
  expect(asked).toEqual([first])
})

/** A pipeline on a log that an earlier run left, with nothing else around it. */
function pipelineOn(entries: Record<string, unknown[]>, more: Record<string, unknown> = {}) {
  const log = {
    head: () => ({ size: 0 }),
    find: async ({ kind }: { kind: string }) => (entries[kind] ?? []).map((payload) => ({ at: 1_000, payload })),
  }
  const none = () => undefined
  return createPipeline({
    ...{ domain: DOMAIN, mode: 'attest', params: networkParams('local'), keepWindows: 9, address: addressOf(wallet(5)), log },
    ...{ ledger: createLedger(), court: createCourt(LOCAL_COURT), tally: createTally(), evidence: { has: async () => false } },
    ...{ signal: new AbortController().signal, clock: { nowMs: () => 2_000, monotonicMs: () => 0 } },
    ...{ logger: SILENT, metrics: { dropped: none }, blobs: {}, queue: {}, budget: {}, later: none, onSigning: none },
    chain: { cases: () => cases, onAlarm: () => none, nowSec: () => 1, suspect: none },
    ...more,
  } as unknown as Bench)
}

it('a daemon that starts again knows from its log and the chain what is public', async () => {
  const answer = (outcome: 'fail' | 'withheld', evidenceHash: Hex) => {
    const body = {
      ...{ sampleId: hash(1), receiptDigest: hash(1), rendition: 0, outcome: OUTCOMES.indexOf(outcome), evidenceHash },
      ...{ fingerprint: hash(4), verdictVersion: 1, salt: hash(5) },
    }
    const statement = { kind: 'answer', body, signer: addressOf(wallet(5)), signature: `0x${'12'.repeat(65)}`, extra: '0x' }
    return { kind: 'answer', bytes: bytesToHex(encodeStatement(statement as AnyStatement)) }
  }
  const found = { faultId: hash(9), faultClass: 'O1', transcoder: addressOf(wallet(1)), evidenceHash: signed, state: 'found' }
  const pipeline = pipelineOn({
    'statement-sent': [answer('fail', hash(21)), answer('withheld', hash(22))],
    case: [found],
  })
  await pipeline.resume()
  expect([hash(21), hash(22), signed].map(pipeline.isPublic)).toEqual([true, false, false])
  cases = [{ faultId: hash(9), faultClass: 'O1', transcoder: addressOf(wallet(1)), receiptDigest: hash(1), state: 'settled' }]
  await pipeline.onHead()
  expect(pipeline.isPublic(signed)).toBe(true)
})

it('what we found ourselves is public when our answer is with the others, and not while it is sealed', async () => {
  const me = addressOf(wallet(5))
  const ledger = createLedger()
  ledger.add({ receipts: [receipt] } as unknown as FeedWindow)
  const sampleId = sampleIdOf(hash(1), 0, 5n)
  const answer = { sampleId, receiptDigest: hash(1), rendition: 0, outcome: OUTCOMES.indexOf('fail'), evidenceHash: first }
  const record = {
    ...{ sampleId, transcoder: addressOf(wallet(1)), streamId: hash(2), requester: addressOf(wallet(2)), completedAt: 1 },
    ...{ outcome: 'fail', faultClass: null, deadline: '2', drawProof: '0x', beacon: hash(77), verdict: {} },
    answer: structToJson('Answer', { ...answer, fingerprint: hash(4), verdictVersion: 1, salt: hash(5) }),
  }
  const said = async (kind: string, body: unknown) => ({ kind, body, signer: me, signature: '0x', extra: '0x' })
  const waiting: (() => Promise<void>)[] = []
  const signing: Promise<void>[] = []
  const told: [string, boolean][] = []
  const pipeline = pipelineOn(
    { verdict: [record] },
    {
      ledger,
      identity: {
        attester: { address: me, seal: (body: unknown) => said('sealed', body), answer: (body: unknown) => said('answer', body) },
      },
      onSigning: (work: () => Promise<void>) => void signing.push(work()),
      later: (_ms: number, what: string, work: () => Promise<void>) => void (what === 'open' && waiting.push(work)),
      say: async ({ kind }: { kind: string }) => void told.push([kind, pipeline.isPublic(first)]),
    },
  )
  await pipeline.resume()
  await Promise.all(signing)
  expect([told, pipeline.isPublic(first)]).toEqual([[['sealed', false]], false])
  for (const open of waiting) await open()
  expect([told.at(-1), pipeline.isPublic(first), pipeline.isPublic(second)]).toEqual([['answer', false], true, false])
})
