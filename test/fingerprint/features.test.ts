import { describe, expect, it } from 'vitest'
import { bandProducts, detailOf, drawDetailFrames, framesAt } from '../../src/fingerprint/detail.ts'
import { compare } from '../../src/fingerprint/features.ts'
import { packetSetOf, passedThrough, reused } from '../../src/fingerprint/packets.ts'
import { qualityOf } from '../../src/fingerprint/quality.ts'
import { canDrawText, differenceOf } from '../../src/fingerprint/sheet.ts'
import { contentOf, sourceTrackOf, trackOf } from '../../src/fingerprint/track.ts'
import type { AccessUnit, Planes } from '../../src/transcode/types.ts'

/** Planes of a pattern that moves by itself; every number is made here, so a wrong measure cannot hide. */
function planesOf(
  frames: number,
  pixel: (t: number, x: number, y: number) => readonly [number, number, number],
  stepMs = 40,
): Planes {
  const data = new Uint8Array(frames * 12288)
  for (let t = 0; t < frames; t++) {
    for (let y = 0; y < 64; y++) {
      for (let x = 0; x < 64; x++) {
        const at = t * 12288 + y * 64 + x
        const [luma, u, v] = pixel(t, x, y)
        data[at] = luma
        data[at + 4096] = u
        data[at + 8192] = v
      }
    }
  }
  return { frames, data, timesMs: Float64Array.from({ length: frames }, (_, i) => i * stepMs) }
}

const scene = (t: number, x: number, y: number): readonly [number, number, number] => [
  Math.round(128 + 90 * Math.sin((x + 2 * t) / 6) * Math.cos((y - t) / 9)),
  Math.round(128 + 30 * Math.sin(y / 11)),
  Math.round(128 + 30 * Math.cos(x / 13)),
]
const source = sourceTrackOf(planesOf(50, scene))
const against = (pixel: typeof scene, frames = 50, stepMs = 40) => compare(source, trackOf(planesOf(frames, pixel, stepMs)))

describe('comparison of planes', () => {
  it('finds nothing between a track and itself', () => {
    const same = against(scene)
    expect(Math.max(...same.rmse)).toBe(0)
    expect(same.cell.value).toBe(0)
    expect(same.chromaMean).toBe(0)
    expect(same.frozen).toBe(0)
    expect(same.moving).toBeGreaterThan(40)
    expect(same.shiftGain).toBeLessThan(1)
  })

  it('forgives one frame of offset and not eight', () => {
    const one = against((t, x, y) => scene(t + 1, x, y))
    expect(Math.max(...one.rmse.slice(0, 49))).toBe(0)
    expect(one.shiftGain).toBeLessThan(1)
    const eight = against((t, x, y) => scene(t + 8, x, y))
    expect(eight.shiftGain).toBeGreaterThan(5)
    expect(eight.shiftFrames).toBe(8)
  })

  it('sees a freeze, a slide show, and no freeze where the frame rate changes', () => {
    const frozen = against((_, x, y) => scene(0, x, y))
    expect(frozen.frozen / frozen.moving).toBe(1)
    const half = against((t, x, y) => scene(t - (t % 2), x, y))
    expect(half.frozen / half.moving).toBeCloseTo(0.5, 1)
    // 25 to 50 frames a second by repeating, and 25 to 12.5 by dropping, are honest.
    expect(against((t, x, y) => scene(Math.floor(t / 2), x, y), 100, 20).frozen).toBe(0)
    expect(against((t, x, y) => scene(t * 2, x, y), 25, 80).frozen).toBe(0)
  })

  it('measures a logo in one cell and grey in the chroma', () => {
    const logo = against((t, x, y) => (x < 6 && y < 6 ? [250, 128, 128] : scene(t, x, y)))
    expect(logo.cell.value).toBeGreaterThan(5)
    expect(logo.chromaCell.value).toBeGreaterThan(5)
    const grey = against((t, x, y) => [scene(t, x, y)[0], 128, 128])
    expect(grey.chromaMean).toBeGreaterThan(15)
    expect(Math.max(...grey.rmse)).toBe(0)
  })

  it('knows content that cannot be judged', () => {
    expect(contentOf(sourceTrackOf(planesOf(30, (_, x, y) => scene(0, x, y))))).toMatchObject({ moving: 0, excursion: 0 })
    expect(contentOf(sourceTrackOf(planesOf(30, () => [16, 128, 128]))).contrast).toBe(0)
    expect(contentOf(source).moving).toBeGreaterThan(40)
  })
})

