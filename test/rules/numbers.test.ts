import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { VERDICT_VERSION } from '../../proofs/types.ts'
import { LOCAL_COURT, PUBLIC_COURT } from '../../src/court/params.ts'
import { ALARM } from '../../src/court/score.ts'
import { networkParams } from '../../src/pipeline/network.ts'
import { AUDIT_SHARE } from '../../src/sample/audit.ts'
import { LOCAL_DRAW, PUBLIC_DRAW } from '../../src/sample/params.ts'
import { MAX_PARTS } from '../../src/transcode/reading.ts'
import { MEDIA_LIMITS } from '../../src/transcode/types.ts'
import {
  BAD_FRAMES,
  CONFIRM_FACTOR,
  FEATURELESS_CONTRAST,
  LINES,
  MAX_GAP_MS,
  MIN_FRAMES,
  MOTIONLESS_EXCURSION,
  MOVING_FRAMES,
  PROVE_FACTOR,
  SPENT,
  TOGETHER,
} from '../../src/verdict/lines.ts'
import { root } from './readmes.ts'

// What a sceptic reads must be what the program does.

const page = (room: string) => readFileSync(join(root, 'src', room, 'README.md'), 'utf8')
/** Cells of the row that begins so. */
const row = (room: string, first: string): string[] => {
  const found = page(room)
    .split('\n')
    .filter((line) => line.startsWith(`| ${first} |`))
  expect(found.length, `${room}: ${first}`).toBe(1)
  return (found[0] ?? '')
    .split('|')
    .slice(2, -1)
    .map((cell) => cell.trim())
}
const thousands = (n: number) => n.toLocaleString('en-US')

describe('numbers of the verdict', () => {
  it('has one row for each line, and no other', () => {
    const rows = page('verdict').matchAll(/^\| `([a-z-]+)` \| (D2|D3|Q) \| ([\d.]+) \| ([\d.]+|none) \| /gm)
    expect([...rows].map(([, code, faultClass, clear, fraud]) => [code, faultClass, clear, fraud])).toEqual(
      Object.entries(LINES).map(([code, line]) => [
        code,
        line.class,
        String(line.clear),
        Number.isFinite(line.fraud) ? String(line.fraud) : 'none',
      ]),
    )
    for (const { sees } of Object.values(LINES)) expect(page('verdict')).toContain(`| ${sees} |`)
  })

  it('says what else decides', () => {
    const text = page('verdict').replace(/\s+/g, ' ')
    expect(PROVE_FACTOR).toBe(2)
    for (const words of [
      `now ${VERDICT_VERSION})`,
      `need ${BAD_FRAMES} bad frames`,
      `${CONFIRM_FACTOR} times for who confirms`,
      `fewer than ${MIN_FRAMES} pictures`,
      `a gap above ${MAX_GAP_MS / 1000} s`,
      `contrast below ${FEATURELESS_CONTRAST} levels`,
      `fewer than ${MOVING_FRAMES} moving frames that never leave the first by more than ${MOTIONLESS_EXCURSION} levels`,
      `\`detail-own\` above ${TOGETHER['detail-own']} and \`coherence-own\` above ${TOGETHER['coherence-own']}`,
      `at least ${SPENT} of the ordered bit rate`,
    ])
      expect(text).toContain(words)
  })
})

it('numbers of the draw', () => {
  const both = (first: string) => row('sample', first).slice(0, 2)
  const [a, b] = [PUBLIC_DRAW, LOCAL_DRAW]
  expect(both('window')).toEqual([a, b].map(({ windowSeconds }) => `${windowSeconds} s`))
  expect(both("beacon after the window's end")).toEqual([a, b].map(({ beaconDelaySeconds }) => `${beaconDelaySeconds} s`))
  expect(both('samples a node and day')).toEqual([String(a.samplesPerDay), 'all'])
  expect(b.samplesPerDay).toBe(Number.POSITIVE_INFINITY)
  expect(both('most times as many')).toEqual([a, b].map(({ mostTimes }) => String(mostTimes)))
  expect(both('tranches')).toEqual([
    `${a.tranches.length}, ${a.tranches[1]?.afterSeconds} s apart`,
    `${b.tranches.length}: ${b.tranches
      .map(({ afterSeconds }) => afterSeconds)
      .join(', ')
      .replace(/, (\d+)$/, ' and $1')} s`,
  ])
  expect(a.tranches.at(-1)?.afterSeconds).toBe(360)
  expect(both('audits')).toEqual(Array(2).fill(`${Math.round(AUDIT_SHARE * 100)} %`))
})

it('numbers of the court', () => {
  const both = (first: string, say: (params: typeof PUBLIC_COURT) => string) =>
    expect(row('court', first).slice(0, 2)).toEqual([PUBLIC_COURT, LOCAL_COURT].map(say))
  both('failing segments', ({ failingSegments }) => String(failingSegments))
  both('of so many streams', ({ failingStreams }) => String(failingStreams))
  both('apart at least', ({ segmentGapSeconds }) => `${segmentGapSeconds} s`)
  both('apart at most', ({ segmentWithinSeconds }) => `${thousands(segmentWithinSeconds)} s`)
  both(
    'members drawn to escalate, and agreeing',
    ({ escalationMembers, escalationShare: [of, all] }) => `${escalationMembers}, ${of} of ${all}`,
  )
  both('convicting weight', ({ convictionShare: [of, all] }) => `above ${of} of ${all}`)
  both('convicting signers', ({ convictionSigners }) => String(convictionSigners))
  both('members before bytes count as withheld', ({ withheldBy }) => String(withheldBy))
  both(
    'replays of a node with a case, without',
    ({ replaysPerNode, replaysWithoutCase }) => `${replaysPerNode}, ${replaysWithoutCase}`,
  )
  expect(page('court').replace(/\s+/g, ' ')).toContain(`The alarm is ${ALARM},`)
})

it('caps of what is sent', () => {
  const [a, b] = [networkParams('arbitrum-one').limits, networkParams('local').limits]
  for (const key of Object.keys(a) as (keyof typeof a)[])
    expect(row('chain', `\`limits.${key}\``).slice(0, 2)).toEqual([thousands(a[key]), thousands(b[key])])
})

it('limits of media', () => {
  const [GIB, first] = [1024 ** 3, (name: string) => row('transcode', name)[0]]
  expect(first('bytes of a file')).toBe(thousands(MEDIA_LIMITS.fileBytes))
  expect(first('frames of a file')).toBe(thousands(MEDIA_LIMITS.frames))
  expect(first('picture')).toBe(`${thousands(MEDIA_LIMITS.pixels)} pixels`)
  expect(first('tracks')).toBe(String(MEDIA_LIMITS.tracks))
  expect(first('samples and NAL units of the video, and of the sound')).toBe(`${thousands(MAX_PARTS)} of each`)
  expect(first('wall clock, CPU of a run')).toBe(`${MEDIA_LIMITS.wallMs / 1000} s, ${MEDIA_LIMITS.cpuSeconds} s`)
  expect(first('address space, one output')).toBe(`${MEDIA_LIMITS.addressBytes / GIB} GiB, ${MEDIA_LIMITS.outputBytes / GIB} GiB`)
})
