import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import sharp from 'sharp'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Hex, Profile } from '../../proofs/types.ts'
import { createFilmDesk, type FilmDesk } from '../../src/pipeline/film-desk.ts'
import { type Keeping, keeping, signedWork } from '../helpers/evidence.ts'
import { hash } from '../helpers/fixtures.ts'
import { clip, movingSource } from '../transcode/clips.ts'
import { axeFindings, openBrowser } from './browser.ts'
import { fill, NODE, openSite } from './site.ts'

// A film of real evidence: a node that delivered another scene, kept, decoded in the sandbox, and looked at in a browser.

const PROFILE: Profile = {
  ...{ width: 256, height: 144, bitrate: 300_000, fpsNum: 0, fpsDen: 1, codec: 0, h264Profile: 0 },
  ...{ gopMs: 0, container: 0, quality: 0 },
}
const facts = { width: 256, height: 144, frames: 60, durationMs: 2_000 }
const dir = mkdtempSync(join(tmpdir(), 'fisherman-test-film-'))
let kept: Keeping
let desk: FilmDesk
let evidenceHash: Hex
let site: Awaited<ReturnType<typeof openSite>>
let browser: Awaited<ReturnType<typeof openBrowser>>

beforeAll(async () => {
  kept = await keeping(dir)
  const forged = clip(
    'ts',
    '-i',
    movingSource(2),
    '-vf',
    'scale=256:144',
    '-c:v',
    'libx264',
    '-preset',
    'veryfast',
    '-b:v',
    '300k',
  )
  const known = await signedWork(movingSource(0), forged, PROFILE, facts)
  const result = await kept.check(known, movingSource(0), forged)
  expect(result.outcome).toBe('fail')
  await kept.keeper.failed(result)
  evidenceHash = result.evidenceHash
  const { judge, evidence, signal } = kept.bench
  desk = createFilmDesk({ folder: join(dir, 'films'), scratchDir: join(dir, 'scratch') }, { judge, evidence, signal })
  site = await openSite({ film: desk.film, evidenceHash: () => evidenceHash })
  await fill(site.log, 3)
  browser = await openBrowser()
}, 120_000)
afterAll(async () => {
  await browser?.stop()
  await site?.stop()
  await kept?.log.close()
  rmSync(dir, { recursive: true, force: true })
})

describe('a film strip', () => {
  it('holds source, control and claim of the same moments, the worst frames among them, and is drawn once', async () => {
    const film = await desk.film(evidenceHash)
    if (!film || film === 'busy') throw new Error('no film')
    expect(film.columns).toEqual(['source', 'control', 'claimed'])
    expect(film.frames.length).toBeGreaterThanOrEqual(20)
    expect(film.frames.some(({ isMarked }) => isMarked)).toBe(true)
    expect(film.frames.map(({ frame }) => frame)).toEqual([...film.frames.map(({ frame }) => frame)].sort((a, b) => a - b))
    const { width, height, format } = await sharp(film.file).metadata()
    expect([format, width, height]).toEqual(['webp', film.tile.width * film.frames.length, film.tile.height * 3])
    // The control shows what the source shows; what was delivered does not.
    const row = async (n: number) =>
      sharp(film.file)
        .extract({ left: 0, top: n * film.tile.height, width: film.tile.width, height: film.tile.height })
        .raw()
        .toBuffer()
    const [source, control, claimed] = [await row(0), await row(1), await row(2)]
    const apart = (a: Buffer, b: Buffer) => a.reduce((sum, value, i) => sum + Math.abs(value - (b[i] ?? 0)), 0) / a.length
    expect(apart(source, control)).toBeLessThan(apart(source, claimed) / 2)
    const before = await readdir(join(dir, 'films'))
    expect(await desk.film(evidenceHash)).toEqual(film)
    expect(await readdir(join(dir, 'films'))).toEqual(before)
    expect((await readdir(join(dir, 'scratch'))).filter((name) => name.startsWith('film-'))).toEqual([])
  })

  it('is not there for evidence that is not kept', async () => {
    expect(await desk.film(hash(99))).toBeUndefined()
  })

  it('plays in the browser: from the worst frame, by keyboard, in step, with the difference beside it', {
    timeout: 120_000,
  }, async () => {
    mkdirSync('.cache/page', { recursive: true })
    const page = await browser.context.newPage()
    await page.setViewportSize({ width: 1280, height: 900 })
    const said: string[] = []
    page.on('console', (message) => message.type() === 'error' && said.push(message.text()))
    await page.goto(`${site.url}/#/samples/2`)
    await page.getByRole('button', { name: 'Show the film' }).click()
    const slider = page.getByRole('slider', { name: 'Moment' })
    await slider.waitFor({ timeout: 60_000 })
    for (const name of ['Source', 'Our own transcode', 'What was delivered']) await page.getByRole('img', { name }).waitFor()
    expect(await slider.getAttribute('aria-valuetext')).toMatch(/^Frame \d+, \d+\.\d\d s, one of the worst$/)
    const at = Number(await slider.inputValue())
    await slider.press('ArrowRight')
    expect(Number(await slider.inputValue())).toBe(at + 1)
    // Something is painted, and it is not the same in both.
    const painted = await page.evaluate(
      '[...document.querySelectorAll(".film canvas")].map((c) => [...c.getContext("2d").getImageData(0, 0, c.width, c.height).data].reduce((a, b) => a + b, 0))',
    )
    expect(new Set(painted as number[]).size).toBe(4)
    await page.screenshot({ path: '.cache/page/film-desktop-light.png', fullPage: true })
    for (const colorScheme of ['dark', 'light'] as const) {
      await page.emulateMedia({ colorScheme })
      expect(await axeFindings(page), `opened player, ${colorScheme}`).toEqual([])
    }
    await page.setViewportSize({ width: 360, height: 740 })
    expect(await page.evaluate('document.documentElement.scrollWidth <= innerWidth')).toBe(true)
    await page.screenshot({ path: '.cache/page/film-phone-light.png', fullPage: true })
    expect(said).toEqual([])
  })

  it('is not offered for a private stream, of which only numbers are shown', async () => {
    const about = { sampleId: hash(1), transcoder: NODE, streamId: 'a private one', outcome: 'fail', faultClass: 'D2' }
    const { seq } = await site.log.append('verdict', {
      ...{ ...about, answer: null, private: true },
      verdict: { reasons: [], measures: { 'frame-error': 12 } },
    })
    const page = await browser.context.newPage()
    await page.goto(`${site.url}/#/samples/${seq}`)
    await page.getByText('A private stream: its pictures are not shown.').waitFor()
    await page.getByText('frame-error').first().waitFor()
    expect(await page.getByRole('button', { name: 'Show the film' }).count()).toBe(0)
    expect(await axeFindings(page)).toEqual([])
    expect((await fetch(`${site.url}/api/v1/samples/${seq}/film.webp`)).status).toBe(403)
  })
})
