import type { StatementKind } from '../../proofs/codec.ts'
import { bytesToHex, hexToBytes } from '../../proofs/signature.ts'
import type { Hex } from '../../proofs/types.ts'
import type { Clock } from '../base/clock.ts'
import { type FishermanError, isFishermanError } from '../base/errors.ts'
import { decodeStored, type Entry, type EntryKind, type Json, type LogHead } from './entry.ts'
import { damaged, logError, readError } from './errors.ts'
import { findNewest, hasId, type Query, statementsOf } from './indexes.ts'
import { loadState } from './load.ts'
import { type Pruned, type PruneRule, pruneStore } from './prune.ts'
import { nodesOf, numberKey, numberOfKey, openStore } from './store.ts'
import { consistencyPath, inclusionPath, rangeRoot } from './tree.ts'
import { type Verified, verifyStore, walk } from './walk.ts'
import { createWriter } from './writer.ts'

export type { LogHead } from './entry.ts'
export type { Query } from './indexes.ts'
export type { Pruned, PruneRule } from './prune.ts'
export type { Verified } from './walk.ts'

export interface StoredStatement {
  seq: bigint
  kind: StatementKind
  bytes: Uint8Array
}

/** What a statement is about, so that its entry can be found by it. */
export interface About {
  transcoder?: Hex
  faultId?: Hex
}

/**
 * Append-only, numbered, hash-chained entries in LevelDB. LevelDB returns wrong bytes without an error after bit rot and loses the tail of
 * its journal silently, so each entry holds the hash of the one before and is checked on every read.
 */
export interface ProofLog {
  /** Resolves when the entry is synced to disk; callers act only then. */
  append(kind: EntryKind, payload: Json): Promise<Entry>
  /** Records a statement once; undefined when its id is known already. */
  appendStatement(
    direction: 'sent' | 'received',
    kind: StatementKind,
    id: Hex,
    bytes: Uint8Array,
    about?: About,
  ): Promise<Entry | undefined>
  read(seq: number): Promise<Entry>
  /** All entries that were not pruned, oldest first, as they were when it was called. */
  entries(from?: number): AsyncGenerator<Entry>
  /** Entries that fit, oldest first. */
  find(query: Query): Promise<Entry[]>
  head(): LogHead
  /** Why nothing can be written or trusted, in one sentence; undefined when all is well. */
  trouble(): string | undefined
  /** After a failed write: looks whether there is space again. True when writing works. */
  recover(): Promise<boolean>
  /** Walks the chain, and from 0 builds the tree anew; names the first bad entry. */
  verify(from?: number, options?: { onEntry?: (seq: number) => void }): Promise<Verified>
  /** Replaces what `rule` gives up by its hash. Heads and proofs stay as they are. */
  prune(rule: PruneRule): Promise<Pruned>
  /** Root of the tree over the first `size` entries. */
  rootAt(size: number): Promise<Hex>
  /** Path from entry `seq` to the root over the first `size` entries (default: all). */
  proveInclusion(seq: number, size?: number): Promise<Hex[]>
  /** Shows that the log of `size` entries begins with the log of `oldSize` entries. */
  proveConsistency(oldSize: number, size?: number): Promise<Hex[]>
  hasStatement(id: Hex): Promise<boolean>
  /** Statements numbered above `cursor`, oldest first; numbers start at 1, so that 0 asks for all. */
  statementsSince(cursor: bigint, limit: number): Promise<StoredStatement[]>
  /** The same of some kinds only, without a look at the others. */
  statementsOfKinds(kinds: readonly StatementKind[], cursor: bigint, limit: number): Promise<StoredStatement[]>
  /** The newest statement. */
  lastStatement(): Promise<StoredStatement | undefined>
  close(): Promise<void>
}

export interface ProofLogInit {
  folder: string
  /** Chain id, anchor and own address: a log never mixes two identities. Without one an existing log is opened to be looked at. */
  identity?: string
  /** Bytes that must be free before writing is tried again after it failed. */
  minFreeBytes?: number
}

export interface ProofLogDeps {
  clock: Clock
  /** Called once when an entry turns out to be damaged. */
  onDamage?: (sentence: string) => void
}

