import { basename } from 'node:path'
import { drawSheet } from './fingerprint/sheet.ts'
import type { JudgeRequest, JudgeResult, RenditionVerdict } from './judge/types.ts'
import { encodeControls } from './transcode/control.ts'
import type { DecodeRun } from './transcode/decode.ts'
import { isDecodable, openFile } from './transcode/job.ts'
import { demux, readMedia } from './transcode/probe.ts'
import { displayTimes, type StillsInput, stillsOf } from './transcode/stills.ts'
import type { Demuxed } from './transcode/types.ts'
import { claimedProfile } from './verdict/claim.ts'
import { reasonLine } from './verdict/text.ts'

/** Width of a landscape tile; portrait ones keep about the same area. */
const TILE = 400

function nearest(times: readonly number[], wanted: number): number {
  return times.reduce((best, time, i) => (Math.abs(time - wanted) < Math.abs((times[best] ?? 0) - wanted) ? i : best), 0)
}

/** Cached blobs are named by their hash: both ends tell them apart, the middle would only run out of the picture. */
function shortName(path: string): string {
  const name = basename(path)
  return name.length > 32 ? `${name.slice(0, 12)}…${name.slice(-16)}` : name
}

const ORDER = { fail: 0, inconclusive: 1, pass: 2 } as const

/** Draws the worst rendition of a judgement: its worst frames beside the source and our own re-transcode. */
export async function sheetOf(request: JudgeRequest, result: JudgeResult, path: string, run: DecodeRun): Promise<void> {
  const verdicts = result.renditions.map((verdict, i) => ({ verdict, i }))
  const worst = verdicts.sort((a, b) => ORDER[a.verdict.verdict] - ORDER[b.verdict.verdict])[0]
  if (!worst) return
  const source = await openFile(request.source, run)
  const claimed = await openFile(worst.verdict.path, run)
  const frames = await stills(source.demuxed && isDecodable(source) ? source.demuxed : undefined, claimed, worst, request, run)
  await drawSheet(
    {
      title: `${shortName(worst.verdict.path)} against ${shortName(request.source)}`,
      verdict: worst.verdict.verdict,
      faultClass: worst.verdict.faultClass,
      lines:
        worst.verdict.reasons.length > 0
          ? worst.verdict.reasons.slice(0, 8).map(reasonLine)
          : [`nothing found at depth ${result.depth}`],
      rows: frames.rows,
      tile: frames.tile,
    },
    path,
  )
}

async function stills(
  source: Demuxed | undefined,
  claimed: { path: string; demuxed: Demuxed | undefined; overLimit: boolean },
  worst: { verdict: RenditionVerdict; i: number },
  request: JudgeRequest,
  run: DecodeRun,
): Promise<{
  rows: { caption: string; source?: Uint8Array; control?: Uint8Array; claimed?: Uint8Array }[]
  tile: { width: number; height: number }
}> {
  const own = claimed.demuxed && isDecodable(claimed) ? claimed.demuxed : undefined
  const shape = source?.facts ?? own?.facts ?? { width: 16, height: 9 }
  const scale = Math.sqrt((TILE * TILE * 9) / 16 / (shape.width * shape.height))
  const even = (pixels: number): number => Math.min(1200, Math.max(32, 2 * Math.round((pixels * scale) / 2)))
  const tile = { width: even(shape.width), height: even(shape.height) }
  const fallback = own ? [0, 1, 2].map((k) => Math.floor((own.facts.frames * (2 * k + 1)) / 6)) : [0]
  const frames = worst.verdict.worstFrames.length > 0 ? worst.verdict.worstFrames : fallback
  const times = own ? displayTimes(own.units) : []
  const sourceTimes = source ? displayTimes(source.units) : []
  const inSource = frames.map((frame) => (own ? nearest(sourceTimes, times[frame] ?? 0) : frame))
  const profile = source && own ? claimedProfile(request.renditions[worst.i]?.profile, own.facts, source.facts) : undefined
  // A control that cannot be made leaves its column empty: a sheet is an illustration, not evidence.
  const made =
    source && profile
      ? await encodeControls({ path: request.source, facts: source.facts }, profile, {
          ...run,
          label: 'sheet',
          presets: ['medium'],
        }).catch(() => [])
      : []
  const control = made[0] && { path: made[0].path, demuxed: demux(await readMedia(made[0].path, run.limits)) }
  const controlTimes = control ? displayTimes(control.demuxed.units) : []
  const inputs: (StillsInput & { column: 'source' | 'control' | 'claimed' })[] = []
  if (source) inputs.push({ column: 'source', path: request.source, facts: source.facts, frames: inSource })
  if (control) {
    const at = frames.map((frame) => nearest(controlTimes, times[frame] ?? 0))
    inputs.push({ column: 'control', path: control.path, facts: control.demuxed.facts, frames: at })
  }
  if (own) inputs.push({ column: 'claimed', path: claimed.path, facts: own.facts, frames })
  const pictures = inputs.length > 0 ? await stillsOf(inputs, tile.width, tile.height, run) : []
  const rows = frames.map((frame, r) => ({
    caption: `frame ${frame}${times[frame] === undefined ? '' : ` at ${(times[frame] / 1000).toFixed(2)} s`}, source frame ${inSource[r] ?? 0}`,
    ...Object.fromEntries(inputs.flatMap(({ column }, i) => (pictures[i]?.[r] ? [[column, pictures[i][r]]] : []))),
  }))
  return { rows, tile }
}
