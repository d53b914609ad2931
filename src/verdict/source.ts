import type { Oddity } from '../transcode/oddities.ts'
import { FEATURELESS_CONTRAST, MAX_GAP_MS, MIN_FRAMES, MOTIONLESS_EXCURSION, MOVING_FRAMES } from './lines.ts'
import type { DoubtCode, Reason, VerdictInput } from './types.ts'

/** What each oddity is, for people. */
const ODD: Readonly<Record<Oddity, string>> = {
  'film-grain': 'film grain that decoders may add or not',
  'frame-freeze': 'orders to freeze the picture',
  orientation: 'orders to turn the picture',
  'frame-gaps': 'permission to leave out reference pictures',
  'slice-groups': 'slice groups, which most decoders do not know',
  'redundant-slices': 'redundant slices, which most decoders do not know',
  'unusual-nal': 'coded parts that most decoders skip',
  'full-range': 'full colour range, which encoders squeeze or do not',
  rotation: 'a picture that players turn and transcoders do not',
  'damaged-packets': 'lost, repeated, scrambled or damaged packets',
  'external-data': 'pictures in another file',
  'no-idr-start': 'a start at which decoders differ',
  'lost-reference': 'pictures that refer to one that is not there',
  'too-many-parts': 'more coded parts than any encoder makes',
}

const oddlySees = (oddities: readonly Oddity[]): string => `a source with ${oddities.map((odd) => ODD[odd]).join(', and ')}`

type Check = [bad: boolean, code: DoubtCode, value: number, limit: number, sees: string]

/**
 * What keeps a source from ever blaming a node: anything that lets two honest decoders, or an honest encoder, see another picture
 * than we do. The order is from the file outside to the picture inside; the first reasons are the ones to read.
 */
export function sourceDoubts(input: Pick<VerdictInput, 'depth' | 'source'>): Reason[] {
  if (!input.source) {
    return [{ code: 'source-unreadable', class: 'source', value: 1, limit: 0, sees: 'a source that is no media file' }]
  }
  const { facts, decodes, overLimit, content } = input.source
  const checks: Check[] = [
    [overLimit, 'source-limit', facts.width * facts.height, 0, 'a source beyond our limits of size, frames or tracks'],
    [facts.videoTracks !== 1, 'source-tracks', facts.videoTracks, 1, 'a source without exactly one video track'],
    [facts.codec !== 0 && facts.codec !== 1, 'source-codec', facts.codec, 1, 'a source in a codec that we do not read'],
    [facts.frames < MIN_FRAMES, 'source-frames', facts.frames, MIN_FRAMES, 'a source with too few pictures'],
    [!facts.firstIsKey, 'source-key-frame', 0, 1, 'a source that does not begin with a key frame'],
    [facts.parameterSets !== 1, 'source-parameter-sets', facts.parameterSets, 1, 'a source that changes its headers'],
    [facts.editList, 'source-edit-list', 1, 0, 'a source with an edit list'],
    [!facts.timesOk, 'source-times', 0, 1, 'a source with missing or repeated time stamps'],
    [
      facts.chroma !== 1 || facts.bitDepth !== 8 || !facts.progressive,
      'source-pixel-format',
      facts.bitDepth,
      8,
      'a source that is not 8-bit 4:2:0 progressive',
    ],
    [facts.longestGapMs > MAX_GAP_MS, 'source-times', facts.longestGapMs, MAX_GAP_MS, 'a source with a hole in time'],
    [facts.oddities.length > 0, 'source-oddities', facts.oddities.length, 0, oddlySees(facts.oddities)],
    [!decodes, 'source-broken', 1, 0, 'a source that does not decode without errors'],
  ]
  const doubts = checks
    .filter(([bad]) => bad)
    .map(([, code, value, limit, sees]): Reason => ({ code, class: 'source', value, limit, sees }))
  if (content && input.depth !== 'screen') {
    if (content.contrast < FEATURELESS_CONTRAST) {
      const sees = 'pictures with nothing in them to compare'
      doubts.push({ code: 'featureless', class: 'content', value: content.contrast, limit: FEATURELESS_CONTRAST, sees })
    }
    if (content.moving < MOVING_FRAMES && content.excursion <= MOTIONLESS_EXCURSION) {
      const sees = 'a scene that stands still: a freeze or replay cannot be told from work'
      doubts.push({ code: 'motionless', class: 'content', value: content.excursion, limit: MOTIONLESS_EXCURSION, sees })
    }
  }
  return doubts
}
