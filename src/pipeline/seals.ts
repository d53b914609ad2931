import type { Statement } from '../../proofs/codec.ts'
import { type Answer, type Hex, OUTCOMES, type Outcome } from '../../proofs/types.ts'
import type { Bench } from './bench.ts'

/** What an answer said once it was opened. */
export interface Opened {
  outcome: Outcome
  fingerprint: Hex
}

/** Seals and opened answers of young samples, by member; the first of each counts. */
export interface SealBook {
  seal(statement: Statement<'sealed'>): void
  open(sampleId: Hex, member: Hex, answer: Answer): void
  sealsOf(sampleId: Hex): ReadonlyMap<Hex, Statement<'sealed'>>
  openedOf(sampleId: Hex): ReadonlyMap<Hex, Opened>
}

/** Samples that are remembered; beyond it the oldest is forgotten, receipt or not. */
const SAMPLES = 100_000

/** Windows after which a sample of a receipt that never came is forgotten, as answers about it are: its feed is none that we follow. */
const STRANGE_WINDOWS = 30

/** A sample is forgotten with its receipt. */
export function createSealBook({ ledger, chain, params }: Pick<Bench, 'ledger' | 'chain' | 'params'>): SealBook {
  const seals = new Map<Hex, Map<Hex, Statement<'sealed'>>>()
  const opened = new Map<Hex, Map<Hex, Opened>>()
  /** Samples whose receipt was not known when their first seal came, and when that was, oldest first. */
  const strange = new Map<Hex, number>()
  ledger.onForget(({ sampleId }) => forget(sampleId))

  function forget(sampleId: Hex): void {
    seals.delete(sampleId)
    opened.delete(sampleId)
  }

  function forgetStrangers(): void {
    const tooOldSec = chain.nowSec() - STRANGE_WINDOWS * params.draw.windowSeconds
    for (const [sampleId, sinceSec] of strange) {
      if (sinceSec >= tooOldSec && strange.size <= SAMPLES) return
      strange.delete(sampleId)
      // One whose receipt came since is forgotten with that.
      if (!ledger.sample(sampleId)) forget(sampleId)
    }
  }

  return {
    seal(statement) {
      const { sampleId } = statement.body
      if (!seals.has(sampleId) && !ledger.sample(sampleId)) strange.set(sampleId, chain.nowSec())
      keepFirst(seals, sampleId, statement.signer, statement)
      forgetStrangers()
    },
    open(sampleId, member, { outcome, fingerprint }) {
      const name = OUTCOMES[outcome]
      if (name) keepFirst(opened, sampleId, member, { outcome: name, fingerprint })
    },
    sealsOf: (sampleId) => seals.get(sampleId) ?? new Map(),
    openedOf: (sampleId) => opened.get(sampleId) ?? new Map(),
  }
}

function keepFirst<T>(book: Map<Hex, Map<Hex, T>>, sampleId: Hex, member: Hex, what: T): void {
  const known = book.get(sampleId) ?? new Map<Hex, T>()
  if (!known.has(member)) known.set(member, what)
  book.set(sampleId, known)
  if (book.size > SAMPLES) book.delete(book.keys().next().value as Hex)
}
