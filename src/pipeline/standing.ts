import type { Hex } from '../../proofs/types.ts'
import type { CaseView } from '../chain/types.ts'
import type { Bench } from './bench.ts'
import { evidenceHashFor } from './ledger.ts'

/** Where a node stands before the court, read from the chain and from our own findings. */
export interface Standing {
  /** Cases that still wait for their votes, oldest first. */
  waiting(transcoder: Hex): CaseView[]
  /** Its time is over: no vote can decide it, and it shields nobody, though nobody has ended it on the chain yet. */
  isOver(view: CaseView): boolean
  /** Convicted of a wrong picture a short while ago: more of the same adds nothing. */
  isPunished(transcoder: Hex): boolean
  /** Chain time, Unix seconds, until when that is so; 0 for a node that was never convicted. What was found before is paid for. */
  punishedUntilSec(transcoder: Hex): number
  /** The rendition that a case is about: its evidence hash names it. Undefined for a receipt or hash that we do not know. */
  renditionOf(view: CaseView): number | undefined
  /** Did our own replay of the case's receipt find the same? Anybody with a bond can open a case, and a sham one must shield nobody. */
  isCredible(view: CaseView): boolean
  /** A case whose receipt we have not judged yet. */
  isUnjudged(view: CaseView): boolean
  /** A case that we answered for, but not by a look that a vote may rest on. */
  needsReplay(view: CaseView): boolean
}

/** States in which a case waits for its votes. */
export const WAITING: readonly CaseView['state'][] = ['open', 'answered']

const isTaken = (state: CaseView['state']) => state === 'convicted' || state === 'settled'

export function createStanding({ chain, court, ledger, params }: Bench): Standing {
  const ownOf = (view: CaseView) => {
    const rendition = renditionOf(view)
    return rendition === undefined ? undefined : court.ownFinding(view.receiptDigest, rendition)
  }

  function renditionOf(view: CaseView): number | undefined {
    const known = ledger.receipt(view.receiptDigest)
    return known?.receipt.renditions.find(({ index }) => evidenceHashFor(known, index) === view.evidenceHash)?.index
  }

  function punishedUntilSec(transcoder: Hex): number {
    const isOne = (view: CaseView) => view.transcoder === transcoder && view.faultClass.startsWith('D') && isTaken(view.state)
    const convicted = chain.cases().filter(isOne)
    return Math.max(0, ...convicted.map(({ releaseAtSec = 0 }) => releaseAtSec + params.strikeSeconds))
  }

  const isOver = ({ expiresAtSec }: CaseView) => expiresAtSec !== undefined && chain.nowSec() >= expiresAtSec

  return {
    isOver,
    waiting: (transcoder) =>
      chain
        .cases()
        .filter((view) => view.transcoder === transcoder && WAITING.includes(view.state) && view.opener && !isOver(view))
        .sort((a, b) =>
          a.blockNumber === b.blockNumber ? (a.faultId < b.faultId ? -1 : 1) : a.blockNumber < b.blockNumber ? -1 : 1,
        ),
    isPunished: (transcoder) => chain.nowSec() < punishedUntilSec(transcoder),
    punishedUntilSec,
    renditionOf,
    isCredible: (view) => ownOf(view)?.faultClass === view.faultClass,
    isUnjudged: (view) => renditionOf(view) !== undefined && ownOf(view) === undefined,
    needsReplay(view) {
      const rendition = renditionOf(view)
      const { opener } = view
      return rendition !== undefined && opener !== undefined && court.needsReplay({ ...view, opener }, rendition, chain.nowSec())
    },
  }
}
