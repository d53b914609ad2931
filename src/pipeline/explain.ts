import type { Hex, Outcome } from '../../proofs/types.ts'
import { fieldsOf } from '../prooflog/indexes.ts'
import type { DrawExplanation } from '../sample/explain.ts'
import type { AnswerStage } from './answers.ts'
import type { Bench } from './bench.ts'
import type { WindowExplained, WindowStage } from './windows.ts'

/** Why a sample of ours was not checked. */
export type Fate = 'left-to-others' | 'paused' | 'over-budget' | 'dropped' | 'failed-here'

/** Fates remembered, the newest. */
const REMEMBERED = 20_000

export function createFates(): {
  set(sampleId: string, fate: Fate): void
  get(sampleId: string): Fate | undefined
  forget(sampleId: string): void
} {
  const fates = new Map<string, Fate>()
  return {
    get: (sampleId) => fates.get(sampleId),
    forget: (sampleId) => void fates.delete(sampleId),
    set(sampleId, fate) {
      fates.delete(sampleId)
      fates.set(sampleId, fate)
      if (fates.size > REMEMBERED) fates.delete(fates.keys().next().value as string)
    },
  }
}

export interface Explained extends Omit<WindowExplained, 'renditions'> {
  receiptDigest: Hex
  transcoder: Hex
  requester: Hex
  streamId: Hex
  seq: string
  windowId: string
  /** Unix seconds of chain time: of the segment, and now. */
  completedAt: number
  nowSec: number
  renditions: ExplainedRendition[]
}

export interface ExplainedRendition extends DrawExplanation {
  /** What became of it here: where its check stands, or why there is none; undefined where it was never ours. */
  state?: 'waiting' | 'urgent' | 'started' | 'resting' | Fate
  /** Our own verdict. */
  verdict?: Outcome
  /** Who sealed an answer, as far as we have heard. */
  seals: ReturnType<AnswerStage['about']>
}

export interface ExplainerDeps {
  windows: Pick<WindowStage, 'explain'>
  answers: Pick<AnswerStage, 'about'>
  stateOf(sampleId: Hex): ExplainedRendition['state']
}

/** Joins what the draw says with what became of it. */
export function createExplainer(bench: Pick<Bench, 'ledger' | 'log' | 'chain'>, deps: ExplainerDeps) {
  return async (digest: string): Promise<Explained | undefined> => {
    const known = bench.ledger.receipt(digest as Hex)
    if (!known) return undefined
    const { receipt, windowId } = known.receipt
    const { renditions, ...window } = await deps.windows.explain(known)
    const own = new Map<string, Outcome>()
    for (const entry of await bench.log.find({ kind: 'verdict', orchestrator: receipt.transcoder })) {
      const { sampleId, outcome } = fieldsOf(entry)
      own.set(String(sampleId), outcome as Outcome)
    }
    return {
      ...{ receiptDigest: known.receipt.digest, transcoder: receipt.transcoder, requester: receipt.requester },
      ...{ streamId: receipt.streamId, seq: receipt.seq.toString(), windowId: windowId.toString() },
      ...{ completedAt: Number(receipt.completedAt), nowSec: Math.floor(bench.chain.nowSec()) },
      ...window,
      renditions: renditions.map((one): ExplainedRendition => {
        const [state, verdict] = [deps.stateOf(one.sampleId), own.get(one.sampleId)]
        return { ...one, ...(state ? { state } : {}), ...(verdict ? { verdict } : {}), seals: deps.answers.about(one.sampleId) }
      }),
    }
  }
}
