import {
  BAD_FRAMES,
  CONTROL_FACTOR,
  CONTROL_SLACK,
  LINES,
  type LineClass,
  type LineCode,
  MOVING_FRAMES,
  SLOW_LAG,
  SPENT,
  TOGETHER,
} from './lines.ts'
import { claimMeasures, limitOf, type Measured, pictureMeasures, qualityMeasures } from './measure.ts'
import { sourceDoubts } from './source.ts'
import type { Decision, Judgement, Reason, VerdictInput } from './types.ts'

function reasonOf(m: Measured, limit: number): Reason {
  const line = LINES[m.code]
  return {
    code: m.code,
    class: line.class,
    value: m.value,
    limit,
    ...(m.frame === undefined ? {} : { frame: m.frame }),
    sees: line.sees,
  }
}

/** Largest value that one of our own honest re-transcodes has of the same measure; undefined without controls. */
function controlValue(m: Measured, input: VerdictInput): number | undefined {
  const values = input.controls.flatMap(({ features, detail }) => {
    if (m.code === 'detail') return detail === undefined ? [] : [detail]
    return pictureMeasures(features).flatMap((own) => (own.code === m.code ? [own.value] : []))
  })
  return values.length > 0 ? Math.max(...values) : undefined
}

interface Sorted {
  broken: Measured[]
  doubtful: Measured[]
  /** Over their line, but honest work fails there too. */
  content: Measured[]
}

function sort(measured: readonly Measured[], input: VerdictInput): Sorted {
  const sorted: Sorted = { broken: [], doubtful: [], content: [] }
  for (const m of measured) {
    const line = LINES[m.code]
    if (m.value <= line.clear) continue
    const control = controlValue(m, input)
    if (m.value > limitOf(m.code, input)) {
      // The drop against the source alone blames a hard source as well; our own re-transcode must have kept clearly more.
      const unexplained =
        m.code !== 'detail' || control === undefined || (input.quality.detailOwn ?? 0) > LINES['detail-own'].clear
      // What blames a node lies far from our own honest work on the same source, not only from the source.
      const apart = line.class !== 'D2' || control === undefined || m.value > CONTROL_FACTOR * control
      if (unexplained && apart && (control === undefined || control <= line.fraud)) sorted.broken.push(m)
      else sorted.content.push(m)
    } else if (control === undefined || m.value > Math.max(line.clear, control * CONTROL_SLACK)) sorted.doubtful.push(m)
    else if (control > line.fraud) sorted.content.push(m)
  }
  return sorted
}

/** Measures that are an average over time. */
const AVERAGED = new Set<LineCode>(['cell', 'chroma-cell', 'frozen', 'shift'])

const isOneOf = <T extends object>(table: T, code: string): code is Extract<keyof T, string> => code in table

/** A D2 stands on 8 bad frames of one measure, or on two measures. */
function isEnough(broken: readonly Measured[], input: VerdictInput): boolean {
  return broken.length >= 2 || broken.some((m) => m.badFrames(limitOf(m.code, input)) >= BAD_FRAMES)
}

function round(value: number): number {
  return Number.isFinite(value) ? Number(value.toPrecision(5)) : -1
}

function measuresOf(all: readonly Measured[], input: VerdictInput): Decision['measures'] {
  const measures: Decision['measures'] = {}
  for (const m of all) measures[m.code] = round(m.value)
  const { features } = input
  if (features) {
    measures['compared-frames'] = features.frames
    measures['mean-frame-error'] = round(features.meanRmse)
    measures['moving-frames'] = features.moving
    measures['frozen-frames'] = features.frozen
    measures['shift-frames'] = features.shiftFrames
  }
  const content = input.source?.content
  if (content) {
    measures['source-quality'] = round(content.quality)
    measures['source-contrast'] = round(content.contrast)
    measures['source-motion'] = round(content.excursion)
  }
  input.controls.forEach(({ features: own, detail }, i) => {
    measures[`control-${i}-mean-frame-error`] = round(own.meanRmse)
    if (detail !== undefined) measures[`control-${i}-detail`] = round(detail)
  })
  return measures
}

/** What is known against the rendition as a file, before its pictures: a doubt here never clears. */
function renditionDoubts(input: VerdictInput): Reason[] {
  const { facts, decodes, overLimit } = input.rendition
  const doubts: Reason[] = []
  const add = (code: Reason['code'], value: number, sees: string): void => {
    doubts.push({ code, class: 'rendition', value, limit: 0, sees })
  }
  if (overLimit) add('rendition-limit', 1, 'a rendition beyond our limits of size, frames or tracks')
  else if (!facts) add('rendition-unreadable', 1, 'bytes that are no media file')
  else if (decodes === 'unknown') add('rendition-format', 1, 'a rendition of a kind that we do not read')
  else if (decodes === 'no') add('rendition-unreadable', 1, 'a rendition that does not decode without errors')
  else if (!facts.timesOk) add('rendition-times', 1, 'a rendition with missing or repeated time stamps')
  else if (facts.editList) add('rendition-edit-list', 1, 'a rendition whose edit list shows something else than its pictures')
  else if (!input.features) add('rendition-format', 1, 'a rendition that changes its size')
  return doubts
}

