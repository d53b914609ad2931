import { Level } from 'level'
import type { StatementKind } from '../../proofs/codec.ts'
import { bytesToHex, hexToBytes } from '../../proofs/signature.ts'
import type { Hex } from '../../proofs/types.ts'
import type { Clock } from '../base/clock.ts'
import { type FishermanError, messageOf } from '../base/errors.ts'
import { type Entry, type EntryKind, encodeEntry, entryHash, type Json, NO_ENTRY } from './entry.ts'
import { damaged, logError, openError } from './errors.ts'
import { consistencyPath, createEdge, type Edge, inclusionPath, loadEdge, type PutNode, rangeRoot } from './tree.ts'

/** Layout of the database; a newer one is refused, an older one is migrated one step at a time. */
const SCHEMA = 2
/** Entries whose nodes a migration writes at a time. */
const MIGRATE_BATCH = 1_000
/** Entries checked when the log is opened. All of them are checked by `verify`. */
const CHECK_AT_OPEN = 64
const OTHER_TREE = 'the tree over the entries is not the one that the head names'

export interface LogHead {
  size: number
  /** Hash of the last entry. */
  hash: Hex
  /** Root of the RFC 6962 tree over all entries: who keeps it can be shown later that history was not rewritten. */
  root: Hex
}

export interface StoredStatement {
  seq: bigint
  kind: StatementKind
  bytes: Uint8Array
}

/**
 * Append-only, numbered, hash-chained entries in LevelDB. LevelDB returns wrong bytes without an error after bit rot and loses the tail of
 * its journal silently, so each entry holds the hash of the one before and is checked on every read.
 */
export interface ProofLog {
  /** Resolves when the entry is synced to disk; callers act only then. */
  append(kind: EntryKind, payload: Json): Promise<Entry>
  /** Records a statement once; undefined when its id is known already. */
  appendStatement(direction: 'sent' | 'received', kind: StatementKind, id: Hex, bytes: Uint8Array): Promise<Entry | undefined>
  read(seq: number): Promise<Entry>
  entries(from?: number): AsyncGenerator<Entry>
  head(): LogHead
  /** Walks the chain, and from 0 builds the tree anew; names the first bad entry. */
  verify(from?: number, options?: { onEntry?: (seq: number) => void }): Promise<Verified>
  /** Root of the tree over the first `size` entries. */
  rootAt(size: number): Promise<Hex>
  /** Path from entry `seq` to the root over the first `size` entries (default: all). */
  proveInclusion(seq: number, size?: number): Promise<Hex[]>
  /** Shows that the log of `size` entries begins with the log of `oldSize` entries. */
  proveConsistency(oldSize: number, size?: number): Promise<Hex[]>
  hasStatement(id: Hex): boolean
  /** Statements numbered above `cursor`, oldest first; numbers start at 1, so that 0 asks for all. */
  statementsSince(cursor: bigint, limit: number): Promise<StoredStatement[]>
  close(): Promise<void>
}

export type Verified = { ok: true; size: number } | { ok: false; firstBad: number; reason: string }

export interface ProofLogInit {
  folder: string
  /** Chain id, anchor and own address: a log never mixes two identities. Without one an existing log is opened to be looked at. */
  identity?: string
}

interface Pending {
  kind: EntryKind
  payload: Json
  statementId?: Hex
  resolve(entry: Entry): void
  reject(error: unknown): void
}

const key = (seq: number | bigint) => seq.toString(16).padStart(14, '0')

