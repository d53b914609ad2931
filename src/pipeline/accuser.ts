import { renditionLeaf } from '../../proofs/digest.ts'
import { merkleTree } from '../../proofs/merkle.ts'
import { type Hex, VERDICT_VERSION } from '../../proofs/types.ts'
import { sleep } from '../base/clock.ts'
import type { Accusation } from '../chain/build.ts'
import type { CaseView } from '../chain/types.ts'
import type { OwnFinding } from '../court/court.ts'
import { type Act, turnWithin } from './actions.ts'
import type { Bench } from './bench.ts'
import { chainFacts } from './prosecutions.ts'
import type { Standing } from './standing.ts'

/** Opens cases on our own findings: before a fail is opened, and again where that came to nothing. */
export interface Accuser {
  /** Freezes the accused's deposit by a case that we believe in, or gives up after a while. Never throws. */
  freeze(finding: OwnFinding): Promise<void>
  /** Accuses nodes anew that we have found enough of and that no case holds; called on every head. */
  onHead(): void
}

export interface AccuserDeps {
  act: Act
  standing: Standing
  /** Asks for our own replay of what somebody else's case is about, where there is none. */
  replayCase(view: CaseView): void
  /** A case of ours is on the chain. */
  onOpened(finding: OwnFinding): void
}

/** Turns of a conviction over which the members are spread that accuse anew: one of them locks its bond. */
const AGAIN_TURNS = 10

export function createAccuser(bench: Bench, deps: AccuserDeps): Accuser {
  const { chain, court, params, mode } = bench
  const { act, standing } = deps
  const onChain = mode === 'active' || mode === 'dry-run'
  /** Nodes that are being accused anew. */
  const accusing = new Set<Hex>()

  function accusationOf({ faultClass, receiptDigest, rendition: index }: OwnFinding): Accusation | undefined {
    const known = bench.ledger.receipt(receiptDigest)
    const rendition = known?.receipt.renditions[index]
    if (!known || !faultClass || !rendition) return undefined
    const { receipt, signature, renditions } = known.receipt
    const path = merkleTree(renditions.map(renditionLeaf)).proof(index)
    return { faultClass, receipt, signature, rendition, path, verdictVersion: VERDICT_VERSION }
  }

  async function freeze(finding: OwnFinding): Promise<void> {
    const { receiptDigest, transcoder } = finding
    const accusation = accusationOf(finding)
    if (!accusation) return
    const until = chain.nowSec() + params.freezeWaitSeconds
    while (chain.nowSec() < until && !bench.signal.aborted) {
      const cases = standing.waiting(transcoder)
      if (standing.isPunished(transcoder) || cases.some(standing.isCredible)) return
      // Somebody else was first: our replay of its receipt decides whether that case is enough, or a sham that needs ours beside it.
      for (const view of cases) deps.replayCase(view)
      // Without a bond of our own (mode attest) all we can do is wait for somebody who has one.
      const { leaving } = await chainFacts(bench, transcoder)
      const isLate = leaving || chain.nowSec() > until - params.freezeWaitSeconds / 2
      if (onChain && (isLate || !cases.some(standing.isUnjudged))) {
        const open = () => chain.openCase(accusation, { signal: bench.signal })
        const result = await act(receiptDigest, 'open', open)
        if (result?.status === 'mined') deps.onOpened(finding)
        // A case that is there already holds the deposit only where we believe in it: that is asked above.
        if (result && result.status !== 'refused' && result.status !== 'already') return
      }
      await sleep(1000, bench.signal).catch(() => undefined)
    }
  }

  /**
   * Chain time from which one of our fails may be brought anew: whoever made it has opened it by then, or has given up waiting for the deposit. Each
   * member has another moment of one span, so that mostly one of them does it.
   */
  function againFromSec({ provenAtSec, transcoder }: OwnFinding, me: Hex): number {
    // An everyday check accuses nobody, and what was found before a conviction is paid for by it.
    if (provenAtSec === undefined || provenAtSec <= standing.punishedUntilSec(transcoder)) return Number.POSITIVE_INFINITY
    const span = AGAIN_TURNS * params.convictTurnSeconds
    return provenAtSec + params.openAfterSeconds + params.freezeWaitSeconds + turnWithin(span, transcoder, me)
  }

  /** One of our fails that no case was ever about; undefined where none may be brought now. */
  function unaccused(transcoder: Hex, me: Hex): OwnFinding | undefined {
    const cases = chain.cases().filter((view) => view.transcoder === transcoder)
    // The members saw no fault in what we accused it of: whatever is wrong may be here, and another bond would go the same way.
    if (cases.some(({ opener, state }) => opener === me && state === 'rejected')) return undefined
    const waiting = standing.waiting(transcoder)
    if (waiting.some((view) => standing.isCredible(view) || standing.isUnjudged(view))) return undefined
    return court
      .ownFails(transcoder)
      .filter(({ receiptDigest }) => !cases.some((view) => view.receiptDigest === receiptDigest))
      .find((finding) => chain.nowSec() > againFromSec(finding, me) && accusationOf(finding))
  }

  return {
    freeze,
    onHead() {
      const { address, identity } = bench
      if (!onChain || !identity || !address) return
      for (const transcoder of court.failing()) {
        if (accusing.has(transcoder) || standing.isPunished(transcoder)) continue
        const finding = unaccused(transcoder, address)
        if (!finding) continue
        accusing.add(transcoder)
        bench.logger.info('Accusing again: no case holds what we found', { transcoder, receiptDigest: finding.receiptDigest })
        bench.later(0, 'accuse', () => freeze(finding).finally(() => void accusing.delete(transcoder)))
      }
    },
  }
}
