import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Hex } from '../../proofs/types.ts'
import { AUDIT_SHARE, auditResult, auditTicketOf, auditTrancheOf, isAudited } from '../../src/sample/audit.ts'
import { createBudget } from '../../src/sample/budget.ts'
import { coverBy } from '../../src/sample/cover.ts'
import { checkDrawProof, type DrawWindow, drawSamples, isDrawable, isSelected, trancheOf } from '../../src/sample/draw.ts'
import { PUBLIC_DRAW } from '../../src/sample/params.ts'
import { samplesPerDay, timesOf } from '../../src/sample/target.ts'
import { hash } from '../helpers/fixtures.ts'

const bls = `0x${'ab'.repeat(48)}` as Hex

/** Chance that members wake in exactly the first tranche that has anybody, and how many they are then. */
function checksASample(members: number): { checks: number; unseen: number } {
  let [before, none, checks] = [0, 1, 0]
  for (const { expectedCheckers } of PUBLIC_DRAW.tranches) {
    const upTo = Math.min(1, expectedCheckers / members)
    const each = before < 1 ? (upTo - before) / (1 - before) : 0
    checks += none * members * each
    none *= (1 - each) ** members
    before = upTo
  }
  return { checks, unseen: none }
}

describe('public tranches', () => {
  it.each([4, 15, 30, 100, 300])(
    'cost a little more than one check a sample with %i members, and leave none unseen',
    (members) => {
      const { checks, unseen } = checksASample(members)
      expect(unseen).toBe(0)
      // With the 7 % of single answers that are looked at again this stays below 1.15.
      expect(checks + AUDIT_SHARE).toBeLessThan(1.15)
    },
  )

  it('are nested and end with everybody', () => {
    const checkers = PUBLIC_DRAW.tranches.map(({ expectedCheckers }) => expectedCheckers)
    expect(checkers).toEqual([...checkers].sort((a, b) => a - b))
    expect(trancheOf(PUBLIC_DRAW, 1000, 0.999999)).toBe(checkers.length - 1)
  })
})

describe('target', () => {
  it('looks ten times as often while there is evidence, on streams that can add to it', () => {
    const suspicion = { value: 3.5, struckStreams: new Set(['a']) }
    expect(timesOf(PUBLIC_DRAW, undefined, 'a')).toBe(1)
    expect(timesOf(PUBLIC_DRAW, { ...suspicion, value: 0 }, 'b')).toBe(1)
    expect(timesOf(PUBLIC_DRAW, suspicion, 'a')).toBe(1)
    expect(timesOf(PUBLIC_DRAW, suspicion, 'b')).toBe(10)
    expect(samplesPerDay(PUBLIC_DRAW, suspicion, ['a', 'b'])).toBe(550)
    expect(samplesPerDay(PUBLIC_DRAW, undefined, ['a', 'b'])).toBe(100)
    expect(samplesPerDay(PUBLIC_DRAW, undefined, [])).toBe(0)
  })

  it('draws more samples of the receipts that it is told, all valid for a stranger who is told nothing', () => {
    const params = { ...PUBLIC_DRAW, samplesPerDay: 1440 }
    const window: DrawWindow = {
      ...{ transcoder: `0x${'12'.repeat(20)}`, windowId: 7n, beacon: hash(5), members: 3 },
      receipts: Array.from({ length: 40 }, (_, i) => ({ digest: hash(100 + i), renditions: 1 })),
    }
    const usual = drawSamples(params, window, bls)
    const half = drawSamples(params, window, bls, (digest) => (Number(BigInt(digest)) % 2 ? 10 : 1))
    expect(half.length).toBeGreaterThan(usual.length)
    for (const sample of half) {
      expect(checkDrawProof(params, window, sample.sampleId, sample.proof, () => true)).toBe(sample.tranche)
      if (sample.index % 2 === 0) expect(isSelected(params, window, sample.sampleId)).toBe(true)
    }
    const ids = new Set(half.map(({ sampleId }) => sampleId))
    for (const { sampleId } of usual) expect(ids.has(sampleId)).toBe(true)
    // One that nobody could be drawn for has no proof.
    const all = drawSamples(params, window, bls, () => 1e9)
    const picked = all.find(({ sampleId }) => !isDrawable(params, window, sampleId))
    expect(picked && checkDrawProof(params, window, picked.sampleId, picked.proof, () => true)).toBeUndefined()
    expect(picked).toBeDefined()
  })
})

