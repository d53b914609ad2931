import { randomBytes } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { runFfmpeg } from '../../src/devnet/ffmpeg.ts'
import { DEFAULT_LADDER } from '../../src/devnet/ladder.ts'
import { makeRenditions } from '../../src/devnet/work.ts'
import { createJudge, type Judge, type JudgeRequest } from '../../src/judge.ts'
import { judgeVisit } from '../../src/probe/judging.ts'
import type { Delivered, Visit } from '../../src/probe/visit.ts'
import { type Clips, drawSegments } from '../devnet/clips.ts'

// What is asked of the judge for a visit, with real ffmpeg.

const { signal } = new AbortController()
let clips: Clips
let folder: string
let honest: Delivered[]
let black: Delivered
beforeAll(async () => {
  clips = await drawSegments(1)
  folder = await mkdtemp(join(tmpdir(), 'fisherman-test-judging-'))
  const files = await makeRenditions('honest', { source: clips.files[0] as string, profiles: DEFAULT_LADDER, folder, signal })
  honest = await Promise.all(files.map(async ({ file }, i) => ({ profile: named(i), file, bytes: (await stat(file)).size })))
  const file = join(folder, 'black.ts')
  const args = ['-i', honest[0]?.file as string, '-vf', 'drawbox=t=fill:c=black', '-c:v', 'libx264', '-c:a', 'copy', '-copyts']
  await runFfmpeg([...args, '-f', 'mpegts', file], { signal, timeoutMs: 30_000 })
  black = { profile: named(0), file, bytes: (await stat(file)).size }
}, 60_000)
afterAll(async () => {
  await clips?.clean()
  await rm(folder, { recursive: true, force: true })
})

function named(i: number): Delivered['profile'] {
  return { ...(DEFAULT_LADDER[i] as (typeof DEFAULT_LADDER)[number]), name: `rung-${i}` }
}

/** A transport stream with its tables and headers, and noise for pictures. */
function scramble(stream: Buffer): Buffer {
  const [packet, video] = [188, 0x100]
  const noise = Buffer.from(stream)
  for (let at = 0; at + packet <= noise.length; at += packet) {
    const [isVideo, isStart] = [(noise.readUInt16BE(at + 1) & 0x1fff) === video, (noise.readUInt8(at + 1) & 0x40) !== 0]
    const hasField = (noise.readUInt8(at + 3) & 0x20) !== 0
    if (isVideo && !isStart && !hasField) randomBytes(packet - 4).copy(noise, at + 4)
  }
  return noise
}

function visitOf(...segments: Delivered[][]): Visit {
  return {
    ...{ uri: 'http://127.0.0.1', address: undefined, key: undefined, price: undefined, version: '' },
    segments: segments.map((delivered, seq) => ({
      ...{ seq, delivered, pixels: 0n },
      source: { file: clips.files[0] as string } as Visit['segments'][number]['source'],
    })),
  }
}

/** The real judge, and what it was asked. */
function watched(limits: Parameters<typeof createJudge>[0]['limits'] = {}): {
  judge: Pick<Judge, 'judge'>
  asked: JudgeRequest[]
} {
  const asked: JudgeRequest[] = []
  const own = createJudge({ scratchDir: join(folder, 'scratch'), searchPath: process.env.PATH ?? '', maxJobs: 1, limits })
  return {
    asked,
    judge: {
      judge(request, options) {
        asked.push(request)
        return own.judge(request, options)
      },
    },
  }
}

describe('the judgement of a visit', () => {
  it('asks once a segment for all of its renditions, and again only for those that failed', async () => {
    const { judge, asked } = watched()
    const found = await judgeVisit(visitOf(honest, [black, honest[1] as Delivered]), { judge }, signal)
    expect(found.map(({ seq, rung, outcome }) => [seq, rung, outcome])).toEqual([
      [0, 'rung-0', 'pass'],
      [0, 'rung-1', 'pass'],
      [1, 'rung-0', 'fail'],
      [1, 'rung-1', 'pass'],
    ])
    expect(asked.map(({ depth, renditions }) => [depth, renditions.length])).toEqual([
      ['check', 2],
      ['check', 2],
      ['prove', 1],
    ])
    // Each rung is held against what it brought before, and against nothing of another one.
    expect(asked[1]?.renditions.map(({ earlier }) => earlier?.length)).toEqual([1, 1])
  })

  it('proves what does not decode: noise is no rendition, with headers of video or without', async () => {
    const { judge, asked } = watched()
    const noise: Delivered = { ...(honest[0] as Delivered), file: join(folder, 'noise.ts') }
    writeFileSync(noise.file, randomBytes(50_000))
    const scrambled: Delivered = { ...(honest[1] as Delivered), file: join(folder, 'scrambled.ts') }
    writeFileSync(scrambled.file, scramble(readFileSync((honest[1] as Delivered).file)))
    const found = await judgeVisit(visitOf([noise, scrambled]), { judge }, signal)
    expect(found.map(({ outcome, faultClass }) => [outcome, faultClass])).toEqual([
      ['fail', 'D3'],
      ['fail', 'D3'],
    ])
    expect(asked.map(({ depth }) => depth)).toEqual(['check', 'prove'])
  })

  it('that is too much at once is made one by one, and a rendition that cannot be judged costs no other its verdict', async () => {
    const { judge, asked } = watched({ outputBytes: 10_000_000 })
    const large: Delivered = { profile: { ...named(1), width: 1920, height: 1080 }, file: join(folder, 'large.ts'), bytes: 1 }
    const args = ['-i', clips.files[0] as string, '-vf', 'scale=1920:1080', '-c:v', 'libx264', '-preset', 'ultrafast', '-copyts']
    await runFfmpeg([...args, '-f', 'mpegts', large.file], { signal, timeoutMs: 30_000 })
    const found = await judgeVisit(visitOf([honest[0] as Delivered, large, honest[1] as Delivered]), { judge }, signal)
    expect(asked.map(({ renditions }) => renditions.length)).toEqual([3, 1, 1, 1])
    expect(found.map(({ outcome, doubt }) => [outcome, doubt])).toEqual([
      ['pass', undefined],
      ['inconclusive', 'media-too-large'],
      ['pass', undefined],
    ])
  })
})