describe('detail', () => {
  const size = 120
  const noise = (seed: number): Uint8Array =>
    Uint8Array.from({ length: size * size }, (_, i) => (Math.imul(i + seed, 2654435761) >>> 24) & 255)
  const sharp = noise(0)
  const blocky = Uint8Array.from({ length: size * size }, (_, i) => {
    const x = i % size
    const y = Math.floor(i / size)
    let sum = 0
    for (let dy = 0; dy < 3; dy++) for (let dx = 0; dx < 3; dx++) sum += sharp[(y - (y % 3) + dy) * size + x - (x % 3) + dx] ?? 0
    return sum / 9
  })
  const repeat = (picture: Uint8Array, count = 8): Uint8Array[] => Array.from({ length: count }, () => picture)
  const series = (own: Uint8Array[], of = sharp, aligned = true) =>
    detailOf(
      own.map((picture, frame) => ({ frame, aligned, pictures: () => ({ source: of, own: picture }) })),
      size,
      size,
    )
  const features = compare(source, source)
  const honest = { features, detail: series(repeat(sharp)) }

  it('keeps the energy of a picture: the mean of all coefficients squared is that of all pixels', () => {
    const { aa, ab, bb } = bandProducts(sharp, sharp, 8, 8)
    const sum = aa.subarray(0, 8).reduce((total, energy, band) => total + energy * (2 * band + 1), 0)
    // The coefficients are of single precision.
    const squares = sharp.subarray(0, 64).reduce((total, p) => total + p * p, 0)
    expect(sum / squares).toBeCloseTo(1, 6)
    expect([...ab]).toEqual([...bb])
  })

  it('is lost in a picture enlarged from a third, and noise does not bring it back', () => {
    expect(qualityOf(features, series(repeat(sharp)), [])).toMatchObject({ detail: 0 })
    expect(qualityOf(features, series(repeat(blocky)), []).detail).toBeGreaterThan(2)
    const noisy = qualityOf(features, series(repeat(noise(999))), [honest])
    expect(noisy.detailOwn).toBeLessThan(0.5)
    expect(noisy.coherenceOwn).toBeGreaterThan(2)
    // What shows another moment can only be compared by how busy it is.
    expect(qualityOf(features, series(repeat(noise(999)), sharp, false), [honest]).coherenceOwn).toBeUndefined()
  })

  it('is measured against the kinder control, and by parts', () => {
    const half = [...repeat(sharp, 4), ...repeat(blocky, 4)]
    const quality = qualityOf(features, series(half), [{ features, detail: series(repeat(blocky)) }, honest])
    expect(quality.coherenceOwn).toBeLessThan(0)
    const strict = qualityOf(features, series(half), [honest])
    expect(strict.coherenceOwn).toBeLessThan(2.1)
    expect(strict.coherencePart).toBeGreaterThan(3)
  })

  it('is measured by tile, for a part that was enlarged', () => {
    const part = sharp.slice()
    for (let y = 0; y < 60; y++) part.set(blocky.subarray(y * size, y * size + 60), y * size)
    const quality = qualityOf(features, series(repeat(part)), [honest])
    expect(quality.coherenceOwn).toBeLessThan(1)
    expect(quality.coherenceTile).toBeGreaterThan(2)
  })

  it('says nothing where the source has none', () => {
    const flat = new Uint8Array(size * size)
    expect(qualityOf(features, series(repeat(flat), flat), []).detail).toBeUndefined()
  })

  it('draws one frame of each stretch, others for another seed, and finds the same moments in the rendition', () => {
    const drawn = drawDetailFrames(60, 2000, 'a')
    expect(drawn.length).toBe(6)
    drawn.forEach((n, slot) => {
      expect(Math.floor(n / 10)).toBe(slot)
    })
    expect(drawDetailFrames(60, 2000, 'a')).toEqual(drawn)
    expect(drawDetailFrames(60, 2000, 'b')).not.toEqual(drawn)
    expect(drawDetailFrames(3, 100, 'a').length).toBe(3)
    expect(framesAt([0, 40, 80, 120], [0, 33, 66, 100, 999])).toEqual([0, 1, 2, 3, 3])
  })
})

describe('coded packets', () => {
  const units = (name: string): AccessUnit[] =>
    Array.from({ length: 50 }, (_, i) => ({ ptsMs: i * 40, key: i === 0, bytes: 500, hash: `${name}${i}` }))
  const still = sourceTrackOf(planesOf(50, (_, x, y) => scene(0, x, y)))

  it('sees the source returned as the rendition', () => {
    expect(passedThrough(packetSetOf(units('s'), units('s'), source))).toBe(1)
    expect(passedThrough(packetSetOf(units('r'), units('s'), source))).toBe(0)
  })

  it('counts a repeated packet only where the pictures visibly differ', () => {
    const negative = sourceTrackOf(planesOf(50, (t, x, y) => [255 - scene(t, x, y)[0], 128, 128]))
    const before = packetSetOf(units('r'), units('s'), negative)
    expect(reused(packetSetOf(units('r'), units('t'), source), [before])).toBeGreaterThan(0.9)
    const looped = packetSetOf(units('r'), units('s'), still)
    expect(reused(packetSetOf(units('r'), units('t'), still), [looped])).toBe(0)
    expect(reused(packetSetOf(units('q'), units('t'), source), [before])).toBe(0)
  })

  it('is not kept busy by one packet that comes over and over', () => {
    const grey = (level: number): string => Buffer.alloc(16 * 9, level).toString('base64')
    const many = (look: (i: number) => string) => ({
      rendition: Array.from({ length: 18_000 }, (_, i) => ({ hash: 'same', bytes: 500, look: look(i) })),
      source: [],
    })
    expect(
      reused(
        many(() => grey(9)),
        [many(() => grey(200))],
      ),
    ).toBe(1)
    expect(
      reused(
        many(() => grey(9)),
        [many((i) => (i === 17_999 ? grey(10) : grey(200)))],
      ),
    ).toBe(0)
    // More pictures of it than are compared say nothing.
    expect(
      reused(
        many(() => grey(9)),
        [many((i) => grey(100 + (i % 100)))],
      ),
    ).toBe(0)
  })
})

describe('contact sheet', () => {
  it('draws letters, not boxes', async () => {
    expect(await canDrawText()).toBe(true)
  })

  it('shows equal pictures as black', () => {
    const picture = Uint8Array.from([10, 20, 30, 200, 100, 50])
    expect([...differenceOf(picture, picture)]).toEqual([0, 0, 0, 0, 0, 0])
    expect(differenceOf(picture, Uint8Array.from([10, 20, 30, 0, 0, 0]))[3]).toBe(255)
  })
})
