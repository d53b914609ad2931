import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { keccakOf } from '../../src/base/keccak.ts'
import { runFfmpeg } from '../../src/devnet/ffmpeg.ts'
import { cutSegments, variation } from '../../src/devnet/segments.ts'
import { difference, drawVideo, lookAt } from './clips.ts'

const signal = new AbortController().signal
let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fisherman-cut-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

async function probe(
  file: string,
): Promise<{ width: number; height: number; pix_fmt: string; field_order: string; types: string[] }> {
  const entries = 'stream=width,height,pix_fmt,field_order:frame=pict_type,key_frame'
  const text = await runFfmpeg(['-select_streams', 'v:0', '-show_entries', entries, '-show_frames', '-of', 'json', file], {
    ...{ signal, timeoutMs: 20_000, program: 'ffprobe' },
  })
  const json = JSON.parse(text) as { streams: Record<string, unknown>[]; frames: { pict_type: string; key_frame: number }[] }
  return { ...json.streams[0], types: json.frames.map((frame) => `${frame.pict_type}${frame.key_frame}`) } as never
}

describe('cutting', () => {
  it('makes segments that decode without a word, IDR first and only there', async () => {
    const video = join(folder, 'a.mp4')
    await drawVideo(video, { seconds: 5, size: '1280x720', rate: '60' })
    const { files, loops, warning } = await cutSegments({ video, folder: join(folder, 'a'), count: 2, signal })
    expect({ count: files.length, loops, warning }).toEqual({ count: 2, loops: 1, warning: undefined })
    for (const file of files) {
      // Error level messages would be in what fails: -xerror stops at the first.
      await runFfmpeg(['-xerror', '-err_detect', 'explode', '-i', file, '-f', 'null', '-'], { signal, timeoutMs: 20_000 })
      const facts = await probe(file)
      expect(facts).toMatchObject({ width: 640, height: 360, pix_fmt: 'yuv420p', field_order: 'progressive' })
      expect(facts.types.length).toBe(60)
      expect(facts.types[0]).toBe('I1')
      expect(facts.types.slice(1).filter((type) => type !== 'P0')).toEqual([])
    }
  })

  it('loops a short video, visibly changed each time', async () => {
    const video = join(folder, 'b.mp4')
    await drawVideo(video, { seconds: 2.1, size: '320x180' })
    const { files, loops } = await cutSegments({ video, folder: join(folder, 'b'), count: 7, signal })
    expect(loops).toBe(7)
    const views = await Promise.all(files.map((file) => lookAt(file).then((frames) => frames[30]!)))
    for (let i = 0; i < views.length; i++)
      for (let j = 0; j < i; j++) expect(difference(views[i]!, views[j]!), `loops ${j} and ${i}`).toBeGreaterThan(15)
    expect(new Set(await Promise.all(files.map((file) => keccakOf({ file })))).size).toBe(7)
  })

  it('never changes a video in the same way twice', () => {
    expect(new Set(Array.from({ length: 200 }, (_, loop) => variation(loop).join())).size).toBe(200)
  })

  it('scales a portrait to 360 wide and keeps odd shapes even', async () => {
    for (const [size, expected] of [
      ['720x1280', { width: 360, height: 640 }],
      ['177x145', { width: 176, height: 146 }],
    ] as const) {
      const video = join(folder, `${size}.mkv`)
      await runFfmpeg(['-f', 'lavfi', '-i', `testsrc2=size=${size}:rate=10:duration=2`, '-c:v', 'ffv1', video], {
        signal,
        timeoutMs: 20_000,
      })
      const { files } = await cutSegments({ video, folder: join(folder, size), count: 1, signal })
      const { width, height } = await probe(files[0]!)
      expect(Math.abs(width - expected.width)).toBeLessThanOrEqual(2)
      expect(Math.abs(height - expected.height)).toBeLessThanOrEqual(2)
      expect((width % 2) + (height % 2)).toBe(0)
    }
  })

  it('goes on with a warning where nothing moves', async () => {
    const video = join(folder, 'still.mp4')
    await drawVideo(video, { seconds: 4, size: '320x180', source: 'smptebars' })
    const { files, warning } = await cutSegments({ video, folder: join(folder, 'still'), count: 2, signal })
    expect(files.length).toBe(2)
    expect(warning).toMatch(/still.mp4 does not move/)
  })

  it('says in one line what is wrong with a video', async () => {
    const cut = (video: string) => cutSegments({ video, folder: join(folder, 'bad'), count: 1, signal })
    await expect(cut(join(folder, 'none.mp4'))).rejects.toThrow(/none.mp4 cannot be read; give the path of a video file/)
    await writeFile(join(folder, 'text.mp4'), 'hello')
    await expect(cut(join(folder, 'text.mp4'))).rejects.toThrow(/text.mp4 is not a video that ffmpeg can read/)
    await drawVideo(join(folder, 'short.mp4'), { seconds: 1, size: '160x90' })
    await expect(cut(join(folder, 'short.mp4'))).rejects.toThrow(/short.mp4 lasts 1.0 s; at least 2 s of video are needed/)
    await runFfmpeg(['-f', 'lavfi', '-i', 'sine=duration=3', join(folder, 'sound.mp3')], { signal, timeoutMs: 20_000 })
    await expect(cut(join(folder, 'sound.mp3'))).rejects.toThrow(/sound.mp3 holds no video track/)
  })

  it('stops at once when told to', async () => {
    const stop = new AbortController()
    const video = join(folder, 'a.mp4')
    const cutting = cutSegments({ video, folder: join(folder, 'stop'), count: 2, signal: stop.signal })
    setTimeout(() => stop.abort(new Error('enough')), 100)
    await expect(cutting).rejects.toThrow('enough')
  })
})
