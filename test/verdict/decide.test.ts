import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Features } from '../../src/fingerprint/types.ts'
import type { MediaFacts } from '../../src/transcode/types.ts'
import { decide, isNearALine, worstOf } from '../../src/verdict/decide.ts'
import { CONFIRM_FACTOR, PROVE_FACTOR } from '../../src/verdict/lines.ts'
import type { VerdictInput } from '../../src/verdict/types.ts'

const facts: MediaFacts = {
  container: 'mpegts',
  fileBytes: 100_000,
  videoTracks: 1,
  audioTracks: 0,
  codec: 0,
  codecName: 'h264',
  width: 640,
  height: 360,
  chroma: 1,
  bitDepth: 8,
  progressive: true,
  parameterSets: 1,
  editList: false,
  frames: 60,
  keyFrames: 1,
  firstIsKey: true,
  timesOk: true,
  longestGapMs: 33,
  oddities: [],
  durationMs: 2000,
  fps: 30,
  bitrate: 400_000,
}

const series = (value: number, bad: number): Float64Array => Float64Array.from({ length: 60 }, (_, i) => (i < bad ? value : 1))

function features(change: Partial<Features> = {}): Features {
  return {
    frames: 60,
    sourceFrames: 60,
    matched: [],
    rmse: series(1, 0),
    ssimLoss: series(0, 60),
    cell: { value: 0.2, frame: 0 },
    cellByFrame: series(0, 60),
    chromaMean: 0.5,
    chromaByFrame: series(0.5, 60),
    colourByFrame: series(0, 60),
    chromaCell: { value: 1, frame: 0 },
    chromaCellByFrame: series(1, 60),
    moving: 50,
    frozen: 0,
    frozenAt: -1,
    shiftGain: 0.3,
    shiftFrames: 2,
    meanRmse: 1,
    ...change,
  }
}

function input(change: Partial<VerdictInput> = {}): VerdictInput {
  return {
    depth: 'check',
    proveFactor: 2,
    source: { facts, decodes: true, overLimit: false, content: { quality: 60, contrast: 40, moving: 50, lag: 1, excursion: 30 } },
    rendition: { facts: { ...facts, width: 426, height: 240 }, decodes: 'yes', overLimit: false },
    claim: {},
    features: features(),
    quality: { detail: 0.2, detailOwn: 0, errorRatio: 1 },
    controls: [],
    packets: { passedThrough: 0, reused: 0 },
    ...change,
  }
}

const profile = {
  width: 426,
  height: 240,
  bitrate: 300_000,
  fpsNum: 0,
  fpsDen: 1,
  codec: 0,
  h264Profile: 0,
  gopMs: 0,
  container: 0,
  quality: 0,
}
const own = (change: Partial<MediaFacts>) => ({
  facts: { ...facts, width: 426, height: 240, ...change },
  decodes: 'yes' as const,
  overLimit: false,
})

