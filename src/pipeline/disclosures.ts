import { objectiveEvidenceHash } from '../../proofs/digest.ts'
import type { Hex } from '../../proofs/types.ts'
import type { Chain } from '../chain/types.ts'
import type { Finding } from '../court/court.ts'
import type { BundleShelf } from '../gossip/bundles.ts'
import type { FoundFault } from '../receipt/faults.ts'
import type { FoundCase } from './case-book.ts'
import { evidenceHashFor, type Ledger } from './ledger.ts'

/**
 * Which evidence everybody may see. An accused can work out the hash of its evidence itself: one that is told that we hold it, before its deposit is
 * frozen, takes the deposit away.
 */
export interface Disclosures {
  /** Is there a case about it on the chain, or did we say of it in an opened answer that it failed? */
  isPublic(evidenceHash: Hex): boolean
  /** An answer of ours is with the others. */
  opened(finding: Pick<Finding, 'receiptDigest' | 'rendition' | 'outcome'>): void
  /** An opened answer of an earlier run named it as failed. */
  openedBefore(evidenceHash: Hex): void
  /** A fault that signatures prove: what is on the chain of it is its id, not its evidence. */
  found(fault: FoundFault): void
  /** One of an earlier run. */
  foundBefore(fault: Pick<FoundCase, 'faultId' | 'evidenceHash'>): void
  /** Reads the cases of the chain anew; those that were taken back with their blocks are public no longer. */
  onHead(): void
}

/** Of opened answers, and of faults, each; the oldest is forgotten first. */
const REMEMBERED = 10_000

/**
 * What members are given of a shelf: one that is not public looks as if it were not there. An accused may be a member itself, and others need nothing
 * before a case, or an opened answer, calls them to look.
 */
export function onlyPublic(shelf: BundleShelf, isPublic: Disclosures['isPublic']): BundleShelf {
  return { open: async (evidenceHash) => (isPublic(evidenceHash) ? await shelf.open(evidenceHash) : undefined) }
}

export function createDisclosures(deps: { chain: Pick<Chain, 'cases'>; ledger: Pick<Ledger, 'receipt'> }): Disclosures {
  const opened = new Set<Hex>()
  const faults = new Map<Hex, Hex>()
  let onChain = new Set<Hex>()

  function openedBefore(evidenceHash: Hex): void {
    opened.add(evidenceHash)
    if (opened.size > REMEMBERED) opened.delete(opened.keys().next().value as Hex)
  }

  function foundBefore({ faultId, evidenceHash }: Pick<FoundCase, 'faultId' | 'evidenceHash'>): void {
    faults.set(evidenceHash, faultId)
    if (faults.size > REMEMBERED) faults.delete(faults.keys().next().value as Hex)
  }

  return {
    isPublic(evidenceHash) {
      const faultId = faults.get(evidenceHash)
      return onChain.has(evidenceHash) || opened.has(evidenceHash) || (faultId !== undefined && onChain.has(faultId))
    },
    opened({ receiptDigest, rendition, outcome }) {
      const known = outcome === 'fail' ? deps.ledger.receipt(receiptDigest) : undefined
      if (known) openedBefore(evidenceHashFor(known, rendition))
    },
    openedBefore,
    found: ({ fault, evidence }) =>
      foundBefore({ faultId: fault.faultId, evidenceHash: objectiveEvidenceHash(fault.faultClass, evidence) }),
    foundBefore,
    onHead() {
      onChain = new Set(deps.chain.cases().flatMap(({ faultId, evidenceHash }) => evidenceHash ?? faultId))
    },
  }
}