describe('cover', () => {
  const seal = { deadlineSec: 100, outcome: undefined, isTrusted: true }
  it.each([
    ['a seal before its deadline and grace', {}, 120, 'sealed'],
    ['one that nobody opened in time', {}, 121, undefined],
    ['an opened answer, however late', { outcome: 'fail' }, 999, 'opened'],
    ['missing bytes', { outcome: 'withheld' }, 50, undefined],
    ['the word of a member out of trust', { outcome: 'pass', isTrusted: false }, 50, undefined],
  ] as const)('of %s', (_, changes, now, expected) => {
    expect(coverBy({ ...seal, ...changes }, now, 20)).toBe(expected)
  })
})

describe('audit', () => {
  it('takes up 7 % of samples, by a beacon that nobody knew', () => {
    const ids = Array.from({ length: 1000 }, (_, i) => hash(i))
    const share = (beacon: Hex) => ids.filter((id) => isAudited(beacon, id)).length / 1000
    expect(share(hash(1))).toBeGreaterThan(0.045)
    expect(share(hash(1))).toBeLessThan(0.095)
    expect(ids.filter((id) => isAudited(hash(1), id))).not.toEqual(ids.filter((id) => isAudited(hash(2), id)))
  })

  it('is done by another member, in the same tranches', () => {
    const [ann, bob] = [`0x${'01'.repeat(20)}`, `0x${'02'.repeat(20)}`] as const
    const ticket = auditTicketOf(bls, hash(1))
    expect(auditTrancheOf(PUBLIC_DRAW, { members: 30, answeredBy: ann, auditor: ann }, 0)).toBeUndefined()
    expect(auditTrancheOf(PUBLIC_DRAW, { members: 30, answeredBy: ann, auditor: bob }, 0)).toBe(0)
    expect(auditTicketOf(bls, hash(2))).not.toBe(ticket)
  })

  it('blames a fingerprint, not an outcome', () => {
    expect(auditResult({ fingerprint: hash(1) }, { fingerprint: hash(1) })).toBe('agreed')
    expect(auditResult({ fingerprint: hash(1) }, { fingerprint: hash(2) })).toBe('wrong-fingerprint')
  })
})

describe('budget', () => {
  it('keeps the last fifth of a day for replays, and begins anew each day of chain time', () => {
    const budget = createBudget({ secondsPerDay: 100, bytesPerDay: 1000 })
    budget.spend(10, { seconds: 79, bytes: 100 })
    expect(budget.allows(20, 'sample', 700)).toBe(true)
    expect(budget.allows(20, 'sample', 701)).toBe(false)
    expect(budget.allows(20, 'replay', 900)).toBe(true)
    budget.spend(20, { seconds: 1, bytes: 0 })
    expect(budget.allows(20, 'sample', 0)).toBe(false)
    expect(budget.allows(20, 'replay', 0)).toBe(true)
    expect(budget.allows(86_400, 'sample', 800)).toBe(true)
    budget.spend(86_400, { seconds: 70, bytes: 0 })
    // Read from the log late: yesterday's costs are not today's, and do not bring yesterday back.
    budget.spend(20, { seconds: 50, bytes: 0 })
    expect(budget.spent(86_401).seconds).toBe(70)
  })

  it('never lets more bytes through than it has, and seconds by at most one check; in any order of days', () => {
    const cost = fc.record({ at: fc.nat(300_000), seconds: fc.nat(30), bytes: fc.nat(300) })
    fc.assert(
      fc.property(fc.array(cost, { maxLength: 60 }), (costs) => {
        const budget = createBudget({ secondsPerDay: 100, bytesPerDay: 1000 })
        for (const { at, ...one } of costs) {
          if (budget.allows(at, 'replay', one.bytes)) budget.spend(at, one)
          expect(budget.spent(at).bytes).toBeLessThanOrEqual(1000)
          expect(budget.spent(at).seconds).toBeLessThan(130)
        }
      }),
    )
  })
})
