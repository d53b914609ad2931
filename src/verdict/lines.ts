/**
 * The one table of lines. Numbers of honest work are of bench:detect: 33 kinds of honest renditions of 27 natural segments.
 * A change of any number here is a new VERDICT_VERSION (proofs/types.ts).
 */

/** D2 wrong picture, D3 geometry, codec, decodability or reused packets, Q quality. */
export type LineClass = 'D2' | 'D3' | 'Q'

export interface Line {
  class: LineClass
  /** At or below: nothing to say against it. */
  clear: number
  /** Above: fraud at depth `check`; D2 lines are multiplied at `prove`. */
  fraud: number
  /** What the measure catches, for people. */
  sees: string
  /** Where the numbers come from. */
  why: string
}

const RESEARCH = 'worst of 274 honest renditions of 25 natural segments, and twice that'

export const LINES = {
  'frame-error': {
    class: 'D2',
    clear: 4.5,
    fraud: 9,
    sees: 'replay, other video, freeze, splice, crop, flip',
    why: `grey levels of RMSE, 64x36 luma: ${RESEARCH} (4.47)`,
  },
  'frame-structure': {
    class: 'D2',
    clear: 0.025,
    fraud: 0.05,
    sees: 'the same at low contrast',
    why: `1 - SSIM: ${RESEARCH} (0.025)`,
  },
  cell: {
    class: 'D2',
    clear: 1.25,
    fraud: 2.5,
    sees: 'logos, vignette, small rotation or crop',
    why: `error of a cell / (2 + 0.25 gradient): ${RESEARCH} (1.22)`,
  },
  'chroma-mean': {
    class: 'D2',
    clear: 2.9,
    fraud: 5.8,
    sees: 'black and white, hue, saturation, swapped planes',
    why: `levels of RMSE, U plus V: ${RESEARCH} (2.9)`,
  },
  'chroma-cell': {
    class: 'D2',
    clear: 5.8,
    fraud: 11.6,
    sees: 'black and white, hue, swapped planes, coloured logos',
    why: `levels, |dU| + |dV| of a cell: ${RESEARCH} (5.82)`,
  },
  colour: {
    class: 'D2',
    clear: 0.15,
    fraud: 0.22,
    sees: 'black and white, saturation, hue, swapped planes, in pale pictures too',
    why: 'share of the colour that is gone: worst honest 0.121 (key frames alone)',
  },
  frozen: {
    class: 'D2',
    clear: 0.04,
    fraud: 0.1,
    sees: 'freeze, slide show, half rate',
    why: 'share of moving frames that stand still: one frame shown twice is honest (0.037), more is not, but where a changed rate meets a varying one (0.087)',
  },
  shift: {
    class: 'D2',
    clear: 1,
    fraud: 1.25,
    sees: 'shifted or reversed time',
    why: 'gain of the best offset of 2..8 frames: an honest rendition fits best at its own time',
  },
  size: { class: 'D3', clear: 0, fraud: 0, sees: 'wrong size', why: 'pixels off the aspect rule of go-livepeer, which is exact' },
  codec: { class: 'D3', clear: 0, fraud: 0, sees: 'another codec than ordered', why: 'exact' },
  tracks: {
    class: 'D3',
    clear: 0,
    fraud: 0,
    sees: 'a second picture track, which hides what is shown; tracks that nobody ordered',
    why: 'exact: a node gives one video track, and one of sound or what the source has',
  },
  frames: {
    class: 'D3',
    clear: 1,
    fraud: 1,
    sees: 'truncation, dropped or added frames, speed',
    why: 'frames off, in units of max(2, 2 %): encoders and the fps filter differ by one at either end',
  },
  duration: {
    class: 'D3',
    clear: 1,
    fraud: 1,
    sees: 'truncation, speed',
    why: 'milliseconds off, in units of max(two frames, 2 %, 150 ms)',
  },
  leaf: {
    class: 'D3',
    clear: 1,
    fraud: 1,
    sees: 'a receipt that describes other work',
    why: 'worst of size (exact), frames and duration (as above)',
  },
  'pass-through': {
    class: 'D3',
    clear: 0,
    fraud: 0.05,
    sees: 'the source returned as the rendition',
    why: 'share of coded pictures equal to the source; two encodes never agree on a picture of 64 bytes or more',
  },
  reuse: {
    class: 'D3',
    clear: 0,
    fraud: 0.05,
    sees: 'work of an earlier segment sold again',
    why: 'share of coded pictures served before for a visibly different source',
  },
  audio: {
    class: 'D3',
    clear: 0,
    fraud: 0.25,
    sees: 'other sound than the source has',
    why: 'share of audio packets that the source does not have, where they are more than two: audio is copied, never encoded',
  },
  'audio-missing': {
    class: 'Q',
    clear: 0.1,
    fraud: 0.25,
    sees: 'sound left out',
    why: 'share of the source audio packets that are not there, where they are more than two',
  },
  undecodable: {
    class: 'D3',
    clear: 0,
    fraud: 0,
    sees: 'a rendition that no decoder plays',
    why: 'exact; counts at prove alone, after a second run',
  },
  detail: {
    class: 'Q',
    clear: 1.6,
    fraud: 2,
    sees: 'upscale, blur, starved bit rate',
    why: 'log2 drop of 8x8 DCT bands 3-5 against the scaled source: worst honest 1.57',
  },
  loss: {
    class: 'Q',
    clear: 1.2,
    fraud: Number.POSITIVE_INFINITY,
    sees: 'detail that the source has and the rendition lacks, in some frames or some part',
    why: 'log2 drop against the source: 7 % of honest work exceeds it, so that it only calls for a control',
  },
  'detail-own': {
    class: 'Q',
    clear: 0.75,
    fraud: 1.1,
    sees: 'upscale, blur, starved bit rate',
    why: 'log2 drop of 8x8 DCT energy in the bands that our own re-transcode kept: worst of 600 honest renditions 0.71 (a bilinear scaler)',
  },
  'coherence-own': {
    class: 'Q',
    clear: 1.25,
    fraud: 2.2,
    sees: 'upscale, blur, starved bit rate, noise or sharpening in the place of detail',
    why: 'the same of energy that goes with the source: worst honest of the corpus 1.17, and 1.9 of a generated scene, both at half the bit rate',
  },
  'coherence-part': {
    class: 'Q',
    clear: 1.65,
    fraud: 2.9,
    sees: 'frames among the others that were not worked on',
    why: 'the drop that a quarter of the sampled frames exceed: worst honest 1.54, and 2.6 of a generated scene, both at half the bit rate',
  },
  'coherence-tile': {
    class: 'Q',
    clear: 1.6,
    fraud: 2.6,
    sees: 'a part of the picture that was not worked on',
    why: 'the drop of the second worst of 16 tiles: worst honest 1.47 (half the bit rate)',
  },
  'error-part': {
    class: 'Q',
    clear: 1.9,
    fraud: 3,
    sees: 'frames among the others that were not worked on',
    why: 'the ratio that a quarter of the frames exceed: worst honest 1.64 (half the bit rate)',
  },
  'error-ratio': {
    class: 'Q',
    clear: 1.8,
    fraud: 2.6,
    sees: 'low bit rate, noise, filters',
    why: 'mean RMSE against that of our own re-transcode: worst honest 1.59 (half the bit rate)',
  },
} as const satisfies Record<string, Line>

