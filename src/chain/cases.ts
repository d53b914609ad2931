import type { LogDescription } from 'ethers'
import { faultClassName, type Hex } from '../../proofs/types.ts'
import { createWords, flat } from '../base/words.ts'
import { lower, verifierInterface } from './contracts.ts'
import type { CaseView } from './types.ts'
import type { Log } from './wire.ts'

// Cases are held for ever: their accounts are few and shared, their digests in one piece.
const accounts = createWords()
const account = (address: unknown): Hex => accounts.one(lower(address as string))
const digest = (bytes: unknown): Hex => flat(bytes as Hex)

type Step = { faultId: Hex; apply: (known: CaseView | undefined) => CaseView | undefined }

/** What one log of the FishermanVerifier does to its case; undefined for events that are no step of a case. */
export function stepOf(log: Log): Step | undefined {
  let event: LogDescription | null
  try {
    event = verifierInterface.parseLog({ topics: log.topics, data: log.data })
  } catch {
    return undefined
  }
  if (!event) return undefined
  const { name, args } = event
  if (args.faultId === undefined) return undefined
  const faultId = digest(args.faultId)
  const at = { tx: log.tx, blockNumber: log.blockNumber }

  if (name === 'CaseOpened' || name === 'Convicted') {
    const faultClass = faultClassName(Number(args.faultClass))
    if (!faultClass) return undefined
    const base = { faultId, faultClass, transcoder: account(args.transcoder), receiptDigest: digest(args.receiptDigest) }
    if (name === 'CaseOpened') {
      const opened = {
        ...{ ...base, ...at, state: 'open' as const, opener: account(args.opener), evidenceHash: digest(args.evidenceHash) },
        ...{ bond: args.bond as bigint, answerUntilSec: Number(args.answerUntil), expiresAtSec: Number(args.expiresAt) },
      }
      return { faultId, apply: () => opened }
    }
    const taken = { finder: account(args.finder), amount: args.amount as bigint }
    return {
      faultId,
      apply(known) {
        // What another transaction used is nothing of this one's.
        const { gasUsed: _, ...before } = known ?? {}
        return { ...before, ...base, ...at, state: 'convicted', ...taken }
      },
    }
  }

  const change = changeOf(name, args as unknown as Record<string, unknown>)
  if (!change) return undefined
  return { faultId, apply: (known) => (known ? { ...known, ...change } : undefined) }
}

function changeOf(name: string, args: Record<string, unknown>): Partial<CaseView> | undefined {
  switch (name) {
    case 'CaseAnswered':
      return { state: 'answered', rebuttalHash: digest(args.rebuttalHash) }
    case 'Held':
      return { releaseAtSec: Number(args.releaseAt) }
    case 'CaseExpired':
      return { state: 'expired' }
    case 'CaseRejected':
      return { state: 'rejected' }
    case 'CaseDrawn':
      return { state: 'drawn' }
    case 'Appealed':
      return { appellant: account(args.appellant), releaseAtSec: Number(args.releaseAt) }
    case 'Settled':
      return { state: 'settled' }
    case 'Refunded':
      return { state: 'refunded' }
    default:
      return undefined
  }
}

export interface CaseBook {
  /** Adds the logs of new blocks, in order. */
  add(logs: readonly Log[]): void
  /** Forgets everything above this block; below `finalTo` it forgets everything, and all must be added again from the first block. */
  rewind(to: bigint): void
  /** Up to this block nothing should be taken back any more: how its cases came to be is held no longer. */
  settle(to: bigint): void
  finalTo(): bigint
  setGas(tx: Hex, gasUsed: bigint): void
  get(faultId: Hex): CaseView | undefined
  list(): CaseView[]
}

/** All cases, folded from events; nothing is kept that the chain does not say, so that blocks can be taken back. */
export function createCaseBook(): CaseBook {
  /** As of the newest final block. */
  const final = new Map<Hex, CaseView>()
  let finalTo = -1n
  /** Of later blocks; read from their logs once. */
  let steps: (Step & { blockNumber: bigint; tx: Hex })[] = []
  let cases = new Map<Hex, CaseView>()
  /** By transaction of a later block; what is final has it in its case. */
  const gas = new Map<Hex, bigint>()

  function fold(fresh: readonly Step[], into: Map<Hex, CaseView>): void {
    for (const { faultId, apply } of fresh) {
      const next = apply(into.get(faultId))
      if (next) into.set(faultId, next)
    }
  }

  const view = (one: CaseView): CaseView => {
    const used = gas.get(one.tx)
    return used === undefined ? { ...one } : { ...one, gasUsed: used }
  }

  return {
    add(logs) {
      const fresh = logs.flatMap((log) => {
        const step = stepOf(log)
        return step ? [{ ...step, blockNumber: log.blockNumber, tx: log.tx }] : []
      })
      steps.push(...fresh)
      fold(fresh, cases)
    },
    rewind(to) {
      // A transaction that comes again in another block is read again.
      for (const { blockNumber, tx } of steps) if (to < finalTo || blockNumber > to) gas.delete(tx)
      steps = to < finalTo ? [] : steps.filter(({ blockNumber }) => blockNumber <= to)
      if (to < finalTo) {
        final.clear()
        finalTo = -1n
      }
      cases = new Map(final)
      fold(steps, cases)
    },
    settle(to) {
      if (to <= finalTo) return
      finalTo = to
      const settled = steps.filter(({ blockNumber }) => blockNumber <= to)
      if (settled.length === 0) return
      fold(settled, final)
      steps = steps.filter(({ blockNumber }) => blockNumber > to)
      const moving = new Set(steps.map(({ faultId }) => faultId))
      for (const faultId of new Set(settled.map((step) => step.faultId))) {
        const [one, now] = [final.get(faultId), cases.get(faultId)]
        if (!one || !now) continue
        const whole = view(one)
        final.set(faultId, whole)
        // One object for both, where nothing came later: there are as many cases as there ever were.
        cases.set(faultId, moving.has(faultId) ? view(now) : whole)
      }
      for (const { tx } of settled) gas.delete(tx)
    },
    finalTo: () => finalTo,
    setGas: (tx, gasUsed) => void gas.set(tx, gasUsed),
    get: (faultId) => {
      const known = cases.get(faultId)
      return known && view(known)
    },
    list: () => [...cases.values()].map(view),
  }
}

/** Transactions among these logs that convicted somebody: what they cost is told with the case. */
export function convictingTransactions(logs: readonly Log[]): Hex[] {
  return [...new Set(logs.filter((log) => stepOf(log)?.apply(undefined)?.state === 'convicted').map((log) => log.tx))]
}

/** Amount that a transaction's logs say was taken for this fault. */
export function amountTaken(logs: readonly Log[], verifier: Hex, faultId: Hex): bigint | undefined {
  for (const log of logs) {
    if (log.address !== verifier) continue
    const step = stepOf(log)
    const after = step?.faultId === faultId ? step.apply(undefined) : undefined
    if (after?.amount !== undefined) return after.amount
  }
  return undefined
}
