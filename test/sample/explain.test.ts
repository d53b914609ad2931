import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { abiHash } from '../../proofs/digest.ts'
import type { Hex } from '../../proofs/types.ts'
import { type Audited, auditTicketOf, auditTrancheOf, auditWindowOf, checkAuditProof, isAudited } from '../../src/sample/audit.ts'
import { beaconSecOf, type DrawWindow, drawMessage, drawSamples } from '../../src/sample/draw.ts'
import { explainDraw } from '../../src/sample/explain.ts'
import { LOCAL_DRAW, PUBLIC_DRAW } from '../../src/sample/params.ts'
import { hash } from '../helpers/fixtures.ts'

const blsOf = (n: number) => `${abiHash(['uint256'], [n])}${'00'.repeat(16)}` as Hex
const windowOf = (beacon: number, receipts: number, members: number): DrawWindow => ({
  ...{ transcoder: `0x${'12'.repeat(20)}`, windowId: 7n, beacon: hash(beacon), members },
  receipts: Array.from({ length: receipts }, (_, i) => ({ digest: hash(100 + i), renditions: 3 })),
})

describe('the explanation of a draw', () => {
  it('says of every rendition what the draw itself does, whoever draws and as often as may be', () => {
    const params = { ...PUBLIC_DRAW, samplesPerDay: 3_000 }
    fc.assert(
      fc.property(
        fc.nat(999),
        fc.nat(999),
        fc.integer({ min: 1, max: 12 }),
        fc.constantFrom(1, 10),
        (beacon, key, members, times) => {
          const window = windowOf(beacon, 4, members)
          const bls = blsOf(key)
          const drawn = new Map(drawSamples(params, window, bls, () => times).map((one) => [one.sampleId, one.tranche]))
          for (const index of window.receipts.keys())
            for (const told of explainDraw(params, window, index, { bls, times }))
              expect(told.isSelected ? told.ticket?.tranche : undefined).toBe(drawn.get(told.sampleId))
        },
      ),
      { numRuns: 60 },
    )
  })

  it('puts each number beside its line, and knows no ticket without a key', () => {
    const window = windowOf(1, 10, 4)
    const [told] = explainDraw(PUBLIC_DRAW, window, 0, { times: 1 })
    // 100 samples a day in windows of a minute, over 30 samples.
    expect(told?.selection.line).toBeCloseTo((100 * 60) / 86_400 / 30, 10)
    expect(told?.selection.mostLine).toBeCloseTo((10 * 100 * 60) / 86_400 / 30, 10)
    expect(told?.ticket).toBeUndefined()
    const [local] = explainDraw(LOCAL_DRAW, window, 0, { times: 1, bls: blsOf(1) })
    expect(local).toMatchObject({ isSelected: true, isDrawable: true, selection: { line: Number.POSITIVE_INFINITY } })
    expect(local?.ticket).toMatchObject({ firstLine: 0.25, lastLine: Number.POSITIVE_INFINITY })
    expect(explainDraw(LOCAL_DRAW, window, 99, { times: 1 })).toEqual([])
  })
})

describe('an audit', () => {
  const [ann, bob] = [`0x${'01'.repeat(20)}`, `0x${'02'.repeat(20)}`] as const
  const later = Array.from({ length: 200 }, (_, i) => hash(5000 + i)).find((beacon) => isAudited(beacon, hash(1))) as Hex
  const about: Audited = {
    ...{ transcoder: `0x${'12'.repeat(20)}`, sampleId: hash(1), index: 3, rendition: 1, answeredBy: ann },
    ...{ windowId: 9n, beacon: later, members: 2 },
  }
  const proof = { transcoder: about.transcoder, windowId: 9n, index: 3, rendition: 1, bls: blsOf(1) }
  const accept = (message: Hex) => message === drawMessage(about)

  it('is drawn by the first beacon after the answer had to be open', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(LOCAL_DRAW, PUBLIC_DRAW),
        fc.integer({ min: 1_000, max: 2_000_000_000 }),
        (params, deadlineSec) => {
          const windowId = auditWindowOf(params, deadlineSec)
          expect(beaconSecOf(params, windowId)).toBeGreaterThan(deadlineSec)
          expect(beaconSecOf(params, windowId - 1n)).toBeLessThanOrEqual(deadlineSec)
        },
      ),
    )
  })

  it('is proven by the draw signature of that later window, and by nothing else', () => {
    const expected = auditTrancheOf(LOCAL_DRAW, { ...about, auditor: bob }, auditTicketOf(proof.bls, hash(1)))
    expect(expected).toBeDefined()
    expect(checkAuditProof(LOCAL_DRAW, about, bob, proof, accept)).toBe(expected)
    expect(checkAuditProof(LOCAL_DRAW, about, bob, proof, () => false)).toBeUndefined()
    expect(checkAuditProof(LOCAL_DRAW, about, ann, proof, accept)).toBeUndefined()
    for (const change of [{ windowId: 8n }, { index: 2 }, { rendition: 0 }, { transcoder: bob }])
      expect(checkAuditProof(LOCAL_DRAW, about, bob, { ...proof, ...change }, accept)).toBeUndefined()
    const other = Array.from({ length: 200 }, (_, i) => hash(i)).find((beacon) => !isAudited(beacon, hash(1))) as Hex
    expect(checkAuditProof(LOCAL_DRAW, { ...about, beacon: other }, bob, proof, () => true)).toBeUndefined()
  })
})
