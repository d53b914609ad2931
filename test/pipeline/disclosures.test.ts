import { beforeEach, describe, expect, it } from 'vitest'
import { objectiveEvidenceHash } from '../../proofs/digest.ts'
import type { Hex } from '../../proofs/types.ts'
import type { CaseView } from '../../src/chain/types.ts'
import { createDisclosures, type Disclosures } from '../../src/pipeline/disclosures.ts'
import { evidenceHashFor, type KnownReceipt } from '../../src/pipeline/ledger.ts'
import type { FoundFault } from '../../src/receipt/faults.ts'
import { addressOf, hash, receiptOf, renditions, wallet } from '../helpers/fixtures.ts'

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