export async function openProofLog(init: ProofLogInit, deps: { clock: Clock }): Promise<ProofLog> {
  const db = new Level<string, string>(init.folder)
  await db.open({ createIfMissing: init.identity !== undefined }).catch((cause: unknown) => {
    throw openError(init.folder, cause)
  })
  const entries = db.sublevel<string, string>('entry', {})
  const statements = db.sublevel<string, string>('statement', {})
  const meta = db.sublevel<string, string>('meta', {})
  const nodes = db.sublevel<string, Uint8Array>('node', { valueEncoding: 'view' })
  let edge: Edge = createEdge()
  const head = await loadHead().catch(async (error: unknown) => {
    await db.close()
    throw error
  })
  const ids = new Set<Hex>()
  for await (const id of statements.values()) ids.add(id as Hex)
  let pending: Pending[] = []
  let flushing: Promise<void> | undefined
  let broken: unknown

  async function loadHead(): Promise<LogHead> {
    const schema = await meta.get('schema')
    const identity = await meta.get('identity')
    if (schema === undefined) {
      if (init.identity === undefined) throw logError('log-empty', `${init.folder} holds no proof log`)
      await meta.batch([
        { type: 'put', key: 'schema', value: String(SCHEMA) },
        { type: 'put', key: 'identity', value: init.identity },
      ])
      return { size: 0, hash: NO_ENTRY, root: edge.root() }
    }
    if (Number(schema) > SCHEMA || !(Number(schema) >= 1))
      throw logError(
        'log-schema',
        `the proof log ${init.folder} has layout ${schema}, this program knows ${SCHEMA}; use the newer program`,
      )
    if (init.identity !== undefined && identity !== init.identity)
      throw logError(
        'log-identity',
        `the proof log ${init.folder} belongs to ${identity}, not to ${init.identity}; use another data folder`,
      )
    const stored = await meta.get('head')
    const empty = { size: 0, hash: NO_ENTRY, root: edge.root() }
    const loaded = stored === undefined ? empty : (JSON.parse(stored) as LogHead)
    await checkTail(loaded)
    if (Number(schema) === 1) return await addTree(loaded)
    edge = await loadEdge(loaded.size, getNode)
    if (edge.root() !== loaded.root) throw damaged(init.folder, Math.max(0, loaded.size - 1), OTHER_TREE)
    return loaded
  }

  /** From layout 1, which had no tree. Nodes follow from entries, so an interrupted migration is simply done again. */
  async function addTree(loaded: LogHead): Promise<LogHead> {
    const grown = createEdge()
    let batch = db.batch()
    const result = await walk(0, loaded, (hash) => {
      grown.add(hash, putIn(batch))
      if (grown.size % MIGRATE_BATCH !== 0) return undefined
      const full = batch
      batch = db.batch()
      return full.write()
    })
    if (!result.ok) throw damaged(init.folder, result.firstBad, result.reason)
    const migrated = { ...loaded, root: grown.root() }
    batch.put('head', JSON.stringify(migrated), { sublevel: meta })
    batch.put('schema', String(SCHEMA), { sublevel: meta })
    await batch.write({ sync: true } as object)
    edge = grown
    return migrated
  }

  function putIn(batch: ReturnType<typeof db.batch>): PutNode {
    return (level, index, node) => void batch.put(nodeKey(level, index), hexToBytes(node), { sublevel: nodes })
  }

  async function getNode(level: number, index: number): Promise<Hex> {
    const bytes = await nodes.get(nodeKey(level, index))
    if (bytes?.length !== 32) throw damaged(init.folder, index * 2 ** level, 'a node of the tree is missing')
    return bytesToHex(bytes)
  }

  async function checkTail(loaded: LogHead): Promise<void> {
    const from = Math.max(0, loaded.size - CHECK_AT_OPEN)
    const result = await walk(from, loaded)
    if (!result.ok) throw damaged(init.folder, result.firstBad, result.reason)
    // A lost head would hide entries: the one after the head must not exist.
    if ((await entries.get(key(loaded.size))) !== undefined)
      throw logError(
        'log-damaged',
        `the proof log ${init.folder} has entries behind its head ${loaded.size}; nothing will be signed with it`,
      )
  }

  async function walk(
    from: number,
    to: LogHead,
    each?: (hash: Hex, seq: number) => Promise<void> | undefined,
  ): Promise<Verified> {
    let seq = from
    let prev: Hex | undefined = from === 0 ? NO_ENTRY : undefined
    for await (const [at, text] of entries.iterator({ gte: key(from), lt: key(to.size) })) {
      if (at !== key(seq)) return { ok: false, firstBad: seq, reason: 'missing' }
      const entry = parse(text)
      if (!entry || entry.seq !== seq) return { ok: false, firstBad: seq, reason: 'unreadable' }
      if (prev !== undefined && entry.prev !== prev)
        return { ok: false, firstBad: seq, reason: 'does not follow the entry before' }
      prev = entryHash(text)
      const waits = each?.(prev, seq)
      if (waits) await waits
      seq++
    }
    if (seq !== to.size) return { ok: false, firstBad: seq, reason: 'missing' }
    if (prev !== undefined && to.size > 0 && prev !== to.hash)
      return { ok: false, firstBad: to.size - 1, reason: 'is not the one that the head names' }
    return { ok: true, size: to.size }
  }

  // Group commit: whatever came while the last batch was written goes into the next one, with a single sync for all.
  async function flush(): Promise<void> {
    while (pending.length > 0) {
      const group = pending
      pending = []
      const batch = db.batch()
      const done: Entry[] = []
      let { hash } = head
      const grown = edge.copy()
      for (const item of group) {
        const seq = grown.size
        const entry: Entry = { seq, prev: hash, at: deps.clock.nowMs(), kind: item.kind, payload: item.payload }
        const text = encodeEntry(entry)
        batch.put(key(seq), text, { sublevel: entries })
        if (item.statementId) batch.put(key(seq), item.statementId, { sublevel: statements })
        hash = entryHash(text)
        grown.add(hash, putIn(batch))
        done.push(entry)
      }
      const next: LogHead = { size: grown.size, hash, root: grown.root() }
      batch.put('head', JSON.stringify(next), { sublevel: meta })
      try {
        await batch.write({ sync: true } as object)
      } catch (cause) {
        // Half a group must never be acknowledged: stop writing altogether.
        broken = logError(
          'log-write',
          `cannot write the proof log ${init.folder} (${messageOf(cause)}); free some space and start again`,
          cause,
        )
        for (const item of [...group, ...pending]) item.reject(broken)
        pending = []
        return
      }
      Object.assign(head, next)
      edge = grown
      group.forEach((item, i) => {
        item.resolve(done[i] as Entry)
      })
    }
  }

  function append(kind: EntryKind, payload: Json, statementId?: Hex): Promise<Entry> {
    if (broken) return Promise.reject(broken)
    return new Promise((resolve, reject) => {
      pending.push({ kind, payload, resolve, reject, ...(statementId ? { statementId } : {}) })
      kick()
    })
  }

  function kick(): void {
    flushing ??= flush().finally(() => {
      flushing = undefined
      // Whoever was woken by this flush may have appended before it ended.
      if (pending.length > 0) kick()
    })
  }

  function missing(seq: number): FishermanError {
    return logError('log-missing', `the proof log has no entry ${seq}; it has ${head.size}, numbered from 0`)
  }

  function sizeWithin(size: number): number {
    if (Number.isInteger(size) && size >= 0 && size <= head.size) return size
    throw logError('log-missing', `the proof log has ${head.size} entries, not ${size}`)
  }

  async function read(seq: number): Promise<Entry> {
    const text = await entries.get(key(seq))
    if (text === undefined) throw missing(seq)
    const entry = parse(text)
    const next = seq + 1 === head.size ? undefined : await entries.get(key(seq + 1))
    const expected = seq + 1 === head.size ? head.hash : next && parse(next)?.prev
    if (!entry || entryHash(text) !== expected)
      throw logError('log-damaged', `entry ${seq} of the proof log is damaged; nothing more will be signed with it`)
    return entry
  }

  return {
    append,
    async appendStatement(direction, kind, id, bytes) {
      if (ids.has(id)) return undefined
      ids.add(id)
      return await append(
        direction === 'sent' ? 'statement-sent' : 'statement-received',
        { kind, id, bytes: bytesToHex(bytes) },
        id,
      )
    },
    read,
    async *entries(from = 0) {
      for (let seq = from; seq < head.size; seq++) yield await read(seq)
    },
    head: () => ({ ...head }),
    async verify(from = 0, { onEntry } = {}) {
      const [to, built] = [{ ...head }, createEdge()]
      const result = await walk(from, to, (hash, seq) => {
        if (from === 0) built.add(hash, () => undefined)
        onEntry?.(seq)
        return undefined
      })
      if (!result.ok || from > 0 || built.root() === to.root) return result
      return { ok: false, firstBad: to.size - 1, reason: OTHER_TREE }
    },
    rootAt: (size) => rangeRoot(0, sizeWithin(size), getNode),
    proveInclusion(seq, size = head.size) {
      if (!Number.isInteger(seq) || seq < 0 || seq >= sizeWithin(size)) throw missing(seq)
      return inclusionPath(seq, size, getNode)
    },
    proveConsistency: (oldSize, size = head.size) => consistencyPath(Math.min(oldSize, sizeWithin(size)), size, getNode),
    hasStatement: (id) => ids.has(id),
    async statementsSince(cursor, limit) {
      const found: StoredStatement[] = []
      for await (const seq of statements.keys({ gte: key(cursor), limit })) {
        const { payload } = await read(Number.parseInt(seq, 16))
        const { kind, bytes } = payload as { kind: StatementKind; bytes: Hex }
        found.push({ seq: BigInt(`0x${seq}`) + 1n, kind, bytes: hexToBytes(bytes) })
      }
      return found
    },
    async close() {
      while (flushing) await flushing
      await db.close()
    },
  }
}

function nodeKey(level: number, index: number): string {
  return `${level.toString(16).padStart(2, '0')}/${key(index)}`
}

function parse(text: string): Entry | undefined {
  try {
    return JSON.parse(text) as Entry
  } catch {
    return undefined
  }
}
