import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type DecodeRun, inputOptions } from './decode.ts'
import { runFfmpeg } from './ffmpeg.ts'
import type { AccessUnit, MediaFacts } from './types.ts'

/** Pictures for people: rgb24 of one size, in the order of the wanted frame numbers; undefined where one did not decode. */
export type Stills = readonly (Uint8Array | undefined)[]

export interface StillsInput {
  path: string
  facts: MediaFacts
  frames: readonly number[]
}

/** Decodes single frames of several files, scaled to one size, in one process. */
export async function stillsOf(inputs: readonly StillsInput[], width: number, height: number, run: DecodeRun): Promise<Stills[]> {
  const result = await runFfmpeg(
    run.wrapper,
    {
      inputs: inputs.map(({ path, facts }) => ({ path, options: inputOptions(facts) })),
      filter: inputs
        .map(({ frames }, i) => {
          const pick = [...new Set(frames)].map((n) => `eq(n\\,${n})`).join('+')
          return `[${i}:v:0]select='${pick}',scale=${width}:${height}:flags=bicubic,setsar=1,format=rgb24[o${i}]`
        })
        .join(';'),
      outputs: inputs.map((_, i) => ({
        path: join(run.folder, `still${i}`),
        options: ['-map', `[o${i}]`, '-fps_mode', 'passthrough', '-f', 'rawvideo'],
      })),
    },
    { wallMs: run.limits.wallMs, signal: run.signal },
  )
  return await Promise.all(
    inputs.map(async ({ frames }, i): Promise<Stills> => {
      const data = result.ok ? await readFile(join(run.folder, `still${i}`)) : Buffer.alloc(0)
      const size = width * height * 3
      const order = [...new Set(frames)].sort((a, b) => a - b)
      return frames.map((frame) => {
        const at = order.indexOf(frame) * size
        return at + size <= data.length ? data.subarray(at, at + size) : undefined
      })
    }),
  )
}

/** Presentation times in display order, in milliseconds after the first. */
export function displayTimes(units: readonly AccessUnit[]): number[] {
  const times = units.map((unit) => unit.ptsMs).sort((a, b) => a - b)
  const first = times[0] ?? 0
  return times.map((time) => time - first)
}
