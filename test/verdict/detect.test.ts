import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { Profile } from '../../proofs/types.ts'
import { createJudge, type Depth, type RenditionVerdict } from '../../src/judge.ts'
import { clip, corpus, movingSource, naturalSource, type Rung, rendition, scratch } from '../transcode/clips.ts'

const judge = createJudge({ scratchDir: scratch, maxJobs: 2 })
/** Many jobs of real media in one test: a loaded machine may take its time. */
const LONG = { timeout: 240_000 }
const SMALL: Rung = { width: 426, height: 240, kbit: 300 }
const TINY: Rung = { width: 256, height: 144, kbit: 160 }
const third = (rung: Rung): string => `scale=${Math.round(rung.width / 6) * 2}:${Math.round(rung.height / 6) * 2},`

interface Case {
  name: string
  path: string
  profile?: Partial<Profile>
}

function honest(source: string, rung: Rung): Case[] {
  return [
    { name: 'veryfast', path: rendition(source, rung) },
    { name: 'medium', path: rendition(source, rung, '', ['-preset', 'medium']) },
    { name: 'baseline', path: rendition(source, rung, '', ['-preset', 'veryfast', '-profile:v', 'baseline', '-bf', '0']) },
    { name: '25 fps', path: rendition(source, rung, 'fps=25'), profile: { fpsNum: 25 } },
    { name: 'half the bit rate', path: rendition(source, { ...rung, kbit: rung.kbit / 2 }) },
  ]
}

function frauds(source: string, before: string, other: string, rung: Rung): (Case & { faultClass: string })[] {
  const made = (name: string, faultClass: string, path: string): Case & { faultClass: string } => ({ name, faultClass, path })
  return [
    made('replay of the segment before', 'D2', rendition(before, rung)),
    made('freeze', 'D2', rendition(source, rung, "select='eq(n,0)',loop=-1:1:0,setpts=N/FRAME_RATE/TB,trim=duration=2")),
    made('other video', 'D2', rendition(other, rung)),
    made('black', 'D2', rendition(source, rung, 'drawbox=t=fill:color=black')),
    made('mirror', 'D2', rendition(source, rung, 'hflip')),
    made('black and white', 'D2', rendition(source, rung, 'hue=s=0')),
    made('eight frames late', 'D2', rendition(source, rung, 'tpad=start=8:start_mode=clone,trim=duration=2')),
    made('first half alone', 'D3', rendition(source, rung, 'trim=duration=1')),
    made('pass-through', 'D3', source),
    made('pass-through in another container', 'D3', clip('mp4', '-i', source, '-c', 'copy', '-f', 'mp4')),
    made('upscale from a third', 'Q', rendition(source, rung, '', ['-preset', 'veryfast'], third(rung))),
  ]
}

async function ask(source: string, rung: Rung, one: Case, depth: Depth): Promise<RenditionVerdict> {
  const profile: Profile = {
    width: rung.width,
    height: rung.height,
    bitrate: rung.kbit * 1000,
    fpsNum: 0,
    fpsDen: 1,
    codec: 0,
    h264Profile: 0,
    gopMs: 0,
    container: 0,
    quality: 0,
    ...one.profile,
  }
  const result = await judge.judge({ source, renditions: [{ path: one.path, profile }], depth })
  const verdict = result.renditions[0]
  if (!verdict) throw new Error('no verdict')
  return verdict
}

const summary = (one: Case, v: RenditionVerdict): string =>
  `${one.name}: ${v.verdict} ${v.faultClass ?? ''} ${v.reasons.map((r) => `${r.code}=${r.value.toPrecision(3)}`).join(' ')}`

