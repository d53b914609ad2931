import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import { checkEvidence, checkFraudProof } from '../../proofs/check.ts'
import type { Statement } from '../../proofs/codec.ts'
import {
  equivocationIdOf,
  evidenceHashOf,
  faultIdOf,
  objectiveEvidenceHash,
  renditionLeaf,
  workCommitOf,
  ZERO_HASH,
} from '../../proofs/digest.ts'
import { type Conviction, encodeConviction, encodeEquivocation, encodePassThrough, shareOf } from '../../proofs/evidence.ts'
import { equivocationOf, type ObjectiveFault, ordered, passThroughOf } from '../../proofs/faults.ts'
import { merkleTree } from '../../proofs/merkle.ts'
import { bytesToHex, hexToBytes } from '../../proofs/signature.ts'
import { type ConvictionVote, FAULT_CLASSES, type FraudReport, type Hex, type WindowRoot } from '../../proofs/types.ts'
import {
  addressOf,
  DOMAIN,
  hash,
  receiptDigest,
  receiptOf,
  renditions,
  signedReceipt,
  signStruct,
  wallet,
} from '../helpers/fixtures.ts'
import { DOMAIN as VECTOR_DOMAIN } from '../vectors/common.ts'
import type { Proof } from '../vectors/evidence.ts'
import { readVectors } from '../vectors/read.ts'

const node = wallet(1)
const reporter = wallet(2)
const NOBODY: Hex = `0x${'0'.repeat(40)}`
const members = [wallet(11), wallet(12), wallet(13)].sort((a, b) => (addressOf(a) < addressOf(b) ? -1 : 1))

async function report(fault: ObjectiveFault, extra: Hex, changes: Partial<FraudReport> = {}): Promise<Statement<'fraud-proof'>> {
  const body: FraudReport = {
    faultId: fault.faultId,
    faultClass: FAULT_CLASSES[fault.faultClass],
    transcoder: fault.transcoder,
    reporter: addressOf(reporter),
    receiptDigest: fault.receiptDigest,
    evidenceHash: objectiveEvidenceHash(fault.faultClass, extra),
    observedAt: 10n,
    expiresAt: 1_000n,
    ...changes,
  }
  return {
    kind: 'fraud-proof',
    body,
    signer: addressOf(reporter),
    extra,
    signature: await signStruct(reporter, 'FraudReport', body),
  }
}

async function equivocation() {
  const a = await signedReceipt(node, receiptOf(node, renditions(2)))
  const b = await signedReceipt(
    node,
    receiptOf(
      node,
      renditions(2, (i) => hash(5000 + i)),
    ),
  )
  const found = equivocationOf(DOMAIN, a, b)
  if (!found) throw new Error('no equivocation')
  return found
}

async function passThrough() {
  const leaves = renditions(3, (i) => (i === 1 ? hash(3) : hash(1000 + i)))
  const found = passThroughOf(DOMAIN, await signedReceipt(node, receiptOf(node, leaves)), leaves)
  if (!found) throw new Error('no pass-through')
  return found
}

async function conviction(
  changes: Partial<ConvictionVote> = {},
): Promise<{ fault: ObjectiveFault; evidence: Conviction; evidenceHash: Hex }> {
  const signed = await signedReceipt(node, receiptOf(node, renditions(2)))
  const digest = receiptDigest(signed.receipt)
  const faultId = faultIdOf('D2', addressOf(node), digest)
  const evidenceHash = evidenceHashOf({
    receiptDigest: digest,
    rendition: 0,
    sourceHash: hash(3),
    contentHash: hash(4),
    profileHash: hash(5),
    verdictVersion: 1,
  })
  const vote: ConvictionVote = {
    faultId,
    faultClass: FAULT_CLASSES.D2,
    transcoder: addressOf(node),
    receiptDigest: digest,
    rendition: 0,
    evidenceHash,
    workCommit: hash(0),
    finder: addressOf(reporter),
    verdictVersion: 1,
    deadline: 500n,
    ...changes,
  }
  const shares = await Promise.all(
    members.map(async (member, i) => {
      const workCommit = workCommitOf(addressOf(member), hash(100 + i))
      return shareOf(workCommit, await signStruct(member, 'ConvictionVote', { ...vote, workCommit }))
    }),
  )
  return {
    fault: { faultClass: 'D2', faultId, transcoder: addressOf(node), receiptDigest: digest },
    evidence: { signed, vote, shares },
    evidenceHash,
  }
}

