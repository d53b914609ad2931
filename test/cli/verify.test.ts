import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Command } from 'commander'
import sharp from 'sharp'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { VERDICT_VERSION } from '../../proofs/types.ts'
import { parseProfile } from '../../src/cli/profile.ts'
import { declareVerify, type VerifyOptions } from '../../src/cli/verify.options.ts'
import { verifyCommand } from '../../src/cli/verify.ts'
import { scratchFolder } from '../helpers/scratch.ts'
import { clip, corpus, movingSource, rendition } from '../transcode/clips.ts'

const folder = scratchFolder('cli')
const RUNG = { width: 426, height: 240, kbit: 300 }

afterEach(() => vi.restoreAllMocks())

/** Runs the command as the command line would: arguments in, exit code and both outputs out. */
async function fisherman(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  const out: string[] = []
  const err: string[] = []
  vi.spyOn(console, 'log').mockImplementation((line) => void out.push(String(line)))
  vi.spyOn(console, 'error').mockImplementation((line) => void err.push(String(line)))
  let options: VerifyOptions | undefined
  const program = new Command('fisherman')
  declareVerify(program, async (parsed) => {
    options = parsed
  })
  await program.parseAsync(['node', 'fisherman', 'verify', ...args])
  if (!options) throw new Error('not parsed')
  const code = await verifyCommand(options)
  return { code, out: out.join('\n'), err: err.join('\n') }
}

describe('fisherman verify', () => {
  it('passes honest work and prints exactly one JSON object', async () => {
    const source = movingSource()
    const path = rendition(source, RUNG)
    const profile = 'name=240p0,width=426,height=240,bitrate=300000,fps=0'
    const { code, out, err } = await fisherman('--source', source, '--rendition', path, '--profile', profile, '--json')
    expect(err).toBe('')
    expect(code).toBe(0)
    const result = JSON.parse(out)
    expect(Object.keys(result)).toEqual(['verdictVersion', 'depth', 'verdict', 'renditions', 'fingerprint', 'timingsMs'])
    expect(result).toMatchObject({
      verdictVersion: VERDICT_VERSION,
      depth: 'check',
      verdict: 'pass',
      renditions: [{ path, verdict: 'pass', reasons: [] }],
    })
    expect(result.fingerprint).toMatch(/^0x[0-9a-f]{64}$/)
    expect(result.renditions[0].measures['frame-error']).toBeGreaterThan(0)
  })

  it('fails fraud with exit code 1, a report for people and a contact sheet', async () => {
    const source = movingSource()
    const sheet = join(folder, 'sheet.png')
    const { code, out } = await fisherman('--source', source, '--rendition', rendition(source, RUNG, 'hflip'), '--sheet', sheet)
    expect(code).toBe(1)
    expect(out).toContain('FAIL (D2)')
    expect(out).toMatch(/frame-error: [\d.]+, limit 9 \(frame \d+\): replay/)
    const picture = await sharp(sheet).metadata()
    expect(picture.format).toBe('png')
    expect(picture.width).toBeGreaterThan(1000)
  })

  it('compares several renditions of one source, and never passes a screen', async () => {
    const source = movingSource()
    const small = rendition(source, { width: 256, height: 144, kbit: 160 })
    const good = await fisherman('--source', source, '--rendition', rendition(source, RUNG), '--rendition', small, '--json')
    expect(JSON.parse(good.out).renditions.map((r: { verdict: string }) => r.verdict)).toEqual(['pass', 'pass'])
    const screened = await fisherman('--source', source, '--rendition', small, '--depth', 'screen', '--json')
    expect(screened.code).toBe(3)
    expect(JSON.parse(screened.out).renditions[0].reasons).toMatchObject([{ code: 'screened' }])
  })

  it('says in one line what is wrong with its input, and exits with 2', async () => {
    const source = movingSource()
    const path = rendition(source, RUNG)
    const text = join(folder, 'notes.ts')
    writeFileSync(text, 'not a video\n'.repeat(100))
    const playlist = join(folder, 'list.m3u8')
    writeFileSync(playlist, '#EXTM3U\n#EXTINF:2,\nfile:///etc/passwd\n')
    const empty = join(folder, 'empty.ts')
    writeFileSync(empty, '')
    mkdirSync(join(folder, 'dir'), { recursive: true })
    const wrong: [string[], RegExp][] = [
      [['--source', '/no/such.ts', '--rendition', path], /--source \/no\/such\.ts: no such file/],
      [['--source', source, '--rendition', join(folder, 'dir')], /is a directory/],
      [['--source', source, '--rendition', empty], /is empty/],
      [['--source', source, '--rendition', text], /is no media file/],
      [['--source', playlist, '--rendition', path], /is no media file/],
      [['--source', '/dev/zero', '--rendition', path], /not a regular file/],
      [['--source', source, '--rendition', path, '--depth', 'deep'], /must be screen, check or prove/],
      [['--source', source, '--rendition', path, '--profile', 'width=1'], /width must be a whole number from 2/],
      [['--source', source, '--rendition', path, '--profile', 'width=426,height=240'], /bitrate missing/],
      [['--source', source, '--rendition', path, '--sheet', '/no/folder/x.png'], /does not exist/],
      [['--source', source], /--rendition is missing/],
    ]
    for (const [args, message] of wrong) {
      const { code, out, err } = await fisherman(...args, '--json').catch((error) => ({
        code: 2,
        out: '',
        err: String(error.message),
      }))
      expect({ args, code, out, lines: err.split('\n').length }).toEqual({ args, code: 2, out: '', lines: 1 })
      expect(err).toMatch(message)
    }
  })

  it('reads every field of a profile', () => {
    const text =
      'name=x,width=640,height=360,bitrate=800000,fps=30000,fpsDen=1001,codec=h265,h264Profile=high,gopMs=-1,container=mp4,quality=23'
    expect(parseProfile(text)).toEqual({
      name: 'x',
      profile: {
        width: 640,
        height: 360,
        bitrate: 800_000,
        fpsNum: 30_000,
        fpsDen: 1001,
        codec: 1,
        h264Profile: 3,
        gopMs: -1,
        container: 1,
        quality: 23,
      },
    })
    for (const bad of [
      '',
      'width',
      'colour=red',
      'width=a',
      'width=640,width=640',
      'width=1e3',
      '__proto__=1',
      'width=640,height=360,bitrate=-5',
    ]) {
      expect(() => parseProfile(bad)).toThrow(/--profile/)
    }
  })
})

