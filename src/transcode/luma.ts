import { join } from 'node:path'
import { COMPLAINT, type DecodeRun, inputOptions, pick, RAW } from './decode.ts'
import { runFfmpeg } from './ffmpeg.ts'
import { PictureFile, type Pictures } from './pictures.ts'
import type { MediaFacts } from './types.ts'

/**
 * Full luma pictures of these frames of one file, decoded in software and strictly. Undefined where the decoder complained, a picture did not come
 * out, or its pixels are of more than a byte.
 */
export async function lumaOf(
  input: { path: string; facts: MediaFacts; frames: readonly number[] },
  run: DecodeRun,
): Promise<Pictures | undefined> {
  const { path, facts, frames } = input
  const file = join(run.folder, 'luma')
  const result = await runFfmpeg(
    run.wrapper,
    {
      inputs: [{ path, options: ['-xerror', ...inputOptions(facts)] }],
      filter: `[0:v:0]${pick(frames)},extractplanes=y[o]`,
      // One more than there can be: a surplus must be seen, not hidden.
      outputs: [{ path: file, options: ['-map', '[o]', ...RAW, '-frames:v', String(frames.length + 1)] }],
    },
    { wallMs: run.limits.wallMs, signal: run.signal },
  )
  if (!result.ok || result.lines.some((line) => COMPLAINT.test(line))) return undefined
  const pictures = new PictureFile(file, frames, facts.width * facts.height)
  return pictures.isWhole ? pictures : undefined
}
