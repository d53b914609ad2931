import { digestOf, windowLeaf } from '../../proofs/digest.ts'
import { structToJson } from '../../proofs/json.ts'
import { merkleTree } from '../../proofs/merkle.ts'
import {
  type Hex,
  LIMITS,
  type Profile,
  type Rendition,
  type TranscodeOrder,
  type TranscodeReceipt,
  type WindowRoot,
} from '../../proofs/types.ts'
import type { Signer } from '../attest/keys.ts'
import { sleep } from '../base/clock.ts'
import type { Ledger } from '../feed/ledger.ts'
import type { SignedWindow } from '../feed/routes.ts'
import { refusal } from './orders.ts'

/** A receipt and all that a feed publishes with it. */
export interface Issued {
  digest: Hex
  windowId: bigint
  receipt: TranscodeReceipt
  sig: Hex
  order: TranscodeOrder
  orderSig: Hex
  profiles: readonly Profile[]
  renditions: readonly Rendition[]
}

export type ReceiptDraft = Omit<Issued, 'digest' | 'windowId' | 'sig' | 'receipt'> & {
  receipt: Omit<TranscodeReceipt, 'completedAt' | 'round'>
}

/** Receipts by the window of their `completedAt`. A window is signed once, after it is over, and no receipt ever lands in a closed one. */
export interface ReceiptWindows {
  /** Stamps the receipt with the chain's time and round, signs it and puts it into the open window. */
  issue(draft: ReceiptDraft, signal: AbortSignal): Promise<Issued>
  /** Signs the roots of windows that are over. */
  closeDue(): Promise<void>
  /** Signed windows after this id, oldest first. */
  after(id: bigint, limit: number): SignedWindow[]
  /** Receipts of a closed window, sorted by digest. */
  receipts(id: bigint): readonly Issued[] | 'open' | 'gone' | 'unknown'
  /** Forgets the oldest window and returns its receipts. */
  dropOldest(): Issued[] | undefined
  size(): number
}

/** One line of the feed. */
export function lineOf(issued: Issued, signer: Hex): object {
  return {
    windowId: String(issued.windowId),
    order: structToJson('TranscodeOrder', issued.order),
    orderSig: issued.orderSig,
    receipt: structToJson('TranscodeReceipt', issued.receipt),
    sig: issued.sig,
    signer,
    profiles: issued.profiles.map((profile) => structToJson('Profile', profile)),
    renditions: issued.renditions.map((rendition) => structToJson('Rendition', rendition)),
  }
}

export function createWindows(deps: { ledger: Ledger; signer: Signer }): ReceiptWindows {
  const { ledger, signer } = deps
  const seconds = BigInt(ledger.windowSeconds)
  const current = () => ledger.now() / seconds
  // What an earlier process signed for the window that runs now is not known here, so that window is left out: two roots are a fault.
  const first = current() + 1n
  let next = first
  const closed = new Map<bigint, { signed: SignedWindow; list: Issued[] }>()
  const open = new Map<bigint, Issued[]>()
  let oldest = first
  // Signing waits, and a window must not close between the stamp of a receipt and its place in the list: one at a time.
  let turn: Promise<unknown> = Promise.resolve()
  const exclusive = <T>(task: () => Promise<T>): Promise<T> => {
    const result = turn.then(task)
    turn = result.catch(() => undefined)
    return result
  }

  const close = async (windowId: bigint): Promise<void> => {
    const list = (open.get(windowId) ?? []).sort((a, b) => (a.digest < b.digest ? -1 : 1))
    const window: WindowRoot = {
      transcoder: signer.address,
      windowId,
      root: merkleTree(list.map((issued, index) => windowLeaf(index, issued.digest))).root,
      count: list.length,
      closedAt: (windowId + 1n) * seconds,
    }
    const sig = await signer.signStruct(ledger.domain, 'WindowRoot', window)
    closed.set(windowId, { signed: { window, sig }, list })
    open.delete(windowId)
    next = windowId + 1n
  }
  const closeAll = async () => {
    while (next < current()) await close(next)
  }

  return {
    async issue(draft, signal) {
      while (current() < first) await sleep(100, signal)
      return exclusive(async () => {
        await closeAll()
        const receipt: TranscodeReceipt = { ...draft.receipt, completedAt: ledger.now(), round: ledger.round() }
        const windowId = receipt.completedAt / seconds
        const list = open.get(windowId) ?? []
        if (list.length >= LIMITS.windowReceipts)
          throw refusal('window-full', 'this window is full; send the segment again later')
        const issued: Issued = {
          ...draft,
          receipt,
          windowId,
          digest: digestOf(ledger.domain, 'TranscodeReceipt', receipt),
          sig: await signer.signStruct(ledger.domain, 'TranscodeReceipt', receipt),
        }
        list.push(issued)
        open.set(windowId, list)
        return issued
      })
    },
    closeDue: () => exclusive(closeAll),
    after: (id, limit) => {
      const found: SignedWindow[] = []
      for (let at = id + 1n > oldest ? id + 1n : oldest; at < next && found.length < limit; at++) {
        const entry = closed.get(at)
        if (entry) found.push(entry.signed)
      }
      return found
    },
    receipts(id) {
      if (id >= next) return id <= current() ? 'open' : 'unknown'
      return closed.get(id)?.list ?? (id < first ? 'unknown' : 'gone')
    },
    dropOldest() {
      if (oldest >= next) return undefined
      const list = closed.get(oldest)?.list ?? []
      closed.delete(oldest++)
      return list
    },
    size: () => closed.size,
  }
}