function table(name: string, clips: () => { source: string; before: string; other: string }, rung: Rung): void {
  describe(name, () => {
    it.each(['check', 'prove'] as const)('passes honest work at %s', LONG, async (depth) => {
      const { source } = clips()
      const cases = honest(source, rung)
      const verdicts = await Promise.all(cases.map(async (one) => ({ one, v: await ask(source, rung, one, depth) })))
      const failed = verdicts.filter(({ v }) => v.verdict === 'fail').map(({ one, v }) => summary(one, v))
      expect(failed).toEqual([])
      const doubted = verdicts.filter(({ one, v }) => v.verdict !== 'pass' && one.name !== 'half the bit rate')
      expect(doubted.map(({ one, v }) => summary(one, v))).toEqual([])
    })

    it.each(['check', 'prove'] as const)('fails fraud at %s, each in its class', LONG, async (depth) => {
      const { source, before, other } = clips()
      const cases = frauds(source, before, other, rung)
      const verdicts = await Promise.all(cases.map(async (one) => ({ one, v: await ask(source, rung, one, depth) })))
      const missed = verdicts.filter(({ one, v }) => v.verdict !== 'fail' || v.faultClass !== one.faultClass)
      expect(missed.map(({ one, v }) => summary(one, v))).toEqual([])
    })
  })
}

const moving = () => ({
  source: movingSource(2),
  before: movingSource(0),
  other: clip(
    'ts',
    '-f',
    'lavfi',
    '-i',
    'testsrc2=s=640x360:r=30',
    '-t',
    '2',
    '-c:v',
    'libx264',
    '-pix_fmt',
    'yuv420p',
    '-f',
    'mpegts',
  ),
})
table('generated scene, 240p', moving, SMALL)

const footage = corpus()
if (!footage) it.skip('natural footage: no corpus in FISHERMAN_CORPUS or ../shared/corpus', () => {})
else {
  const file = (name: string): string => join(footage, 'natural', name)
  table(
    'bigbuckbunny, 240p',
    () => ({
      source: naturalSource(file('bigbuckbunny.mp4'), 3),
      before: naturalSource(file('bigbuckbunny.mp4'), 0),
      other: naturalSource(file('bikes.mp4'), 1),
    }),
    SMALL,
  )
}

describe('attacks that know this code', () => {
  const source = movingSource(2)
  const [w, h] = [SMALL.width, SMALL.height]
  const small = 'scale=142:80,scale=426:240'
  const fake = (filter: string, when: string): string =>
    rendition(source, SMALL, `split[a][b];[b]${filter}[f];[a][f]overlay=enable='${when}':format=yuv420`)
  const withSound = (...sound: string[]): string =>
    clip('ts', '-i', source, ...sound, '-map', '0:v', '-map', '1:a', '-c:v', 'copy', '-c:a', 'aac', '-shortest', '-f', 'mpegts')
  const tone = (hertz: number): string[] => ['-f', 'lavfi', '-i', `sine=f=${hertz}:r=44100:d=2`]
  const cases: [name: string, faultClass: string, path: () => string][] = [
    ['honest in every third frame alone', 'Q', () => fake(small, 'gt(mod(n,3),0)')],
    ['honest in the first half of each group', 'Q', () => fake(small, 'gte(mod(n,30),15)')],
    [
      'enlarged in a part of the picture',
      'Q',
      () => {
        const part = 'crop=212:120:60:40,scale=70:40,scale=212:120'
        return rendition(source, SMALL, `split[a][b];[b]${part}[f];[a][f]overlay=60:40:format=yuv420`)
      },
    ],
    ['enlarged, with noise for detail', 'Q', () => rendition(source, SMALL, `${small},noise=alls=14:allf=t:all_seed=7`)],
    ['nothing but what 64x64 pictures hold', 'Q', () => rendition(source, SMALL, `scale=64:64:flags=area,scale=${w}:${h}`)],
    ['half of its colour', 'D2', () => rendition(source, SMALL, 'hue=s=0.4')],
    ['every second picture shown twice', 'D2', () => rendition(source, SMALL, 'framestep=2,fps=30')],
  ]
  it.each(cases)('%s is seen at check', LONG, async (name, faultClass, path) => {
    const v = await ask(source, SMALL, { name, path: path() }, 'check')
    expect(summary({ name, path: '' }, v)).toContain(`fail ${faultClass}`)
  })

  it('finds other sound under the right picture, and no fault in copied sound of either container', LONG, async () => {
    const spoken = withSound(...tone(300))
    const own = rendition(source, SMALL)
    const copied = (format: string, sound: string): string =>
      clip(format === 'mp4' ? 'mp4' : 'ts', '-i', own, '-i', sound, '-map', '0:v', '-map', '1:a', '-c', 'copy', '-f', format)
    const honestOne = { name: 'copied', path: copied('mp4', spoken), profile: { container: 1 } }
    expect((await ask(spoken, SMALL, honestOne, 'check')).verdict).toBe('pass')
    const other = await ask(spoken, SMALL, { name: 'other', path: copied('mpegts', withSound(...tone(500))) }, 'check')
    expect(other).toMatchObject({ verdict: 'fail', faultClass: 'D3' })
    expect(other.reasons[0]?.code).toBe('audio')
  })

  it('blames nobody for what a hard order does to a picture: its own encode looks as bad', LONG, async () => {
    const path = rendition(source, TINY, '', ['-preset', 'medium', '-g', '1'])
    const plain = await ask(source, TINY, { name: 'key frames alone, not ordered', path }, 'check')
    const ordered = await ask(source, TINY, { name: 'key frames alone', path, profile: { gopMs: -1 } }, 'check')
    expect(summary({ name: 'ordered', path }, ordered)).not.toMatch(/fail/)
    expect(ordered.measures['error-ratio']).toBeLessThan(plain.measures['error-ratio'] as number)
  })
})