export async function openProofLog(init: ProofLogInit, deps: ProofLogDeps): Promise<ProofLog> {
  const store = await openStore(init.folder, { create: init.identity !== undefined })
  const state = await loadState(store, init.identity).catch(async (error: unknown) => {
    await store.db.close()
    throw readError(init.folder, error)
  })
  const { identity, minFreeBytes } = init
  const writer = createWriter({ store, state, identity, ...(minFreeBytes === undefined ? {} : { minFreeBytes }) }, deps)
  /** Statements that are being written: their ids are not on disk yet. */
  const writing = new Set<Hex>()
  const getNode = (level: number, index: number) => nodesOf(writer.store)(level, index)

  async function statement(seq: number): Promise<StoredStatement> {
    const { payload } = await read(seq)
    const { kind, bytes } = payload as { kind: StatementKind; bytes: Hex }
    return { seq: BigInt(seq) + 1n, kind, bytes: hexToBytes(bytes) }
  }

  function missing(seq: number): FishermanError {
    return logError('log-missing', `the proof log has no entry ${seq}; it has ${writer.head.size}, numbered from 0`)
  }

  function sizeWithin(size: number): number {
    if (Number.isInteger(size) && size >= 0 && size <= writer.head.size) return size
    throw logError('log-missing', `the proof log has ${writer.head.size} entries, not ${size}`)
  }

  /** LevelDB found its own files wrong. */
  function unreadable(cause: unknown): never {
    const error = readError(init.folder, cause)
    if (isFishermanError(error) && error.code === 'log-damaged') stopFor(error)
    throw error
  }

  function noteDamage(seq: number, reason: string): FishermanError {
    const error = damaged(init.folder, seq, reason)
    stopFor(error)
    return error
  }

  function stopFor(error: FishermanError): void {
    if (writer.fail(error)) deps.onDamage?.(error.message)
  }

  /** Undefined for one that was pruned. */
  async function readStored(seq: number): Promise<Entry | undefined> {
    const [text, next] = await writer.store.entries.getMany([numberKey(seq), numberKey(seq + 1)]).catch(unreadable)
    if (text === undefined && (seq >= writer.head.size || !Number.isInteger(seq) || seq < 0)) throw missing(seq)
    const stored = text === undefined ? undefined : decodeStored(text)
    if (stored?.seq !== seq) throw noteDamage(seq, text === undefined ? 'missing' : 'unreadable')
    const { hash, entry } = stored
    const after = next === undefined ? undefined : decodeStored(next)?.entry
    // Who follows it names its hash; so does the tree, where what follows was pruned.
    const expected = after?.prev ?? (seq + 1 === writer.head.size ? writer.head.hash : await getNode(0, seq))
    if (expected !== hash) throw noteDamage(seq, 'not what the log names at its place')
    return entry
  }

  async function read(seq: number): Promise<Entry> {
    const entry = await readStored(seq)
    if (entry) return entry
    throw logError('log-pruned', `entry ${seq} of the proof log was pruned; its hash still proves its place`)
  }

  async function* entries(from = 0): AsyncGenerator<Entry> {
    const to = { ...writer.head }
    let held: Entry[] = []
    // In pages, so that a long walk neither holds an old view of the database open nor all of the log in memory.
    for (let start = from; start < to.size; start += PAGE) {
      const end = Math.min(to.size, start + PAGE)
      held = []
      const result = await writer.reading(async () => {
        const upTo = end === to.size ? to : { size: end, hash: await getNode(0, end - 1), root: to.root }
        return await walk(writer.store, start, upTo, ({ entry }) => {
          if (entry) held.push(entry)
          return undefined
        }).catch(unreadable)
      })
      if (!result.ok) throw noteDamage(result.firstBad, result.reason)
      yield* held
    }
  }

  return {
    append: (kind, payload) => writer.append({ kind, payload }),
    async appendStatement(direction, kind, id, bytes, about = {}) {
      if (writing.has(id)) return undefined
      writing.add(id)
      try {
        if (await writer.reading(() => hasId(writer.store, id))) return undefined
        const payload = { kind, id, bytes: bytesToHex(bytes), ...about }
        return await writer.append({
          kind: direction === 'sent' ? 'statement-sent' : 'statement-received',
          payload,
          statementId: id,
        })
      } finally {
        writing.delete(id)
      }
    },
    read: (seq) => writer.reading(() => read(seq)),
    entries,
    find: (query) =>
      writer.reading(async () => {
        const found: Entry[] = []
        const below = Math.min(writer.head.size, query.below ?? writer.head.size)
        for await (const entry of findNewest(writer.store, query, below, readStored)) found.push(entry)
        return found.reverse()
      }),
    head: () => ({ ...writer.head }),
    trouble: writer.trouble,
    recover: writer.recover,
    verify: (from = 0, { onEntry } = {}) =>
      writer.reading(() => verifyStore(writer.store, from, { ...writer.head }, onEntry)).catch(unreadable),
    async prune(rule) {
      const pruned = await writer.reading(() => pruneStore(writer.store, { ...writer.head }, rule))
      if (pruned.entries > 0) await writer.append({ kind: 'prune', payload: { beforeMs: rule.beforeMs, ...pruned } })
      return pruned
    },
    rootAt: (size) => writer.reading(() => rangeRoot(0, sizeWithin(size), getNode)),
    proveInclusion(seq, size = writer.head.size) {
      if (!Number.isInteger(seq) || seq < 0 || seq >= sizeWithin(size)) throw missing(seq)
      return writer.reading(() => inclusionPath(seq, size, getNode))
    },
    proveConsistency: (oldSize, size = writer.head.size) =>
      writer.reading(() => consistencyPath(Math.min(oldSize, sizeWithin(size)), size, getNode)),
    hasStatement: async (id) => writing.has(id) || (await writer.reading(() => hasId(writer.store, id))),
    statementsSince: (cursor, limit) =>
      writer.reading(async () => {
        const found: StoredStatement[] = []
        for await (const seq of writer.store.statements.keys({ gte: numberKey(cursor), limit }))
          found.push(await statement(numberOfKey(seq)))
        return found
      }),
    statementsOfKinds: (kinds, cursor, limit) =>
      writer.reading(async () => {
        const found: StoredStatement[] = []
        for (const seq of await statementsOf(writer.store, kinds, cursor, limit)) found.push(await statement(seq))
        return found
      }),
    lastStatement: () =>
      writer.reading(async () => {
        for await (const seq of writer.store.statements.keys({ reverse: true, limit: 1 }))
          return await statement(numberOfKey(seq))
        return undefined
      }),
    close: writer.close,
  }
}

/** Entries read at a time by a walk over all of them. */
const PAGE = 1_000
