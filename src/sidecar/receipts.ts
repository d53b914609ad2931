import { open, readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { digestOf, windowLeaf } from '../../proofs/digest.ts'
import { readHex, structFromJson, structToJson } from '../../proofs/json.ts'
import { merkleTree } from '../../proofs/merkle.ts'
import { type Hex, LIMITS, type TranscodeReceipt, type WindowRoot } from '../../proofs/types.ts'
import type { Guard } from '../attest/guard.ts'
import type { Signer } from '../attest/keys.ts'
import { FishermanError } from '../base/errors.ts'
import { writeWholeFile } from '../base/whole-file.ts'
import type { Ledger } from '../feed/ledger.ts'
import type { PublishedWindows, SignedWindow } from '../feed/routes.ts'

/** A receipt before its time is stamped, and the rest of its line. */
export interface Draft {
  receipt: Omit<TranscodeReceipt, 'completedAt' | 'round'>
  /** What is published beside it: segData, profiles, renditions. */
  line: object
}

/** Receipts and window roots on disk: every one is signed once, whatever happens to this process in between. */
export interface ReceiptBook extends PublishedWindows {
  /** Signs a receipt and writes its line. Throws `guard-refused` for an order that has one. */
  issue(draft: Draft): Promise<{ digest: Hex; windowId: bigint }>
  /** Signs the roots of the windows that are over. */
  closeDue(): Promise<void>
  /** Removes the oldest closed window and hands over its lines. */
  dropOldest(): Promise<readonly object[] | undefined>
  /** Lines of all windows that are kept, oldest first. */
  all(): AsyncGenerator<object>
  /** Id of the oldest window that is kept; undefined where there is none. */
  oldest(): bigint | undefined
  size(): number
}

export interface ReceiptBookInit {
  folder: string
  /** The staked node; `signer` is its own key or the one that it delegated to. */
  transcoder: Hex
  /** Windows after a stop that are still signed, empty: longer ago nobody asks for them. */
  mostGap: bigint
}

const LINES = /^(\d+)\.ndjson$/
const ROOT = /^(\d+)\.root\.json$/

export async function openReceiptBook(
  init: ReceiptBookInit,
  deps: { ledger: Ledger; signer: Signer; guard: Guard },
): Promise<ReceiptBook> {
  const { folder, transcoder } = init
  const { ledger, signer, guard } = deps
  const seconds = BigInt(ledger.windowSeconds)
  const current = () => ledger.now() / seconds
  const linesFile = (id: bigint) => join(folder, `${id}.ndjson`)
  const rootFile = (id: bigint) => join(folder, `${id}.root.json`)
  const closed = new Map<bigint, SignedWindow>()
  const names = await readdir(folder)
  for (const name of names.filter((one) => ROOT.test(one))) {
    const { window, sig } = JSON.parse(await readFile(join(folder, name), 'utf8'))
    const signed = { window: structFromJson('WindowRoot', window), sig: readHex('sig', sig, 65) }
    closed.set(signed.window.windowId, signed)
  }
  const began = names.flatMap((name) => LINES.exec(name)?.[1] ?? []).map(BigInt)
  const known = [...closed.keys(), ...began].sort((a, b) => (a < b ? -1 : 1))
  const last = [...closed.keys()].sort((a, b) => (a < b ? -1 : 1)).at(-1)
  let next = last === undefined ? (began.sort((a, b) => (a < b ? -1 : 1))[0] ?? current()) : last + 1n
  if (next + init.mostGap < current()) next = current() - init.mostGap
  let first = known[0] ?? next
  // A line that a crash cut off must not swallow the next one.
  for (const id of began) {
    const text = await readFile(linesFile(id), 'utf8')
    if (text !== '' && !text.endsWith('\n')) await appendSynced(linesFile(id), '\n')
  }
  let turn: Promise<unknown> = Promise.resolve()
  const inTurn = <T>(task: () => Promise<T>): Promise<T> => {
    const result = turn.then(task)
    turn = result.catch(() => undefined)
    return result
  }

  async function linesOf(id: bigint): Promise<{ digest: Hex; line: object }[]> {
    const text = await readFile(linesFile(id), 'utf8').catch(() => '')
    return text
      .split('\n')
      .filter((line) => line.length > 0)
      .flatMap((text) => {
        // Only the last line can be cut off, by a crash before its receipt was handed out.
        const line = parsed(text)
        if (!line) return []
        const receipt = structFromJson('TranscodeReceipt', (line as { receipt: unknown }).receipt)
        return [{ digest: digestOf(ledger.domain, 'TranscodeReceipt', receipt), line }]
      })
      .sort((a, b) => (a.digest < b.digest ? -1 : 1))
  }

  async function close(windowId: bigint): Promise<void> {
    const lines = await linesOf(windowId)
    const window: WindowRoot = {
      ...{ transcoder, windowId, count: lines.length, closedAt: (windowId + 1n) * seconds },
      root: merkleTree(lines.map(({ digest }, i) => windowLeaf(i, digest))).root,
    }
    const id: Hex = `0x${windowId.toString(16).padStart(64, '0')}`
    await guard.admit({ kind: 'window', id, digest: digestOf(ledger.domain, 'WindowRoot', window) })
    const sig = await signer.signStruct(ledger.domain, 'WindowRoot', window)
    await writeWholeFile(rootFile(windowId), `${JSON.stringify({ window: structToJson('WindowRoot', window), sig })}\n`)
    closed.set(windowId, { window, sig })
    next = windowId + 1n
  }

  async function closeAll(): Promise<void> {
    while (next < current()) await close(next)
  }

  const counts = new Map<bigint, number>()
  return {
    issue: (draft) =>
      inTurn(async () => {
        await closeAll()
        const receipt: TranscodeReceipt = { ...draft.receipt, completedAt: ledger.now(), round: ledger.round() }
        const windowId = receipt.completedAt / seconds
        const count = counts.get(windowId) ?? (await linesOf(windowId)).length
        if (windowId < next || count >= LIMITS.windowReceipts)
          throw new FishermanError({ code: 'window-full', message: 'this window takes no more receipts', blame: 'ours' })
        const digest = digestOf(ledger.domain, 'TranscodeReceipt', receipt)
        await guard.admit({ kind: 'receipt', id: receipt.orderHash, digest })
        const sig = await signer.signStruct(ledger.domain, 'TranscodeReceipt', receipt)
        const line = {
          windowId: String(windowId),
          receipt: structToJson('TranscodeReceipt', receipt),
          ...{ sig, signer: signer.address, ...draft.line },
        }
        await appendSynced(linesFile(windowId), `${JSON.stringify(line)}\n`)
        counts.clear()
        counts.set(windowId, count + 1)
        return { digest, windowId }
      }),
    closeDue: () => inTurn(closeAll),
    after(id, limit) {
      const found: SignedWindow[] = []
      for (let at = id + 1n > first ? id + 1n : first; at < next && found.length < limit; at++) {
        const signed = closed.get(at)
        if (signed) found.push(signed)
      }
      return found
    },
    async lines(id) {
      if (id >= next) return id <= current() ? 'open' : 'unknown'
      if (!closed.has(id)) return id < first ? 'gone' : 'unknown'
      return (await linesOf(id)).map(({ line }) => line)
    },
    dropOldest: () =>
      inTurn(async () => {
        if (first >= next) return undefined
        const id = first
        const lines = (await linesOf(id)).map(({ line }) => line)
        first = id + 1n
        closed.delete(id)
        for (const file of [linesFile(id), rootFile(id)]) await rm(file, { force: true })
        return lines
      }),
    async *all() {
      for (let id = first; id <= current(); id++) for (const { line } of await linesOf(id)) yield line
    },
    oldest: () => (first < next ? first : undefined),
    size: () => closed.size,
  }
}

function parsed(text: string): object | undefined {
  try {
    return JSON.parse(text) as object
  } catch {
    return undefined
  }
}

async function appendSynced(file: string, text: string): Promise<void> {
  const handle = await open(file, 'a', 0o600)
  try {
    await handle.appendFile(text)
    await handle.sync()
  } finally {
    await handle.close()
  }
}