/**
 * The verdict on one rendition: a pure function of its input. Doubt is never a fail; a fail needs a sound source, a sound
 * comparison, and a measure beyond what honest encoders do.
 */
export function decide(input: VerdictInput): Decision {
  const all = input.features ? pictureMeasures(input.features) : []
  // One picture has no average over time: cells would blame the coding noise of a first frame.
  const pictures = input.depth === 'screen' ? all.filter((m) => !AVERAGED.has(m.code)) : all
  const claims = claimMeasures(input)
  const quality = qualityMeasures(input)
  const measures = measuresOf([...pictures, ...claims, ...quality], input)
  const source = sourceDoubts(input)
  if (source.length > 0) return { verdict: 'inconclusive', reasons: source, measures }

  const d2 = sort(pictures, input)
  const d3 = sort(claims, input)
  const q = sort(quality, input)
  const broken: Reason[] = []
  let faultClass: LineClass | undefined
  const accuse = (found: LineClass, measured: readonly Measured[]): void => {
    faultClass ??= found
    for (const m of measured) broken.push(reasonOf(m, limitOf(m.code, input)))
  }
  const enough = isEnough(d2.broken, input)
  if (d2.broken.length > 0 && enough) accuse('D2', d2.broken)
  if (d3.broken.length > 0) accuse('D3', d3.broken)
  const undecodable = input.rendition.decodes === 'no' && !input.rendition.overLimit
  if (undecodable && input.depth === 'prove') {
    accuse('D3', [{ code: 'undecodable', value: 1, badFrames: () => 0 }])
  }
  // A starved encode explains both; one that spent its bits and has no detail does not.
  const spent = (input.rendition.facts?.bitrate ?? 0) >= SPENT * (input.claim.profile?.bitrate ?? Number.POSITIVE_INFINITY)
  const together = q.doubtful.filter(({ code, value }) => spent && isOneOf(TOGETHER, code) && value > TOGETHER[code])
  if (q.broken.length > 0) accuse('Q', q.broken)
  else if (together.length === Object.keys(TOGETHER).length) accuse('Q', together)
  if (faultClass) return { verdict: 'fail', faultClass, reasons: broken, measures }

  const doubts: Reason[] = renditionDoubts(input)
  for (const m of d2.broken) doubts.push({ ...reasonOf(m, limitOf(m.code, input)), class: 'limit' })
  for (const m of [...d2.doubtful, ...d3.doubtful, ...q.doubtful])
    doubts.push({ ...reasonOf(m, LINES[m.code].clear), class: 'limit' })
  for (const m of [...d2.content, ...d3.content, ...q.content])
    doubts.push({ ...reasonOf(m, limitOf(m.code, input)), class: 'content' })
  if (input.features && input.depth !== 'screen' && !hasDetail(input)) {
    const sees = 'pictures without fine detail: an upscale cannot be told from work'
    doubts.push({ code: 'featureless', class: 'content', value: 0, limit: 0, sees })
  }
  const lag = input.source?.content?.lag ?? 1
  if (input.features && input.depth !== 'screen' && (lag > SLOW_LAG || input.features.moving < MOVING_FRAMES)) {
    const sees = 'a scene so slow that a freeze or a lower rate cannot be told from work'
    doubts.push({ code: 'motionless', class: 'content', value: lag, limit: SLOW_LAG, sees })
  }
  if (input.depth === 'screen') {
    doubts.push({
      code: 'screened',
      class: 'limit',
      value: 0,
      limit: 0,
      sees: 'a screen never clears: check the whole rendition',
    })
  }
  const verdict: Judgement = doubts.length > 0 ? 'inconclusive' : 'pass'
  return { verdict, reasons: doubts, measures }
}

/** Whether there is fine detail to be lost: in the source, or where we have one in what an honest encoder kept of it. */
function hasDetail({ quality, controls }: VerdictInput): boolean {
  return controls.length > 0 ? quality.detailOwn !== undefined : quality.detail !== undefined
}

/** The verdict on all renditions of one source: the worst of them. */
export function worstOf(verdicts: readonly Judgement[]): Judgement {
  if (verdicts.includes('fail')) return 'fail'
  return verdicts.includes('inconclusive') ? 'inconclusive' : 'pass'
}

/**
 * Whether only a proof can say more: what does not decode is no fault at depth `check`, whose decoder may be a device, and would stay in doubt for
 * ever. A node that returns noise must not escape by that.
 */
export function needsProof({ verdict, reasons }: Pick<Decision, 'verdict' | 'reasons'>): boolean {
  return verdict === 'inconclusive' && reasons.some(({ code }) => code === 'rendition-unreadable')
}

/** Whether a control could still settle a check: what is in doubt is the picture, and not the source, the file or the content alone. */
export function isNearALine(input: VerdictInput): boolean {
  const { verdict, faultClass, reasons } = decide(input)
  // No picture fails but beside our own encode: a hard source, or a hard order, spoils honest work too.
  if (verdict === 'fail') return input.controls.length === 0 && faultClass !== 'D3'
  return verdict === 'inconclusive' && reasons.every((reason) => reason.class === 'limit' || reason.class === 'content')
}
