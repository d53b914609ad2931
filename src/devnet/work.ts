import { LIMITS, type Profile } from '../../proofs/types.ts'
import { blameOf } from '../base/errors.ts'
import { type Measured, measure } from '../feed/measure.ts'
import { type Make, transcodeLadder } from './ladder.ts'
import { refusal } from './orders.ts'

export const BEHAVIOURS = ['honest', 'withhold', 'upscale', 'passthrough', 'replay', 'freeze', 'equivocate'] as const
export type Behaviour = (typeof BEHAVIOURS)[number]

/** A file that is passed off as one rung, and what is in it. */
export interface Made extends Measured {
  file: string
}

export interface WorkInit {
  source: string
  profiles: readonly Profile[]
  folder: string
  signal: AbortSignal
}

/** Makes the rungs in the way of this behaviour; `passthrough` gives the source for each. */
export async function makeRenditions(behaviour: Behaviour, init: WorkInit): Promise<Made[]> {
  const { source, profiles } = init
  const facts = await sourceFacts(source)
  if (behaviour === 'passthrough') return profiles.map(() => ({ ...facts, file: source }))
  return ladder({
    ...init,
    facts,
    make: behaviour === 'upscale' || behaviour === 'freeze' ? behaviour : 'honest',
    preset: 'veryfast',
  })
}

/** Honest work on one rung once more with another preset: the same picture in other bytes. */
export async function remake(init: WorkInit): Promise<Made[]> {
  return ladder({ ...init, facts: await sourceFacts(init.source), make: 'honest', preset: 'ultrafast' })
}

async function sourceFacts(source: string): Promise<Measured> {
  const facts = await measure(source).catch((error: unknown) => {
    if (blameOf(error) === 'theirs')
      throw refusal('segment-unreadable', 'the segment cannot be read as video; send MPEG-TS or MP4')
    throw error
  })
  if (facts.durationMs > LIMITS.segmentMs) throw refusal('segment-long', `a segment may last ${LIMITS.segmentMs} ms at most`)
  return facts
}

async function ladder(init: WorkInit & { facts: Measured; make: Make; preset: 'veryfast' | 'ultrafast' }): Promise<Made[]> {
  const { facts, ...rest } = init
  const size = { sourceWidth: facts.width, sourceHeight: facts.height }
  const files = await transcodeLadder({ ...rest, ...size }).catch((error: unknown) => {
    // ffmpeg names our own paths; the sender is told what it can change.
    if (blameOf(error) === 'theirs') throw refusal('segment-undecodable', 'the segment cannot be transcoded to these profiles')
    throw error
  })
  return Promise.all(files.map(async (file) => ({ ...(await measure(file)), file })))
}
