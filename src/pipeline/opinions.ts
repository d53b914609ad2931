import type { Hex } from '../../proofs/types.ts'
import { agreed, faulted, isTrusted, NEW_TRUST, type Trust, type TrustFault } from '../court/trust.ts'
import type { Bench } from './bench.ts'
import type { TrustFile } from './trust-file.ts'

/** What we think of the other members; decides whose seal lets us sleep, and nothing else. */
export interface Opinions {
  trusts(member: Hex): boolean
  /** Each fault of a member on one sample counts once. */
  blame(fault: TrustFault, member: Hex, sampleId: Hex): void
  /** Our replay found what the member said. */
  agree(member: Hex): void
  all(): ReadonlyMap<Hex, Trust>
}

/** Faults remembered, so that none counts twice. */
const REMEMBERED = 10_000

/** `file` keeps opinions over restarts; without it each start begins anew. */
export function createOpinions({ metrics, logger }: Pick<Bench, 'metrics' | 'logger'>, file?: TrustFile): Opinions {
  const trust = new Map<Hex, Trust>(file?.loaded)
  const seen = new Set<string>()
  const of = (member: Hex): Trust => trust.get(member) ?? NEW_TRUST
  function set(member: Hex, next: Trust): void {
    trust.set(member, next)
    file?.save(trust)
  }
  return {
    trusts: (member) => isTrusted(of(member)),
    blame(fault, member, sampleId) {
      const key = `${fault}/${member}/${sampleId}`
      if (seen.has(key)) return
      seen.add(key)
      if (seen.size > REMEMBERED) seen.delete(seen.keys().next().value as string)
      const before = isTrusted(of(member))
      set(member, faulted(of(member)))
      metrics.dropped(`trust-${fault}`)
      if (before && !isTrusted(of(member))) logger.warn('A member is no longer trusted to check for us', { member, fault })
    },
    agree: (member) => set(member, agreed(of(member))),
    all: () => trust,
  }
}
