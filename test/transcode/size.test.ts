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

/** The twelve sizes that lpms's own resolution test demands; a 0 stands for the side that the node is to find. */
const UPSTREAM: readonly (readonly [source: string, profile: string, made: string])[] = [
  ['150x200', '0x250', '188x250'],
  ['200x300', '0x427', '284x426'],
  ['200x300', '426x0', '284x426'],
  ['123x456', '0x426', '146x542'],
  ['200x300', '0x428', '286x428'],
  ['400x456', '0x40', '146x166'],
  ['456x123', '426x0', '426x114'],
  ['456x123', '0x301', '300x80'],
  ['456x400', '100x0', '146x128'],
  ['500x100', '0x200', '250x50'],
  ['456x120', '0x400', '400x106'],
  ['123x123', '426x0', '426x426'],
]

describe('sizes of the resolution test of lpms', () => {
  const size = (text: string) => {
    const [width = 0, height = 0] = text.split('x').map(Number)
    return { width, height }
  }
  it.each(UPSTREAM)('%s ordered as %s becomes %s', (source, profile, made) => {
    expect(outputSize(size(source), { ...size(profile), codec: 0 })).toEqual(size(made))
  })
})

describe('aspect rule', () => {
  it.each(cases)('%j as %j is made as %j', ([width, height], profile, made) => {
    expect(outputSize({ width, height }, { width: profile[0], height: profile[1] })).toEqual({ width: made[0], height: made[1] })
  })

  it('lets H.265 go smaller than H.264', () => {
    expect(outputSize({ width: 56, height: 100 }, { width: 240, height: 144, codec: 1 })).toEqual({ width: 134, height: 240 })
  })
})
