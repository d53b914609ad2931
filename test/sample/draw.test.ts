import { describe, expect, it } from 'vitest'
import { abiHash, sampleIdOf } from '../../proofs/digest.ts'
import type { Hex } from '../../proofs/types.ts'
import {
  checkDrawProof,
  type DrawParams,
  type DrawWindow,
  drawSamples,
  isSelected,
  ticketOf,
  trancheOf,
} from '../../src/sample/draw.ts'
import { LOCAL_DRAW, PUBLIC_DRAW } from '../../src/sample/params.ts'
import { hash } from '../helpers/fixtures.ts'

const window: DrawWindow = {
  transcoder: `0x${'12'.repeat(20)}`,
  windowId: 7n,
  beacon: hash(5),
  receipts: Array.from({ length: 50 }, (_, i) => ({ digest: hash(100 + i), renditions: 2 })),
  members: 4,
}
/** Stands for a member's BLS signature: 48 bytes that are a function of member and window. */
const blsOf = (member: number) => `${abiHash(['uint256', 'uint64'], [member, window.windowId])}${'00'.repeat(16)}` as Hex
const accept = () => true

describe('draw', () => {
  it('is the same each time and differs between members', () => {
    const mine = drawSamples(LOCAL_DRAW, window, blsOf(1))
    expect(drawSamples(LOCAL_DRAW, window, blsOf(1))).toEqual(mine)
    expect(drawSamples(LOCAL_DRAW, window, blsOf(2)).map((s) => s.tranche)).not.toEqual(mine.map((s) => s.tranche))
  })

  it('wakes about one checker at once, two by the second tranche, and everyone by the last', () => {
    const samples = [...Array(20).keys()].flatMap((w) =>
      [0, 1, 2, 3].flatMap((m) =>
        drawSamples(LOCAL_DRAW, { ...window, windowId: BigInt(w) }, `${abiHash(['uint256'], [w * 4 + m])}${'00'.repeat(16)}`),
      ),
    )
    const total = 20 * 100
    const share = (tranche: number) => samples.filter((s) => s.tranche <= tranche).length / total
    expect(share(0)).toBeCloseTo(1, 1)
    expect(share(1)).toBeCloseTo(2, 1)
    expect(share(2)).toBe(4)
  })

  it('keeps to its samples a day on a public network, whatever the traffic', () => {
    // Two samples a window: enough to count in a short test.
    const params: DrawParams = { ...PUBLIC_DRAW, samplesPerDay: 2 * 1440 }
    const oneWindow = (receipts: number, beacon: number) => {
      const w = {
        ...window,
        beacon: hash(beacon),
        receipts: Array.from({ length: receipts }, (_, i) => ({ digest: hash(i), renditions: 4 })),
      }
      return w.receipts.flatMap((r) =>
        [0, 1, 2, 3].filter((rendition) => isSelected(params, w, sampleIdOf(r.digest, rendition, w.windowId))),
      ).length
    }
    const windows = 60
    const expected = (params.samplesPerDay * 60 * windows) / 86_400
    for (const traffic of [5, 20]) {
      const seen = Array.from({ length: windows }, (_, i) => oneWindow(traffic, i)).reduce((a, b) => a + b)
      expect(seen).toBeGreaterThan(expected * 0.6)
      expect(seen).toBeLessThan(expected * 1.5)
    }
  })

  it('is checked by anyone from its proof, and only for its own place', () => {
    const [sample] = drawSamples(LOCAL_DRAW, window, blsOf(3))
    if (!sample) throw new Error('nothing drawn')
    const check = (changes: object, verify = accept, id = sample.sampleId) =>
      checkDrawProof(LOCAL_DRAW, window, id, { ...sample.proof, ...changes }, verify)
    expect(check({})).toBe(sample.tranche)
    expect(check({}, () => false)).toBeUndefined()
    expect(check({ index: 99 })).toBeUndefined()
    expect(check({ rendition: 2 })).toBeUndefined()
    expect(check({ windowId: 8n })).toBeUndefined()
    expect(check({ transcoder: `0x${'13'.repeat(20)}` })).toBeUndefined()
    expect(check({}, accept, hash(1))).toBeUndefined()
  })

  it('draws nothing from a ticket above every threshold', () => {
    const params: DrawParams = { ...LOCAL_DRAW, tranches: [{ afterSeconds: 0, expectedCheckers: 1 }] }
    expect(trancheOf(params, 4, 0.24)).toBe(0)
    expect(trancheOf(params, 4, 0.26)).toBeUndefined()
    expect(ticketOf(blsOf(1), 0, 0)).not.toBe(ticketOf(blsOf(1), 0, 1))
  })
})
