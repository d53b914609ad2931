import { basename } from 'node:path'
import { drawSheet } from './fingerprint/sheet.ts'
import { picturesOf } from './judge/pictures.ts'
import type { JudgeRequest, JudgeResult } from './judge/types.ts'
import type { DecodeRun } from './transcode/decode.ts'
import { openFile } from './transcode/job.ts'
import { reasonLine } from './verdict/text.ts'

/** Width of a landscape tile. */
const TILE = 400

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
  const { verdict } = worst
  const files = {
    source: await openFile(request.source, run),
    claimed: await openFile(verdict.path, run),
    asked: request.renditions[worst.i],
  }
  const spread = (frames: number) => [0, 1, 2].map((k) => Math.floor((frames * (2 * k + 1)) / 6))
  const choose = (frames: number) => (verdict.worstFrames.length > 0 ? verdict.worstFrames : spread(frames))
  const { rows, tile } = await picturesOf(files, choose, TILE, run)
  await drawSheet(
    {
      title: `${shortName(verdict.path)} against ${shortName(request.source)}`,
      verdict: verdict.verdict,
      faultClass: verdict.faultClass,
      lines:
        verdict.reasons.length > 0 ? verdict.reasons.slice(0, 8).map(reasonLine) : [`nothing found at depth ${result.depth}`],
      rows: rows.map(({ frame, atMs, sourceFrame, pictures }) => ({
        caption: `frame ${frame}${atMs === undefined ? '' : ` at ${(atMs / 1000).toFixed(2)} s`}, source frame ${sourceFrame}`,
        ...pictures,
      })),
      tile,
    },
    path,
  )
}
