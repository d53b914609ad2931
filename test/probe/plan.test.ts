import { describe, expect, it } from 'vitest'
import { exitCodeOf } from '../../src/cli/probe.ts'
import { nodeLines } from '../../src/cli/probe-view.ts'
import type { ProbeVerdict } from '../../src/probe/judging.ts'
import { drawLadder, ladderOf, pixelsOf, RUNGS } from '../../src/probe/ladders.ts'
import type { ProbedNode } from '../../src/probe/probe.ts'
import { reportOf, spreadOf } from '../../src/probe/report.ts'
import type { Visit, VisitedSegment } from '../../src/probe/visit.ts'
import { hash } from '../helpers/fixtures.ts'

describe('a ladder', () => {
  it('is one that gateways order, and never asks for more lines than there are', () => {
    for (const height of [144, 240, 360, 480, 720, 1_080])
      for (let i = 0; i < 20; i++) {
        const ladder = drawLadder(height, () => i / 20)
        expect(ladder.length).toBeGreaterThan(0)
        expect(Math.max(...ladder.map((one) => one.height))).toBeLessThanOrEqual(height)
      }
    const drawn = new Set(
      Array.from({ length: 20 }, (_, i) =>
        drawLadder(720, () => i / 20)
          .map(({ name }) => name)
          .join(),
      ),
    )
    expect(drawn.size).toBe(7)
  })

  it('of names is in their order, and an unknown name says which there are', () => {
    expect(ladderOf(['360p0', '240p0']).map(({ width }) => width)).toEqual([640, 426])
    expect(() => ladderOf(['4k'])).toThrow(`no rung is called '4k'; there are ${RUNGS[0]?.name}`)
  })

  it('is paid by its pixels', () => {
    const [own, fixed] = ladderOf(['360p0', 'P240p30fps16x9'])
    expect(pixelsOf([own as never], { fps: 25, durationMs: 2_000 })).toBe(BigInt(640 * 360 * 50))
    expect(pixelsOf([fixed as never], { fps: 25, durationMs: 2_000 })).toBe(BigInt(426 * 240 * 60))
  })
})

const segment = (changes: Partial<VisitedSegment> = {}): VisitedSegment => ({
  ...{ seq: 0, source: { file: 's', durationMs: 2_000 }, delivered: [], pixels: 1_000_000n },
  times: { uploadMs: 100, answerMs: 500, downloadMs: 50, totalMs: 650 },
  ...changes,
})
const visit = (segments: VisitedSegment[]): Visit => ({
  ...{ uri: 'https://node.example:8935', address: undefined, key: undefined, price: undefined, version: '', segments },
})
const refusal = { code: 'livepeer-capped', message: 'it is full', blame: 'theirs' } as const
const lost = { seq: 1, source: { file: 's', durationMs: 2_000 }, delivered: [], pixels: 0n, refusal }
const verdict = (outcome: ProbeVerdict['outcome']): ProbeVerdict => ({
  ...{ seq: 0, rung: '240p0', contentHash: hash(1), bytes: 1, outcome, reasons: [], measures: {} },
})

describe('a report', () => {
  it('sums up what came and why the rest did not', () => {
    const report = reportOf(visit([segment(), lost, { ...lost, seq: 2 }]), [verdict('pass'), verdict('fail')])
    expect(report).toMatchObject({
      ...{ sent: 3, received: 1, realtime: 0.325, pixelsPerSec: 2_000_000 },
      ...{ refusals: [{ ...refusal, count: 2 }], outcomes: { pass: 1, fail: 1, inconclusive: 0 } },
      total: { median: 650, p95: 650, most: 650 },
    })
    expect(reportOf({ ...visit([]), refusal }, [])).toMatchObject({ sent: 0, total: undefined, refusals: [{ count: 1 }] })
  })

  it('has a median and the slow end', () => {
    expect(spreadOf(Array.from({ length: 100 }, (_, i) => 100 - i))).toEqual({ median: 51, p95: 96, most: 100 })
    expect(spreadOf([])).toBeUndefined()
  })

  const node = (verdicts: ProbeVerdict[], segments = [segment()], changes: Partial<ProbedNode> = {}): ProbedNode => ({
    ...reportOf(visit(segments), verdicts),
    ...{ video: undefined, size: '640x360p30', ladder: ['240p0'], verdicts, troubles: [], ...changes },
  })
  it.each<[string, number, ProbedNode]>([
    ['all is well', 0, node([verdict('pass')])],
    ['something failed', 1, node([verdict('pass'), verdict('fail')])],
    ['doubt', 3, node([verdict('pass'), verdict('inconclusive')])],
    ['a segment did not come', 3, node([verdict('pass')], [segment(), lost])],
    ['no session', 3, node([], [])],
    ['a fault of ours', 2, node([verdict('pass')], [segment()], { troubles: ['the disk is full'] })],
    [
      'garbage in a burst',
      1,
      node([verdict('pass')], [segment()], {
        capacity: { asked: 1, inTime: 1, whole: 1, pixelsPerSec: 1, refusals: [], verdicts: [verdict('fail')] },
      }),
    ],
  ])('%s: exit code %d', (_, code, probed) => {
    expect(exitCodeOf([probed])).toBe(code)
  })

  it('is told in lines, with the region and what was refused', () => {
    const lines = nodeLines(node([verdict('inconclusive')], [segment(), lost]), 'FRA').join('\n')
    for (const part of [
      'seen from FRA',
      '1 of 2 came whole',
      '1 x livepeer-capped: it is full',
      '0.33 of real time',
      '1 inconclusive',
    ])
      expect(lines).toContain(part)
  })
})
