import { sampleIdOf } from '../../proofs/digest.ts'
import type { Hex } from '../../proofs/types.ts'
import { type DrawParams, type DrawWindow, selectedShare, selectionOf, ticketOf, trancheOf } from './draw.ts'

/** Why one rendition of a receipt is looked at, and by us, or not: each number beside the line that it is compared with. */
export interface DrawExplanation {
  rendition: number
  sampleId: Hex
  /** From the beacon alone, the same for everybody: looked at where `value` is below `line`. All in [0, 1] but the lines, which may be more. */
  selection: {
    value: number
    line: number
    /** The line of whoever sees evidence against this node. */
    mostLine: number
  }
  isSelected: boolean
  /** May anybody's look at it count? */
  isDrawable: boolean
  /** Ours, where we can draw at all: drawn where `value` is below the line of a tranche. */
  ticket?: {
    value: number
    /** Line of the first tranche, and of the last. */
    firstLine: number
    lastLine: number
    /** Undefined where it draws nothing. */
    tranche?: number
    /** Seconds after the beacon at which this tranche wakes. */
    afterSeconds?: number
  }
}

/** All renditions of the receipt at this place of its window; `bls` is our signature of the draw, `times` how often we look at its stream. */
export function explainDraw(
  params: DrawParams,
  window: DrawWindow,
  index: number,
  own: { bls?: Hex; times: number },
): DrawExplanation[] {
  const receipt = window.receipts[index]
  if (!receipt) return []
  const line = selectedShare(params, window, own.times)
  const mostLine = selectedShare(params, window, params.mostTimes)
  return Array.from({ length: receipt.renditions }, (_, rendition): DrawExplanation => {
    const sampleId = sampleIdOf(receipt.digest, rendition, window.windowId)
    const value = selectionOf(window, sampleId)
    return {
      ...{ rendition, sampleId, selection: { value, line, mostLine } },
      ...{ isSelected: value < line, isDrawable: value < mostLine },
      ...(own.bls === undefined ? {} : { ticket: explainTicket(params, window.members, ticketOf(own.bls, index, rendition)) }),
    }
  })
}

function explainTicket(params: DrawParams, members: number, value: number): NonNullable<DrawExplanation['ticket']> {
  const lineOf = (tranche: DrawParams['tranches'][number] | undefined) => (tranche?.expectedCheckers ?? 0) / Math.max(1, members)
  const tranche = trancheOf(params, members, value)
  const after = tranche === undefined ? undefined : params.tranches[tranche]?.afterSeconds
  return {
    ...{ value, firstLine: lineOf(params.tranches[0]), lastLine: lineOf(params.tranches.at(-1)) },
    ...(tranche === undefined ? {} : { tranche }),
    ...(after === undefined ? {} : { afterSeconds: after }),
  }
}
