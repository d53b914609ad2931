import { readFile } from 'node:fs/promises'
import { FishermanError } from '../base/errors.ts'
import { demux } from '../transcode/probe.ts'

/** What a file of video really holds, read from its packets. */
export interface Measured {
  width: number
  height: number
  frames: number
  durationMs: number
  bytes: number
}

/** Reads the video track of a file without decoding; in this process, since another one would cost more than the reading. */
export async function measure(file: string): Promise<Measured> {
  return measureContent(await readFile(file))
}

/** The same of bytes at hand. */
export function measureContent(content: Buffer): Measured {
  const { facts } = demux(content)
  const { width, height, frames } = facts
  if (width === 0 || height === 0 || frames === 0)
    throw new FishermanError({ code: 'no-video', message: 'the segment holds no video that can be measured', blame: 'theirs' })
  return { width, height, frames, durationMs: Math.round(facts.durationMs), bytes: content.length }
}
