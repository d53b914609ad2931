import { describe, expect, it } from 'vitest'
import { HOSTILE_NAMES } from '../../src/cli/sim.options.ts'
import { drawSamples } from '../../src/sample/draw.ts'
import { PUBLIC_DRAW } from '../../src/sample/params.ts'
import { createRandom } from '../../src/sim/random.ts'
import { reportOf } from '../../src/sim/report.ts'
import { DEFAULTS, dealNodes, HOSTILE, type SimSettings, underAThird } from '../../src/sim/settings.ts'
import { simulate } from '../../src/sim/sim.ts'
import { endedBy, quantile, rateBounds } from '../../src/sim/survival.ts'
import { walk } from '../../src/sim/walk.ts'

const SMALL: SimSettings = { ...DEFAULTS, hostile: 0, orchestrators: 10, days: 3, trials: 4, honestYears: 5 }
const rules = { draw: PUBLIC_DRAW, openAfterSeconds: 40, openGraceSeconds: 20, sealAfterSeconds: 3 }

describe('simulator', () => {
  it('convicts cheats, spares honest nodes and keeps to the price of peace; the same from the same seed', () => {
    const report = reportOf(simulate(SMALL))
    expect(reportOf(simulate(SMALL))).toEqual(report)
    const of = (kind: string) => report.kinds.find((row) => row.kind === kind)
    expect(of('cheats in 100 %')?.days.median).toBeLessThan(0.1)
    expect(of('cheats in 20 %')?.days.median).toBeLessThan(0.5)
    expect(of('cheats in 5 %')?.convicted).toBeGreaterThan(0)
    expect(of('honest')?.convicted).toBe(0)
    expect(report.honest?.convictions).toBe(0)
    expect(report.checksPerSample).toBeLessThan(1.15)
  })

  it('finds out the hostile and frames nobody with just under a third of them; fakes without a bond change nothing', () => {
    const hostile = { ...SMALL, hostile: underAThird(30) }
    const report = reportOf(simulate(hostile))
    expect(report.faults.every(({ ofHonest }) => ofHonest === 0)).toBe(true)
    expect(report.hostile.filter(({ kind }) => kind === 'never-opening').every(({ outAfterDays }) => outAfterDays !== null)).toBe(
      true,
    )
    expect(report.honest?.convictions).toBe(0)
    expect(reportOf(simulate({ ...hostile, fakes: 1000 }))).toEqual(report)
  })

  it('would show a false conviction: where a tenth of all streams misleads the judge, four of a day do too', () => {
    const ill = { ...SMALL, burstyStreams: 0.1, orchestrators: 7, days: 1, honestYears: 1 }
    expect(simulate(ill).honest?.convictions).toBeGreaterThan(0)
  })
})

describe('what is aggregated', () => {
  it('selects as often, and wakes as many, as every member drawing from every window does', () => {
    const random = createRandom(3)
    const members = Array.from({ length: 5 }, (_, index) => ({ index, address: random.hex(20), kind: 'honest' as const }))
    const input = { bad: false, shielded: false, trusts: () => true, frames: () => false }
    const params = { ...PUBLIC_DRAW, samplesPerDay: 2 * 1440 }
    let [selected, exact] = [0, 0]
    const WINDOWS = 80
    for (let w = 0; w < WINDOWS; w++) {
      const receipts = Array.from({ length: 6 }, () => ({ digest: random.hex(32), renditions: 1 }))
      const window = { transcoder: random.hex(20), windowId: BigInt(w), beacon: random.hex(32), receipts, members: 5 }
      const draws = members.map((fisherman) => ({ fisherman, samples: drawSamples(params, window, random.hex(48)) }))
      for (const index of receipts.keys()) {
        const drawn = draws.flatMap(({ fisherman, samples }) => {
          const sample = samples.find((one) => one.index === index)
          return sample ? [{ fisherman, tranche: sample.tranche }] : []
        })
        if (drawn.length === 0) continue
        // The last tranche is everybody.
        expect(drawn).toHaveLength(5)
        selected++
        exact += walk(rules, { ...input, drawn }).checks
      }
    }
    // Two a window are expected; the standard deviation of the sum is 10.
    expect(Math.abs(selected - 2 * WINDOWS)).toBeLessThan(35)
    const quiet = simulate({ ...SMALL, fishermen: 5, honestYears: 0 }).kinds.find(({ kind }) => kind.name === 'honest')
    const withoutAudits = (quiet?.checks ?? 0) / (quiet?.samples ?? 1) - 0.07
    expect(Math.abs(exact / selected - withoutAudits)).toBeLessThan(0.08)
  })
})

describe('statistics', () => {
  it('count a trial that was cut off for as long as it was seen', () => {
    const ended = [1, 2, 3, 4].map((days) => ({ days, ended: true }))
    expect(quantile(ended, 0.5)).toBe(2)
    expect(quantile([...ended, { days: 2.5, ended: false }, { days: 9, ended: false }], 0.99)).toBeUndefined()
  })

  it('call a promise broken only where luck does not explain it', () => {
    const trials = (late: number) => Array.from({ length: 200 }, (_, i) => ({ days: i < late ? 9 : 1, ended: true }))
    expect([0, 2, 4, 12].map((late) => endedBy(trials(late), 0.99, 5))).toEqual([true, true, undefined, false])
  })

  it('bound a rate: three over the exposure where nothing happened', () => {
    expect(rateBounds(0, 1000).high).toBeCloseTo(0.002996, 5)
    expect(rateBounds(3, 1).low).toBeCloseTo(0.6187, 3)
    expect(rateBounds(3, 1).high).toBeCloseTo(8.7673, 3)
  })
})

it('names of the command are those of the simulator, and each kind has a node', () => {
  expect(HOSTILE_NAMES).toEqual([...HOSTILE])
  expect(new Set(dealNodes(7).map((kind) => JSON.stringify(kind))).size).toBe(7)
  expect(() => dealNodes(6)).toThrow('at least 7')
})