describe('whole jobs', () => {
  it('gives every machine the same fingerprint, and each draw its own', async () => {
    const source = movingSource()
    const path = rendition(source, TINY)
    const word = (digit: string): `0x${string}` => `0x${digit.repeat(64)}`
    const draw = { beacon: word('1'), sampleId: word('2'), fisherman: `0x${'3'.repeat(40)}` as const }
    const of = async (d: typeof draw, depth: Depth = 'check') =>
      (await judge.judge({ source, renditions: [{ path, draw: d }], depth })).renditions[0]?.fingerprint
    const first = await of(draw)
    expect(first?.frames.length).toBe(8)
    expect(await of(draw)).toEqual(first)
    expect(await of(draw, 'prove')).toEqual(first)
    const other = { ...draw, fisherman: `0x${'4'.repeat(40)}` as const }
    const theirs = await of(other)
    expect(theirs?.value).not.toBe(first?.value)
    // An auditor makes its own and theirs of one decode.
    for (const depth of ['check', 'prove'] as const) {
      const [both] = (await judge.judge({ source, renditions: [{ path, draw, audit: other }], depth })).renditions
      expect(both?.fingerprint).toEqual(first)
      expect(both?.audited).toEqual(theirs)
    }
  })

  it('sees packets sold twice as reuse, and prefers D2 for the wrong picture', async () => {
    const [before, source] = [movingSource(0), movingSource(2)]
    const path = rendition(before, TINY)
    const first = await judge.judge({ source: before, renditions: [{ path }], depth: 'check' })
    const packets = first.renditions[0]?.packets
    if (!packets) throw new Error('no packets')
    expect(first.verdict).toBe('pass')
    const again = await judge.judge({ source, renditions: [{ path, earlier: [packets] }], depth: 'check' })
    expect(again.renditions[0]).toMatchObject({ verdict: 'fail', faultClass: 'D2' })
    expect(again.renditions[0]?.measures.reuse).toBeGreaterThan(0.9)
    const honestAgain = await judge.judge({ source: before, renditions: [{ path, earlier: [packets] }], depth: 'check' })
    expect(honestAgain.verdict).toBe('pass')
  })

  it('answers inconclusive for what stands still', async () => {
    const still = clip(
      'ts',
      '-loop',
      '1',
      '-framerate',
      '30',
      '-t',
      '2',
      '-i',
      clip('png', '-f', 'lavfi', '-i', 'testsrc2=s=640x360', '-frames:v', '1'),
      '-c:v',
      'libx264',
      '-pix_fmt',
      'yuv420p',
      '-f',
      'mpegts',
    )
    const result = await judge.judge({ source: still, renditions: [{ path: rendition(still, TINY) }], depth: 'check' })
    expect(result.renditions[0]).toMatchObject({ verdict: 'inconclusive', reasons: [{ code: 'motionless' }] })
  })
})
