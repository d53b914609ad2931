import { decodeStatement, type Statement } from '../../proofs/codec.ts'
import { ZERO_HASH } from '../../proofs/digest.ts'
import { hexToBytes } from '../../proofs/signature.ts'
import { type ConvictionVote, DISMISSALS, type Dismissal, FAULT_CLASSES, type Hex, VERDICT_VERSION } from '../../proofs/types.ts'
import type { CaseView, Member } from '../chain/types.ts'
import type { Bench } from './bench.ts'

/** What votes can make of a case. */
export type Outcome = 'convict' | Dismissal

/** A vote that counts, with what it weighs. */
export interface Ballot {
  statement: Statement<'vote'>
  weight: bigint
}

/** Everybody's votes on cases, ours too. The first of a member on a case is the one that counts; a case is a fault by its inputs. */
export interface Ballots {
  hear(statement: Statement<'vote'>): void
  /** Takes up what was said of this case before the daemon started: peers do not bring again what our log has. */
  recall(faultId: Hex): Promise<void>
  /** Signs our vote and tells everybody; does nothing where we voted on this case before, whatever it was. */
  cast(view: CaseView, vote: { rendition: number; outcome: Outcome; workCommit: Hex }): Promise<void>
  /** No vote on this case counts any more, nor does one that is heard later; `recall` brings all of them back. */
  forget(faultId: Hex): void
  /**
   * Votes of these members that want this outcome of this case and can be brought together, ascending by signer as the contract wants them: the
   * heaviest of those that name one deadline and one finder, equal in all but the work of each.
   */
  count(view: CaseView, rendition: number, outcome: Outcome, members: readonly Member[]): Ballot[]
}

/** Votes of one member remembered: whoever floods us loses its own oldest ones. */
const REMEMBERED = 1_000

export function createBallots(bench: Bench): Ballots {
  const bySigner = new Map<Hex, Map<string, Statement<'vote'>>>()
  const cast = new Set<string>()
  const recalled = new Map<Hex, Promise<void>>()
  /** Cases on which nobody's vote counts any more. */
  const over = new Set<Hex>()

  function hear(statement: Statement<'vote'>): void {
    if (over.has(statement.body.faultId)) return
    const key = keyOf(statement.body)
    const known = bySigner.get(statement.signer) ?? new Map<string, Statement<'vote'>>()
    if (!known.has(key)) known.set(key, statement)
    if (known.size > REMEMBERED) known.delete(known.keys().next().value as string)
    bySigner.set(statement.signer, known)
  }

  async function load(faultId: Hex): Promise<void> {
    for (const { payload } of await bench.log.find({ faultId })) {
      const { kind, bytes } = payload as { kind?: string; bytes?: Hex }
      if (kind === 'vote' && bytes) hear(decodeStatement('vote', hexToBytes(bytes)) as Statement<'vote'>)
    }
  }

  return {
    hear,
    async recall(faultId) {
      const known = recalled.get(faultId)
      if (known) return await known
      over.delete(faultId)
      const loading = load(faultId)
      recalled.set(faultId, loading)
      // Tried again with the next head.
      loading.catch(() => recalled.delete(faultId))
      await loading
    },
    async cast(view, { rendition, outcome, workCommit }) {
      const { identity } = bench
      const shared = sharedVote(view, rendition, outcome)
      if (!identity || !shared || cast.has(keyOf(shared))) return
      // What an earlier run said.
      if (bySigner.get(identity.attester.address)?.has(keyOf(shared))) return
      cast.add(keyOf(shared))
      // A vote that could not be written or said is cast again with the next head; the guard sees to it that it is the same one.
      try {
        const statement = await identity.attester.vote({ ...shared, workCommit })
        await bench.say(statement)
        hear(statement)
      } finally {
        cast.delete(keyOf(shared))
      }
      bench.logger.info('Voted', { outcome, transcoder: view.transcoder, faultId: view.faultId })
    },
    forget(faultId) {
      if (over.has(faultId)) return
      over.add(faultId)
      recalled.delete(faultId)
      for (const known of bySigner.values()) for (const key of known.keys()) if (key.startsWith(faultId)) known.delete(key)
    },
    count(view, rendition, outcome, members) {
      const shared = sharedVote(view, rendition, outcome)
      if (!shared) return []
      const groups = new Map<string, Ballot[]>()
      for (const { address, weight } of members) {
        const statement = bySigner.get(address)?.get(keyOf(shared))
        if (!statement || !agree(shared, statement.body)) continue
        const { deadline, finder } = statement.body
        if (Number(deadline) < bench.chain.nowSec()) continue
        const key = `${deadline}/${finder}`
        groups.set(key, [...(groups.get(key) ?? []), { statement, weight }])
      }
      const [heaviest = []] = [...groups.values()].sort((a, b) => (weightOf(a) < weightOf(b) ? 1 : -1))
      return heaviest.sort((a, b) => (a.statement.signer < b.statement.signer ? -1 : 1))
    },
  }
}

function keyOf({ faultId, evidenceHash }: Pick<ConvictionVote, 'faultId' | 'evidenceHash'>): string {
  return `${faultId}/${evidenceHash}`
}

/** What all votes for one outcome of a case have in common; `workCommit` is each voter's own. Undefined for a case that nobody opened. */
export function sharedVote(view: CaseView, rendition: number, outcome: Outcome): ConvictionVote | undefined {
  const { faultId, transcoder, receiptDigest, opener, evidenceHash, expiresAtSec } = view
  if (!opener || !evidenceHash || !expiresAtSec) return undefined
  return {
    faultId,
    faultClass: outcome === 'convict' ? FAULT_CLASSES[view.faultClass] : DISMISSALS[outcome],
    transcoder,
    receiptDigest,
    rendition,
    evidenceHash,
    workCommit: ZERO_HASH,
    // Whoever staked its bond before anything was open found it; the chain names it, so all votes agree.
    finder: opener,
    verdictVersion: VERDICT_VERSION,
    deadline: BigInt(expiresAtSec),
  }
}

/**
 * What may differ between votes on one case: the work is each voter's own; and where the block of the opening was taken back, the case that came
 * in its place has another deadline, and perhaps another opener, than the one that was voted on. Nobody votes twice, so those votes must count.
 */
const FREE: readonly (keyof ConvictionVote)[] = ['workCommit', 'deadline', 'finder']

/** One that names no work of its voter would spoil all the others: the contract takes none or all. */
function agree(shared: ConvictionVote, body: ConvictionVote): boolean {
  const names = Object.keys(shared) as (keyof ConvictionVote)[]
  return body.workCommit !== ZERO_HASH && names.every((name) => FREE.includes(name) || body[name] === shared[name])
}

function weightOf(ballots: readonly Ballot[]): bigint {
  return ballots.reduce((sum, { weight }) => sum + weight, 0n)
}