const footage = corpus()
describe.skipIf(!footage)(footage ? 'real footage' : 'real footage: no corpus in FISHERMAN_CORPUS or ../shared/corpus', () => {
  const master = join(footage ?? '', 'natural/master_2s_1080.mp4')

  it("fails the black-and-white rendition that Livepeer's own verifier calls a match", async () => {
    const { code, out } = await fisherman(
      '--source',
      master,
      '--rendition',
      join(footage ?? '', 'attacks/rend_2s_720_bw.mp4'),
      '--json',
    )
    expect(code).toBe(1)
    expect(JSON.parse(out).renditions[0]).toMatchObject({ verdict: 'fail', faultClass: 'D2' })
  })

  it('passes an honest 720p encode of the same source', async () => {
    const path = clip('mp4', '-i', master, '-vf', 'scale=1280:720', '-c:v', 'libx264', '-preset', 'veryfast', '-b:v', '3000k')
    expect((await fisherman('--source', master, '--rendition', path)).code).toBe(0)
  })

  const edge = footage ? readdirSync(join(footage, 'edge')) : []
  it.each(edge)('ends in a verdict or a clear error: %s', { timeout: 120_000 }, async (name) => {
    const file = join(footage ?? '', 'edge', name)
    const source = movingSource()
    const path = rendition(source, RUNG)
    // The long one is only screened here: 500 pictures of 1080p, twice, cost more than the rest together.
    const depth = name === 'bad-cuvid.ts' ? 'screen' : 'check'
    const asSource = await fisherman('--source', file, '--rendition', path, '--depth', depth)
    const asRendition = await fisherman('--source', source, '--rendition', file, '--depth', depth)
    for (const { code, out, err } of [asSource, asRendition]) {
      expect([0, 1, 2, 3]).toContain(code)
      expect((code === 2 ? err : out).length).toBeGreaterThan(10)
      if (code === 2) expect(err.split('\n').length).toBe(1)
    }
    // None of these shows the scene: no honest reading calls it a pass.
    expect(asSource.code).not.toBe(0)
    expect(asRendition.code).not.toBe(0)
  })
})

it('has a font to write sheets with', async () => {
  const { canDrawText } = await import('../../src/fingerprint/sheet.ts')
  expect(await canDrawText()).toBe(true)
  expect(readFileSync(new URL('../../src/cli/verify.options.ts', import.meta.url), 'utf8')).not.toMatch(/import (?!type)/)
})
