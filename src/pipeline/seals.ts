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

/** A sample is forgotten with its receipt. */
export function createSealBook({ ledger }: Pick<Bench, 'ledger'>): SealBook {
  const seals = new Map<Hex, Map<Hex, Statement<'sealed'>>>()
  const opened = new Map<Hex, Map<Hex, Opened>>()
  ledger.onForget(({ sampleId }) => {
    seals.delete(sampleId)
    opened.delete(sampleId)
  })

  return {
    seal: (statement) => keepFirst(seals, statement.body.sampleId, statement.signer, statement),
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
