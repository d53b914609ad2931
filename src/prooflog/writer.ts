import { statfs } from 'node:fs/promises'
import type { Hex } from '../../proofs/types.ts'
import type { Clock } from '../base/clock.ts'
import { type FishermanError, messageOf } from '../base/errors.ts'
import { type Entry, type EntryKind, encodeEntry, entryHash, type Json, type LogHead } from './entry.ts'
import { damaged, logError } from './errors.ts'
import { putIndexes } from './indexes.ts'
import { type LogState, loadState } from './load.ts'
import { createReaders, type Readers } from './readers.ts'
import { numberKey, openStore, putHead, putNodeIn, putStatement, type Store, SYNCED } from './store.ts'

/** Bytes that must be free before a full disk is tried again: LevelDB opens with a new journal and compacts. */
const MIN_FREE_BYTES = 16 * 1024 * 1024

export interface NewEntry {
  kind: EntryKind
  payload: Json
  statementId?: Hex
}

/** The one who writes to a log: many callers, one batch and one sync at a time. */
export interface Writer {
  readonly store: Store
  readonly head: LogHead
  /** Resolves when the entry is synced to disk. */
  append(entry: NewEntry): Promise<Entry>
  /** Why nothing can be written now, in one sentence. */
  trouble(): string | undefined
  /** Nothing is ever written again: what lies there cannot be trusted. False when that was known. */
  fail(error: FishermanError): boolean
  /** After a failed write: opens the database anew where there is space again, while nobody reads. True when writing works. */
  recover(): Promise<boolean>
  /** Reads of the store go through here: those that come while it is opened anew wait for it. */
  reading: Readers['run']
  close(): Promise<void>
}

interface Pending extends NewEntry {
  resolve(entry: Entry): void
  reject(error: unknown): void
}

export interface WriterInit {
  store: Store
  state: LogState
  identity: string | undefined
  minFreeBytes?: number
}

export function createWriter(init: WriterInit, deps: { clock: Clock }): Writer {
  let { store } = init
  let state = init.state
  const readers = createReaders()
  let pending: Pending[] = []
  let flushing: Promise<void> | undefined
  let recovering: Promise<boolean> | undefined
  /** A write that failed may be tried again; damage may not. */
  let failed: FishermanError | undefined
  let damage: FishermanError | undefined

  /** Group commit: whatever came while the last batch was written goes into the next one, with a single sync for all. */
  async function flush(): Promise<void> {
    while (pending.length > 0) {
      const group = pending
      pending = []
      const { batch, next, done } = batchOf(group)
      try {
        await batch.write(SYNCED)
      } catch (cause) {
        // Half a group must never be acknowledged: nothing is written until the end of the log was looked at again.
        failed = logError(
          'log-write',
          `cannot write the proof log ${store.folder} (${messageOf(cause)}); free some space, it goes on by itself then`,
          cause,
        )
        for (const item of [...group, ...pending]) item.reject(failed)
        pending = []
        return
      }
      state = next
      group.forEach((item, i) => {
        item.resolve(done[i] as Entry)
      })
    }
  }

  function batchOf(group: readonly Pending[]): { batch: ReturnType<Store['db']['batch']>; next: LogState; done: Entry[] } {
    const batch = store.db.batch()
    const edge = state.edge.copy()
    const hand = state.hand.copy()
    let { hash } = state.head
    const done = group.map((item) => {
      const entry: Entry = { seq: edge.size, prev: hash, at: deps.clock.nowMs(), kind: item.kind, payload: item.payload }
      const text = encodeEntry(entry)
      batch.put(numberKey(entry.seq), text, { sublevel: store.entries })
      if (item.statementId) putStatement(batch, store, entry.seq, item.statementId)
      putIndexes(batch, store, entry, hand)
      hash = entryHash(text)
      edge.add(hash, putNodeIn(batch, store))
      return entry
    })
    const head: LogHead = { size: edge.size, hash, root: edge.root() }
    putHead(batch, store, head)
    return { batch, next: { head, edge, hand }, done }
  }

  function kick(): void {
    flushing ??= flush().finally(() => {
      flushing = undefined
      // Whoever was woken by this flush may have appended before it ended.
      if (pending.length > 0) kick()
    })
  }

  async function reopen(): Promise<boolean> {
    const free = await statfs(store.folder).then(({ bavail, bsize }) => bavail * bsize)
    if (free < (init.minFreeBytes ?? MIN_FREE_BYTES)) return false
    while (flushing) await flushing
    const openAgain = await readers.shut()
    return await anew().finally(openAgain)
  }

  async function anew(): Promise<boolean> {
    const acknowledged = state.head
    await store.db.close()
    store = await openStore(store.folder, { create: false })
    const found = await loadState(store, init.identity)
    // A batch whose sync failed may lie there whole: more than was acknowledged is allowed, less or other is not.
    const held = found.head.size === acknowledged.size ? found.head.hash : await hashBehind(store, acknowledged.size)
    if (found.head.size < acknowledged.size || (acknowledged.size > 0 && held !== acknowledged.hash))
      throw damaged(store.folder, Math.min(found.head.size, acknowledged.size), 'what was acknowledged is not there any more')
    state = found
    return true
  }

  async function recover(): Promise<boolean> {
    if (damage) return false
    if (!failed) return true
    recovering ??= reopen()
      .catch((error: unknown) => {
        if ((error as { code?: string }).code === 'log-damaged') damage = error as FishermanError
        return false
      })
      .finally(() => {
        recovering = undefined
      })
    if (await recovering) failed = undefined
    return failed === undefined
  }

  return {
    get store() {
      return store
    },
    get head() {
      return state.head
    },
    append(entry) {
      const error = damage ?? failed
      if (error) return Promise.reject(error)
      return new Promise((resolve, reject) => {
        pending.push({ ...entry, resolve, reject })
        kick()
      })
    },
    trouble: () => (damage ?? failed)?.message,
    fail(error) {
      const isNew = damage === undefined
      damage ??= error
      return isNew
    },
    recover,
    reading: readers.run,
    async close() {
      while (flushing) await flushing
      await recovering
      await store.db.close()
    },
  }
}

/** Hash of the last of the first `size` entries, as the entry after it names it. */
async function hashBehind(store: Store, size: number): Promise<Hex | undefined> {
  const text = await store.entries.get(numberKey(size))
  return text === undefined ? undefined : (JSON.parse(text) as Entry).prev
}