describe('fraud proof check', () => {
  let o1: Awaited<ReturnType<typeof equivocation>>
  let o3: Awaited<ReturnType<typeof passThrough>>
  let d2: Awaited<ReturnType<typeof conviction>>
  beforeAll(async () => {
    ;[o1, o3, d2] = await Promise.all([equivocation(), passThrough(), conviction()])
  })

  it('accepts an equivocation, a pass-through and a conviction, and names their signers', async () => {
    expect(checkFraudProof(DOMAIN, await report(o1.fault, encodeEquivocation(o1.evidence)))).toEqual({
      valid: true,
      accusedSigners: [addressOf(node), addressOf(node)],
      voters: [],
    })
    expect(checkFraudProof(DOMAIN, await report(o3.fault, encodePassThrough(o3.evidence)))).toMatchObject({
      valid: true,
      accusedSigners: [addressOf(node)],
    })
    const checked = checkFraudProof(
      DOMAIN,
      await report(d2.fault, encodeConviction(d2.evidence), { evidenceHash: d2.evidenceHash }),
    )
    expect(checked).toEqual({ valid: true, accusedSigners: [addressOf(node)], voters: members.map(addressOf) })
  })

  it('accepts two leaves of one index and two roots of one window, and only a report that names their receipt or none', async () => {
    const leaves = [...renditions(2), ...renditions(2, (i) => hash(8_000 + i)).slice(1)]
    const tree = merkleTree(leaves.map(renditionLeaf))
    const signed = await signedReceipt(node, receiptOf(node, leaves))
    const [a1, b1] = [leaves[1], leaves[2]] as [(typeof leaves)[0], (typeof leaves)[0]]
    const leavesOf = { kind: 'leaves' as const, signed, a: a1, pathA: tree.proof(1), b: b1, pathB: tree.proof(2) }
    const two = encodeEquivocation(ordered(DOMAIN, leavesOf))
    const fault = (about: Hex, receiptDigest: Hex): ObjectiveFault => ({
      ...{ faultClass: 'O1', faultId: equivocationIdOf(addressOf(node), about), transcoder: addressOf(node), receiptDigest },
    })
    const a: WindowRoot = { transcoder: addressOf(node), windowId: 5n, root: hash(1), count: 1, closedAt: 10n }
    const b: WindowRoot = { ...a, root: hash(2) }
    const windows = encodeEquivocation({
      ...{ kind: 'windows', a, b },
      ...{ signatureA: await signStruct(node, 'WindowRoot', a), signatureB: await signStruct(node, 'WindowRoot', b) },
    })
    for (const [found, evidence] of [
      [fault(signed.receipt.orderHash, receiptDigest(signed.receipt)), two],
      [fault(hash(5), ZERO_HASH), windows],
    ] as const) {
      expect(checkFraudProof(DOMAIN, await report(found, evidence))).toMatchObject({ valid: true })
      expect(checkFraudProof(DOMAIN, await report(found, evidence, { receiptDigest: hash(4) }))).toMatchObject({
        reason: /names another receipt/,
      })
    }
  })

  it('refuses evidence that the reporter did not sign for', async () => {
    const one = await report(o1.fault, encodeEquivocation(o1.evidence))
    const other = await signedReceipt(
      node,
      receiptOf(
        node,
        renditions(2, (i) => hash(6000 + i)),
      ),
    )
    const first = o1.evidence.kind === 'receipts' ? o1.evidence.a : undefined
    const again = first && equivocationOf(DOMAIN, first, other)
    if (!again) throw new Error('no equivocation')
    const swapped = checkFraudProof(DOMAIN, { ...one, extra: encodeEquivocation(again.evidence) })
    expect(swapped).toMatchObject({ valid: false })
    const wrongHash = await report(o3.fault, encodePassThrough(o3.evidence), { evidenceHash: hash(77) })
    expect(checkFraudProof(DOMAIN, wrongHash)).toMatchObject({ reason: /names other evidence/ })
  })

  it('calls honest differences no equivocation', async () => {
    const first = await signedReceipt(node, receiptOf(node, renditions(2)))
    for (const changes of [
      { completedAt: 9n },
      { round: 2n },
      { fingerprintRoot: hash(9) },
      { orderHash: hash(8), renditionsRoot: hash(8) },
    ])
      expect(equivocationOf(DOMAIN, first, await signedReceipt(node, receiptOf(node, renditions(2), changes)))).toBeUndefined()
  })

  it('finds no pass-through in honest renditions', async () => {
    const leaves = renditions(3)
    expect(passThroughOf(DOMAIN, await signedReceipt(node, receiptOf(node, leaves)), leaves)).toBeUndefined()
  })

  it('refuses a report that somebody else signed, names another node, fault or receipt', async () => {
    const evidence = encodePassThrough(o3.evidence)
    const good = await report(o3.fault, evidence)
    expect(checkFraudProof(DOMAIN, { ...good, signer: addressOf(node) })).toMatchObject({ valid: false })
    expect(checkFraudProof(DOMAIN, { ...good, signature: (await report(o1.fault, evidence)).signature })).toMatchObject({
      reason: /signature/,
    })
    for (const changes of [
      { transcoder: addressOf(wallet(5)) },
      { faultId: hash(5) },
      { receiptDigest: hash(5) },
      { faultClass: 1 },
      { faultClass: 2 },
    ])
      expect(checkFraudProof(DOMAIN, await report(o3.fault, evidence, changes))).toMatchObject({ valid: false })
  })

  it('refuses a framed pass-through: a leaf that the node never signed', async () => {
    const framed = { ...o3.evidence, rendition: { ...o3.evidence.rendition, width: 99 } }
    expect(checkFraudProof(DOMAIN, await report(o3.fault, encodePassThrough(framed)))).toMatchObject({
      reason: /not under the root/,
    })
    const honest = { ...o3.evidence, rendition: { ...o3.evidence.rendition, contentHash: hash(4) } }
    expect(checkFraudProof(DOMAIN, await report(o3.fault, encodePassThrough(honest)))).toMatchObject({ reason: /not the source/ })
  })

  it('refuses two votes, a repeated voter, a vote on another fault and one without work', async () => {
    const check = async (evidence: Conviction) =>
      checkFraudProof(DOMAIN, await report(d2.fault, encodeConviction(evidence), { evidenceHash: d2.evidenceHash }))
    const { evidence } = d2
    const [first, second, third] = evidence.shares as [Conviction['shares'][0], Conviction['shares'][0], Conviction['shares'][0]]
    expect(await check({ ...evidence, shares: [first, second] })).toMatchObject({ reason: /fewer than three/ })
    expect(await check({ ...evidence, shares: [first, second, second] })).toMatchObject({ reason: /distinct/ })
    expect(await check({ ...evidence, shares: [third, second, first] })).toMatchObject({ reason: /ascending/ })
    expect(await check({ ...evidence, vote: { ...evidence.vote, faultId: hash(1) } })).toMatchObject({ valid: false })
    expect(await check({ ...evidence, shares: [first, second, { ...third, workCommit: hash(0) }] })).toMatchObject({
      reason: /work/,
    })
    // What the contract refuses is no proof here either.
    expect(await check({ ...evidence, vote: { ...evidence.vote, workCommit: hash(9) } })).toMatchObject({ reason: /shared vote/ })
    const [nobody, never] = await Promise.all([conviction({ finder: NOBODY }), conviction({ verdictVersion: 0 })])
    expect(await check(nobody.evidence)).toMatchObject({ reason: /finder/ })
    expect(await check(never.evidence)).toMatchObject({ reason: /version/ })
  })

  it('refuses evidence bytes that are garbage or not canonical', async () => {
    for (const extra of ['0x', '0x1234', `${encodePassThrough(o3.evidence)}${'00'.repeat(32)}`] as Hex[])
      expect(checkFraudProof(DOMAIN, await report(o3.fault, extra))).toMatchObject({ valid: false })
  })

  it('takes no forged evidence, whichever byte is turned', () => {
    const { proofs } = readVectors<{ proofs: Proof[] }>('evidence.json')
    const flip = fc.tuple(fc.constantFrom(...proofs), fc.nat(), fc.integer({ min: 1, max: 255 }))
    fc.assert(
      fc.property(flip, ([{ claim, evidence, accusedSigners, voters }, at, mask]) => {
        const bytes = hexToBytes(evidence)
        bytes[at % bytes.length] = (bytes[at % bytes.length] as number) ^ mask
        const result = checkEvidence(VECTOR_DOMAIN, claim, bytesToHex(bytes))
        // A turned signature is another key's, whom the chain does not know.
        if (claim.faultClass < 17) expect(result).toMatchObject({ valid: false })
        else expect(result).not.toEqual({ valid: true, accusedSigners, voters })
      }),
      { numRuns: 400 },
    )
  })
})
