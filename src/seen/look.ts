import { readFile } from 'node:fs/promises'
import type { Hex, Profile } from '../../proofs/types.ts'
import { keccakOf } from '../base/keccak.ts'
import type { Judge, JudgeRequest, JudgeResult, Reason } from '../judge.ts'
import { demux } from '../transcode/probe.ts'
import type { MediaFacts } from '../transcode/types.ts'
import { claimedProfile } from '../verdict/claim.ts'

/** How a segment came to us without a receipt. */
export type SeenSource = 'playback' | 'donated'

/** One rendition of a segment, on our disk. */
export interface SeenRendition {
  readonly name: string
  readonly file: string
  /** What was ordered, where somebody says it. Where only a size is known the rest is read from the file itself. */
  readonly profile?: Profile
  readonly declared?: { readonly width: number; readonly height: number }
}

/** What a look at one rendition found. Hashes and numbers only: no picture and no byte of it. */
export interface SeenVerdict {
  readonly name: string
  readonly outcome: 'pass' | 'fail' | 'inconclusive'
  readonly faultClass?: 'D2' | 'D3' | 'Q'
  readonly reasons: readonly Reason[]
  readonly measures: Readonly<Record<string, number | string | boolean>>
  readonly contentHash: Hex
  readonly bytes: number
  readonly width: number
  readonly height: number
  /** Why a doubt is one, where no reason of the verdict says it. */
  readonly doubt?: string
}

export interface Look {
  readonly sourceHash: Hex
  readonly verdicts: readonly SeenVerdict[]
  /** For a sheet that the operator asked for; never kept. */
  readonly request: JudgeRequest
  readonly result: JudgeResult
}

/** Judges the files of one segment at depth `check`: where it ends near a line, beside an own re-transcode. */
export async function look(
  source: string,
  renditions: readonly SeenRendition[],
  judge: Pick<Judge, 'judge'>,
  signal: AbortSignal,
): Promise<Look> {
  const own = await factsOf(source)
  const facts = await Promise.all(renditions.map(({ file }) => factsOf(file)))
  const request: JudgeRequest = {
    source,
    depth: 'check',
    renditions: renditions.map((rendition, i) => {
      const profile = rendition.profile ?? profileOf(rendition.declared, facts[i]?.video, own.video)
      return { path: rendition.file, ...(profile ? { profile } : {}) }
    }),
  }
  const result = await judge.judge(request, { signal })
  const verdicts = result.renditions.map(({ verdict, faultClass, reasons, measures, facts: seen }, i): SeenVerdict => {
    const { hash, bytes } = facts[i] as Facts
    return {
      ...{ name: renditions[i]?.name ?? '', outcome: verdict, ...(faultClass ? { faultClass } : {}), reasons, measures },
      ...{ contentHash: hash, bytes, width: seen?.width ?? 0, height: seen?.height ?? 0 },
    }
  })
  return { sourceHash: own.hash, verdicts, request, result }
}

interface Facts {
  hash: Hex
  bytes: number
  video: MediaFacts | undefined
}

async function factsOf(file: string): Promise<Facts> {
  const content = await readFile(file)
  const known = { hash: await keccakOf(content), bytes: content.length }
  try {
    return { ...known, video: demux(content).facts }
  } catch {
    // No video that we can read: the judge says what that means.
    return { ...known, video: undefined }
  }
}

/**
 * The size that a playlist declares, where the file has another one; of the rest only what the file itself shows. A BANDWIDTH is a peak and no order:
 * a control made with it would be better than what was asked for, and an honest node would look poor beside it.
 */
function profileOf(
  declared: SeenRendition['declared'],
  own: MediaFacts | undefined,
  source: MediaFacts | undefined,
): Profile | undefined {
  if (!declared || !own || !source || (own.width === declared.width && own.height === declared.height)) return undefined
  return { ...claimedProfile(undefined, own, source), ...declared }
}
