import { describe, expect, it } from 'vitest'
import { outputSize } from '../../src/transcode/size.ts'

type Size = readonly [width: number, height: number]

// Sources and profiles of the kind that go-livepeer's own resolution and rotation tests use; the two with the comment are
// stated by its code notes, the rest follow its rule by hand.
const cases: readonly (readonly [source: Size, profile: Size, made: Size])[] = [
  [
    [1920, 1080],
    [426, 240],
    [426, 240],
  ],
  [
    [1920, 1080],
    [854, 480],
    [854, 480],
  ],
  [
    [1280, 720],
    [640, 360],
    [640, 360],
  ],
  [
    [1280, 720],
    [1280, 720],
    [1280, 720],
  ],
  [
    [640, 480],
    [426, 240],
    [426, 320],
  ],
  [
    [720, 1280],
    [1280, 720],
    [720, 1280],
  ],
  [
    [720, 1280],
    [426, 240],
    [240, 426],
  ],
  [
    [200, 300],
    [426, 240],
    [284, 426],
  ], // stated upstream
  [
    [56, 100],
    [256, 144],
    [146, 260],
  ], // stated upstream: the short side may not fall under 146
  [
    [100, 56],
    [256, 144],
    [256, 144],
  ],
  [
    [500, 500],
    [426, 240],
    [426, 426],
  ],
  [
    [2000, 100],
    [256, 144],
    [1000, 50],
  ],
]

describe('aspect rule', () => {
  it.each(cases)('%j as %j is made as %j', ([width, height], profile, made) => {
    expect(outputSize({ width, height }, { width: profile[0], height: profile[1] })).toEqual({ width: made[0], height: made[1] })
  })

  it('lets H.265 go smaller than H.264', () => {
    expect(outputSize({ width: 56, height: 100 }, { width: 240, height: 144, codec: 1 })).toEqual({ width: 134, height: 240 })
  })
})
