import { LIMITS, type Profile } from '../../proofs/types.ts'
import { blameOf } from '../base/errors.ts'
import { type Make, transcodeLadder } from './ladder.ts'
import { type Measured, measureAll } from './measure.ts'
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
  const { source, profiles, signal } = init
  const facts = await sourceFacts(source, signal)
  if (behaviour === 'passthrough') return profiles.map(() => ({ ...facts, file: source }))
  return ladder({
    ...init,
    facts,
    make: behaviour === 'upscale' || behaviour === 'freeze' ? behaviour : 'honest',
    preset: 'veryfast',
  })
}

/** Honest work once more with another preset: the same picture in other bytes. */
export async function remake(init: WorkInit): Promise<Made[]> {
  return ladder({ ...init, facts: await sourceFacts(init.source, init.signal), make: 'honest', preset: 'ultrafast' })
}

async function sourceFacts(source: string, signal: AbortSignal): Promise<Measured> {
  const [facts] = await measureAll([source], { signal }).catch((error: unknown) => {
    // ffmpeg names our own paths; the sender is told what it can change.
    if (blameOf(error) === 'theirs')
      throw refusal('segment-unreadable', 'the segment cannot be read as video; send MPEG-TS or MP4')
    throw error
  })
  if (!facts || facts.durationMs > LIMITS.segmentMs)
    throw refusal('segment-long', `a segment may last ${LIMITS.segmentMs} ms at most`)
  return facts
}

async function ladder(init: WorkInit & { facts: Measured; make: Make; preset: 'veryfast' | 'ultrafast' }): Promise<Made[]> {
  const { facts, ...rest } = init
  const size = { sourceWidth: facts.width, sourceHeight: facts.height }
  const files = await transcodeLadder({ ...rest, ...size }).catch((error: unknown) => {
    if (blameOf(error) === 'theirs') throw refusal('segment-undecodable', 'the segment cannot be transcoded to these profiles')
    throw error
  })
  const measured = await measureAll(files, { signal: init.signal })
  return measured.map((track, i) => ({ ...track, file: files[i] as string }))
}