export type LineCode = keyof typeof LINES

/**
 * Two measures of quality that together are enough, each well below its own line: less detail, and what there is does not go with
 * the source. Honest work that spent the bits it was ordered to spend has at most one of them: a bilinear scaler 0.71 of the first.
 * Half the bit rate has up to 0.98 and 1.9.
 */
export const TOGETHER = { 'detail-own': 0.85, 'coherence-own': 1.4 } as const

/** Share of the ordered bit rate from which on the bits were spent. */
export const SPENT = 0.75
/** A wrong picture is at least so many times as far from the source as our own honest encode of it. */
export const CONTROL_FACTOR = 2

/** D2 lines at `prove`: what is voted on lies far outside of what honest encoders differ by. */
export const PROVE_FACTOR = 2
/** A confirmer's D2 lines: a little lower, so that rounding at the line cannot split honest voters. */
export const CONFIRM_FACTOR = 1.8
/** A D2 needs this many bad frames, or two measures over their line: a quarter of a second, more than any glitch of an encoder. */
export const BAD_FRAMES = 8
/** Moving frames that the time test needs to say anything. */
export const MOVING_FRAMES = 8
/** A scene that must be watched over more frames than these to be seen moving hides a short freeze: it never clears. */
export const SLOW_LAG = 4
/** Frames that a source needs. */
export const MIN_FRAMES = 8
/** At `prove` a measure between its lines is explained by the content where our control has nearly as much of it. */
export const CONTROL_SLACK = 1.3

/** Longest time between two pictures of a source: past a whole segment, transcoders fill it, cut it or give up. */
export const MAX_GAP_MS = 2000

/** Standard deviation of luma, in levels: below it two different pictures differ by less than the clear line of the frame error. */
export const FEATURELESS_CONTRAST = 4
/**
 * A source that never leaves its first picture by more than the clear line of the frame error, and moves in fewer frames than the
 * time test needs: a freeze or a replay of it looks like honest work.
 */
export const MOTIONLESS_EXCURSION = 4.5
