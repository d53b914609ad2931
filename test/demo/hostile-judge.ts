import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { bytesToHex } from '../../proofs/signature.ts'
import { VERDICT_VERSION } from '../../proofs/types.ts'
import {
  createJudge as createHonest,
  type Judge,
  type JudgeInit,
  type JudgeRequest,
  type RenditionRequest,
  type RenditionVerdict,
} from '../../src/judge.ts'
import { heard } from './hostile-answers.ts'

export * from '../../src/judge.ts'

/** What a hostile member does, by its second argument. */
export interface Hostility {
  /** Fails whatever this node made. */
  frames?: string
  /** Passes whatever this node made. */
  shields?: string
  /** Seals and never opens. */
  neverOpens?: boolean
  /** Looks at nothing: passes everything, with fingerprints that it made up. */
  lazy?: boolean
  /** Looks at nothing either: waits for what another says of the same sample, and says that. */
  copies?: boolean
}

export const hostility = JSON.parse(process.argv[3] ?? '{}') as Hostility

/** Milliseconds that a copier waits: all tranches of the local network, and a check. */
const COPY_MS = 30_000

/** What somebody says who looked at nothing. */
async function withoutLooking({ path, draw }: RenditionRequest, signal?: AbortSignal): Promise<RenditionVerdict> {
  const said = () => draw && heard.get(draw.sampleId)
  for (let ms = 0; hostility.copies && !said() && ms < COPY_MS; ms += 250) await sleep(250, undefined, { signal })
  const copied = said()
  const isFail = copied?.outcome === 'fail'
  return {
    ...{ path, verdict: isFail ? 'fail' : 'pass', reasons: [], measures: {}, worstFrames: [] },
    ...(isFail ? { faultClass: 'D2' } : {}),
    fingerprint: { frames: [], pdq: [], value: copied?.fingerprint ?? bytesToHex(randomBytes(32)) },
    packets: { rendition: [], source: [] },
  }
}

/** The judge of a liar: it looks, so that its fingerprints are right, and says what it was paid for. */
export function createJudge(init: JudgeInit): Judge {
  const honest = createHonest(init)
  return {
    ...honest,
    async judge(request: JudgeRequest, options) {
      if (hostility.lazy || hostility.copies) {
        const renditions = await Promise.all(request.renditions.map((one) => withoutLooking(one, options?.signal)))
        const verdict = renditions.some((one) => one.verdict === 'fail') ? 'fail' : 'pass'
        return { verdictVersion: VERDICT_VERSION, depth: request.depth, verdict, renditions, timingsMs: {} }
      }
      const result = await honest.judge(request, options)
      const from = (node: string | undefined) => node !== undefined && request.source.includes(node)
      for (const one of result.renditions) {
        if (from(hostility.frames)) {
          one.verdict = 'fail'
          one.faultClass = 'D2'
          one.reasons = [
            { code: 'frame-error', class: 'D2', value: 60, limit: 9, sees: 'other video' } as (typeof one.reasons)[number],
          ]
        }
        if (from(hostility.shields)) {
          one.verdict = 'pass'
          one.reasons = []
          delete one.faultClass
        }
      }
      return result
    },
  }
}