describe('verdict', () => {
  it('passes honest work, and never at screen', () => {
    expect(decide(input())).toMatchObject({ verdict: 'pass', reasons: [] })
    expect(decide(input({ depth: 'screen' })).verdict).toBe('inconclusive')
  })

  it('names measure, value, limit, frame and what it sees', () => {
    const decision = decide(input({ features: features({ rmse: series(30, 12) }) }))
    expect(decision.faultClass).toBe('D2')
    expect(decision.reasons).toEqual([
      {
        code: 'frame-error',
        class: 'D2',
        value: 30,
        limit: 9,
        frame: 0,
        sees: 'replay, other video, freeze, splice, crop, flip',
      },
    ])
  })

  it('wants eight bad frames, or two measures', () => {
    const seven = features({ rmse: series(30, 7) })
    expect(decide(input({ features: seven })).verdict).toBe('inconclusive')
    expect(decide(input({ features: features({ rmse: series(30, 8) }) })).verdict).toBe('fail')
    expect(decide(input({ features: { ...seven, ssimLoss: series(0.5, 3) } })).verdict).toBe('fail')
  })

  it('is in doubt between the lines', () => {
    const decision = decide(input({ features: features({ rmse: series(6, 60) }) }))
    expect(decision).toMatchObject({ verdict: 'inconclusive', reasons: [{ code: 'frame-error', class: 'limit', limit: 4.5 }] })
  })

  it('doubles the D2 lines at prove, 1.8 for a confirmer, and leaves Q lines', () => {
    const at = (value: number, proveFactor: number) =>
      decide(
        input({
          depth: 'prove',
          proveFactor,
          features: features({ rmse: series(value, 20) }),
          controls: [{ features: features() }],
        }),
      ).verdict
    expect(at(17.9, 2)).toBe('inconclusive')
    expect(at(18.1, 2)).toBe('fail')
    expect(at(17.9, 1.8)).toBe('fail')
    expect([PROVE_FACTOR, CONFIRM_FACTOR]).toEqual([2, 1.8])
    const blurred = { quality: { detail: 2.5, detailOwn: 1.3, errorRatio: 1 }, controls: [{ features: features(), detail: 0.3 }] }
    expect(decide(input({ depth: 'prove', ...blurred }))).toMatchObject({ verdict: 'fail', faultClass: 'Q' })
  })

  it('blames the content where our own re-transcode fails too', () => {
    const bad = features({ rmse: series(30, 20) })
    const decision = decide(input({ depth: 'prove', features: bad, controls: [{ features: bad }, { features: features() }] }))
    expect(decision.verdict).toBe('inconclusive')
    expect(decision.reasons[0]).toMatchObject({ code: 'frame-error', class: 'content' })
  })

  it('wants a wrong picture to be twice as far off as our own encode', () => {
    const at = (value: number, control: number) => {
      const beside = [{ features: features({ rmse: series(control, 60) }) }]
      return decide(input({ features: features({ rmse: series(value, 60) }), controls: beside })).verdict
    }
    expect(at(11, 8)).toBe('inconclusive')
    expect(at(17, 8)).toBe('fail')
    expect(at(11, 1)).toBe('fail')
  })

  it('lets a control explain what lies between the lines', () => {
    const soft = features({ rmse: series(6, 20) })
    expect(decide(input({ depth: 'prove', features: soft, controls: [{ features: soft }] })).verdict).toBe('pass')
  })

  it.each([
    ['size', { claim: { size: { width: 640, height: 360 } } }],
    ['codec', { claim: { profile: { ...profile, codec: 1 } } }],
    ['frames', { rendition: own({ frames: 30 }) }],
    ['duration', { rendition: own({ durationMs: 1500 }) }],
    ['leaf', { claim: { leaf: { width: 424, height: 240, frames: 60, durationMs: 2000 } } }],
    ['pass-through', { packets: { passedThrough: 1, reused: 0 } }],
    ['reuse', { packets: { passedThrough: 0, reused: 0.5 } }],
  ])('sees %s as D3', (code, change) => {
    const decision = decide(input(change))
    expect(decision).toMatchObject({ verdict: 'fail', faultClass: 'D3' })
    expect(decision.reasons[0]?.code).toBe(code)
  })

  it('allows what honest encoders differ by', () => {
    expect(decide(input({ rendition: own({ frames: 58, durationMs: 1940 }) })).verdict).toBe('pass')
    expect(decide(input({ claim: { leaf: { width: 0, height: 0, frames: 61, durationMs: 2030 } } })).verdict).toBe('pass')
    const slower = input({ claim: { profile: { ...profile, fpsNum: 25 } }, rendition: own({ frames: 50, fps: 25 }) })
    expect(decide(slower).verdict).toBe('pass')
  })

  it('never blames quality on a source alone: beside a control it may', () => {
    const bad = input({ quality: { detail: 2.5, errorRatio: 1 } })
    expect(decide(bad)).toMatchObject({ verdict: 'fail', faultClass: 'Q' })
    expect(isNearALine(bad)).toBe(true)
    const beside = { quality: { detail: 2.5, detailOwn: 0, errorRatio: 1 }, controls: [{ features: features(), detail: 2.4 }] }
    expect(decide(input(beside)).verdict).not.toBe('fail')
    expect(isNearALine(input({ ...beside, quality: { ...beside.quality, detailOwn: 3 } }))).toBe(false)
    expect(isNearALine(input())).toBe(false)
    expect(isNearALine(input({ features: features({ rmse: series(11, 20) }) }))).toBe(true)
    expect(isNearALine(input({ packets: { passedThrough: 1, reused: 0 } }))).toBe(false)
    expect(isNearALine(input({ source: undefined }))).toBe(false)
  })

  it.each([
    ['coherence-own', { coherenceOwn: 2.5 }],
    ['coherence-part', { coherencePart: 3 }],
    ['coherence-tile', { coherenceTile: 3 }],
    ['error-part', { errorPart: 4 }],
  ])('sees %s as Q', (code, change) => {
    const quality = { detail: 0.2, detailOwn: 0, errorRatio: 1, ...change }
    const decision = decide(input({ quality, controls: [{ features: features(), detail: 0.2 }] }))
    expect(decision).toMatchObject({ verdict: 'fail', faultClass: 'Q', reasons: [{ code }] })
  })

  it('takes two measures of quality together for one', () => {
    const both = { detail: 0.2, detailOwn: 0.9, coherenceOwn: 1.6, errorRatio: 1 }
    const spending = (bitrate: number) => own({ bitrate })
    const at = (quality: VerdictInput['quality'], bitrate = 300_000) =>
      decide(
        input({
          quality,
          claim: { profile },
          rendition: spending(bitrate),
          controls: [{ features: features(), detail: 0.2 }],
        }),
      )
    expect(at(both)).toMatchObject({ verdict: 'fail', faultClass: 'Q' })
    expect(at(both, 150_000).verdict).toBe('inconclusive')
    expect(at({ ...both, detailOwn: 0.8 }).verdict).toBe('inconclusive')
    expect(at({ ...both, coherenceOwn: 1.3 }).verdict).toBe('inconclusive')
  })

  it('tells other sound from sound left out, and allows two packets', () => {
    const audio = (foreign: number, missing: number) => decide(input({ audio: { source: 90, rendition: 90, foreign, missing } }))
    expect(audio(2, 2).verdict).toBe('pass')
    expect(audio(60, 60)).toMatchObject({ verdict: 'fail', faultClass: 'D3' })
    expect(audio(0, 60)).toMatchObject({ verdict: 'fail', faultClass: 'Q' })
    expect(audio(5, 5).verdict).toBe('inconclusive')
  })

  it('knows a codec that it does not read by its name', () => {
    const rendition = { ...own({ codec: -1, codecName: 'mp4v', frames: 0 }), decodes: 'unknown' as const }
    const mpeg4 = input({ claim: { profile }, features: undefined, rendition })
    expect(decide(mpeg4)).toMatchObject({ verdict: 'fail', faultClass: 'D3', reasons: [{ code: 'codec' }] })
    const nameless = { ...rendition, facts: { ...rendition.facts, codecName: 'none' } }
    expect(decide({ ...mpeg4, rendition: nameless }).verdict).toBe('inconclusive')
  })

  it('counts tracks that nobody ordered, and never those that a node copies', () => {
    const at = (ownFacts: Partial<MediaFacts>, sourceFacts: Partial<MediaFacts> = {}) => {
      const source = input().source
      if (!source) throw new Error('no source')
      return decide(input({ rendition: own(ownFacts), source: { ...source, facts: { ...facts, ...sourceFacts } } }))
    }
    const hidden = { verdict: 'fail', faultClass: 'D3', reasons: [{ code: 'tracks', value: 1 }] }
    expect(at({ videoTracks: 2 })).toMatchObject(hidden)
    expect(at({ audioTracks: 2 })).toMatchObject(hidden)
    expect(at({ audioTracks: 2 }, { audioTracks: 1 })).toMatchObject(hidden)
    expect(at({ audioTracks: 2 }, { audioTracks: 2 }).verdict).toBe('pass')
    // A kind of sound that we count in one container and not in the other is one track at most.
    expect(at({ audioTracks: 1 }).verdict).toBe('pass')
    // More tracks than we read is no way out.
    const many = { ...own({ audioTracks: 40 }), decodes: 'unknown' as const, overLimit: true }
    expect(decide(input({ features: undefined, rendition: many }))).toMatchObject({ verdict: 'fail', faultClass: 'D3' })
    // None is not counted: ffmpeg has to see none either.
    expect(at({ videoTracks: 0 }).verdict).toBe('pass')
  })

  it('knows a wrong size by a header without pictures', () => {
    const giant = { ...own({ frames: 0, width: 60_000, height: 60_000 }), decodes: 'unknown' as const, overLimit: true }
    const claim = { profile, size: { width: 426, height: 240 } }
    const asked = input({ claim, features: undefined, rendition: giant })
    expect(decide(asked)).toMatchObject({ verdict: 'fail', faultClass: 'D3', reasons: [{ code: 'size' }] })
    const headless = { ...giant, facts: { ...giant.facts, width: 0, height: 0 } }
    expect(decide({ ...asked, rendition: headless }).verdict).toBe('inconclusive')
  })

  it('clears nothing that is too slow to be seen moving, and still sees a wrong picture there', () => {
    const slow = {
      facts,
      decodes: true,
      overLimit: false,
      content: { quality: 60, contrast: 40, moving: 50, lag: 16, excursion: 30 },
    }
    expect(decide(input({ source: slow }))).toMatchObject({ verdict: 'inconclusive', reasons: [{ code: 'motionless' }] })
    expect(decide(input({ source: slow, features: features({ rmse: series(30, 20) }) })).verdict).toBe('fail')
  })

  it('prefers D2 to D3 to Q', () => {
    const all = { features: features({ rmse: series(30, 20) }), packets: { passedThrough: 0, reused: 1 }, quality: { detail: 3 } }
    expect(decide(input(all)).faultClass).toBe('D2')
    expect(decide(input({ ...all, features: features() })).faultClass).toBe('D3')
  })

  it('calls a broken rendition D3 at prove alone', () => {
    const broken = { features: undefined, rendition: { ...own({}), decodes: 'no' as const } }
    expect(decide(input(broken))).toMatchObject({ verdict: 'inconclusive', reasons: [{ code: 'rendition-unreadable' }] })
    expect(decide(input({ ...broken, depth: 'prove' }))).toMatchObject({ verdict: 'fail', faultClass: 'D3' })
    const unknown = { ...broken, rendition: { ...own({}), decodes: 'unknown' as const } }
    expect(decide(input({ ...unknown, depth: 'prove' })).verdict).toBe('inconclusive')
    const large = { ...broken, rendition: { ...own({}), decodes: 'no' as const, overLimit: true } }
    expect(decide(input({ ...large, depth: 'prove' })).verdict).toBe('inconclusive')
  })

  it('never blames a node for a source that is not sound', () => {
    const worst = {
      features: features({ rmse: series(90, 60), ssimLoss: series(1, 60), chromaMean: 50 }),
      packets: { passedThrough: 1, reused: 1 },
      quality: { detail: 9, detailOwn: 9, errorRatio: 99 },
    }
    const flaws: Partial<MediaFacts>[] = [
      { videoTracks: 2 },
      { codec: -1 },
      { frames: 7 },
      { firstIsKey: false },
      { parameterSets: 2 },
      { editList: true },
      { timesOk: false },
      { chroma: 2 },
      { bitDepth: 10 },
      { progressive: false },
    ]
    fc.assert(
      fc.property(fc.constantFrom(...flaws), fc.constantFrom('screen', 'check', 'prove'), (flaw, depth) => {
        const source = { facts: { ...facts, ...flaw }, decodes: true, overLimit: false }
        return decide(input({ ...worst, depth, source })).verdict === 'inconclusive'
      }),
    )
    const sound = input().source
    if (!sound) throw new Error('no source')
    for (const source of [
      undefined,
      { ...sound, decodes: false },
      { ...sound, overLimit: true },
      { ...sound, content: { quality: 0, contrast: 1, moving: 50, lag: 1, excursion: 30 } },
      { ...sound, content: { quality: 60, contrast: 40, moving: 0, lag: 1, excursion: 0.5 } },
    ]) {
      expect(decide(input({ ...worst, depth: 'prove', source })).verdict).toBe('inconclusive')
    }
  })

  it('takes the worst of several renditions', () => {
    expect(worstOf(['pass', 'inconclusive'])).toBe('inconclusive')
    expect(worstOf(['inconclusive', 'fail', 'pass'])).toBe('fail')
    expect(worstOf(['pass'])).toBe('pass')
  })
})
