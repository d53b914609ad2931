import { checkFraudProof } from '../../../proofs/check.ts'
import type { Statement } from '../../../proofs/codec.ts'
import type { Domain, Hex } from '../../../proofs/types.ts'
import { FishermanError } from '../../base/errors.ts'

/** How far a proof convinces somebody who has nothing but the proof. */
export interface Standing {
  verified: 'yes' | 'unconfirmed'
  reason: string
  accusedSigners: Hex[]
  voters: Hex[]
}

/**
 * The check needs no chain, but not everything that it finds is proven by it: with a key of its own anybody can sign receipts in another's name, and
 * with three keys vote. Only what the accused address itself signed stands alone. Everything else is true as far as it goes, and told as such.
 */
export function standingOf(domain: Domain, statement: Statement<'fraud-proof'>): Standing {
  const check = checkFraudProof(domain, statement)
  if (!check.valid) throw new FishermanError({ code: 'bad-proof', message: check.reason, blame: 'theirs' })
  const { accusedSigners, voters } = check
  const { transcoder } = statement.body
  const foreign = [...new Set(accusedSigners.filter((signer) => signer !== transcoder))]
  const open = [
    ...(foreign.length > 0 ? [`signed by ${foreign.join(' and ')}; only the chain says whether that is a key of this node`] : []),
    ...(voters.length > 0
      ? [`${voters.length} votes; only the chain says whether they are registered fishermen with two thirds of the weight`]
      : []),
  ]
  if (open.length > 0) return { verified: 'unconfirmed', reason: open.join('; '), accusedSigners, voters }
  return { verified: 'yes', reason: 'the node signed it itself', accusedSigners, voters }
}
