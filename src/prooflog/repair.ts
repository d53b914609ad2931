import { cp, stat } from 'node:fs/promises'
import { Level } from 'level'
import type { Clock } from '../base/clock.ts'
import { decodeStored, type Entry, encodeEntry, entryHash, type LogHead, NO_ENTRY } from './entry.ts'
import { logError, openError } from './errors.ts'
import { putIndexes } from './indexes.ts'
import { buildIndexes, loadState, readHead } from './load.ts'
import { numberKey, openStore, putHead, putNodeIn, type Store, SYNCED } from './store.ts'
import { createEdge } from './tree.ts'
import { walk } from './walk.ts'

// Repair never invents: it keeps the entries that hold from the first one on, rebuilds what follows from them, says where they end, and
// writes that down. Everything it found, good or bad, stays in the copy that it makes first.

export interface Repaired {
  /** Where the folder as it was lies now. */
  copy: string
  /** Entries that hold; the log goes on from here. */
  kept: number
  /** First number that does not hold, and why; undefined when all of them do. */
  firstGap?: { seq: number; reason: string }
  /** Entries behind the gap that are readable, in the copy only. */
  behind: number
}

const REPAIR_BATCH = 1_000

export async function repairProofLog(folder: string, deps: { clock: Clock; onStep?: (step: string) => void }): Promise<Repaired> {
  const step = deps.onStep ?? (() => undefined)
  if (!(await stat(folder).catch(() => undefined)))
    throw logError('log-empty', `${folder} holds no proof log; name the data folder of a fisherman that has run`)
  // LevelDB's own lock: nobody else may use it meanwhile. A broken database cannot be locked, but nobody can use it either.
  await assertUnlocked(folder)
  const copy = `${folder}.before-repair-${deps.clock.nowMs()}`
  step(`copying to ${copy}`)
  await cp(folder, copy, { recursive: true, errorOnExist: true, force: false })
  step('repairing the database')
  await (Level as unknown as { repair(location: string): Promise<void> }).repair(folder).catch((cause: unknown) => {
    throw openError(folder, cause)
  })
  const store = await openStore(folder, { create: false })
  try {
    step('walking through the entries')
    const said = await readHead(store).catch(() => undefined)
    const end = await firstThatFails(store)
    step('rebuilding tree and indexes')
    const behind = await cutAfter(store, end.firstBad)
    const head = await rebuild(store, end.firstBad)
    const isWhole = said?.size === head.size && said.root === head.root
    const gap = isWhole ? undefined : { seq: head.size, reason: end.reason }
    if (gap) await noteGap(store, head, { ...gap, behind }, deps.clock.nowMs())
    await loadState(store, undefined)
    return { copy, kept: head.size, behind, ...(gap ? { firstGap: gap } : {}) }
  } finally {
    await store.db.close()
  }
}

async function assertUnlocked(folder: string): Promise<void> {
  try {
    await (await openStore(folder, { create: false })).db.close()
  } catch (error) {
    if ((error as { code?: string }).code === 'log-locked') throw error
  }
}

/** First number from 0 that does not hold: at the latest the one behind the last. */
async function firstThatFails(store: Store): Promise<{ firstBad: number; reason: string }> {
  const endless = { size: Number.MAX_SAFE_INTEGER, hash: NO_ENTRY, root: createEdge().root() }
  const result = await walk(store, 0, endless)
  return result.ok ? { firstBad: result.size, reason: 'missing' } : result
}

/** Takes what lies behind the prefix out of the log; counts what is readable of it. */
async function cutAfter(store: Store, size: number): Promise<number> {
  let readable = 0
  const range = { gte: numberKey(size) }
  for await (const text of store.entries.values(range)) if (decodeStored(text)) readable++
  for (const part of [store.entries, store.statements]) await part.clear(range)
  return readable
}

/** Tree, head and indexes from nothing but the entries. */
async function rebuild(store: Store, size: number): Promise<LogHead> {
  await store.nodes.clear()
  const edge = createEdge()
  let hash = NO_ENTRY
  let batch = store.db.batch()
  for await (const text of store.entries.values({ lt: numberKey(size) })) {
    hash = decodeStored(text)?.hash ?? NO_ENTRY
    edge.add(hash, putNodeIn(batch, store))
    if (edge.size % REPAIR_BATCH !== 0) continue
    await batch.write()
    batch = store.db.batch()
  }
  const head = { size: edge.size, hash, root: edge.root() }
  putHead(batch, store, head)
  await batch.write(SYNCED)
  await buildIndexes(store, head)
  return head
}

/** The log says of itself that something is missing: who holds an older head of it will ask. */
async function noteGap(
  store: Store,
  head: LogHead,
  gap: { seq: number; reason: string; behind: number },
  nowMs: number,
): Promise<void> {
  const state = await loadState(store, undefined)
  const entry: Entry = { seq: head.size, prev: head.hash, at: nowMs, kind: 'repair', payload: { ...gap } }
  const text = encodeEntry(entry)
  const batch = store.db.batch()
  batch.put(numberKey(entry.seq), text, { sublevel: store.entries })
  state.edge.add(entryHash(text), putNodeIn(batch, store))
  putIndexes(batch, store, entry, state.hand)
  putHead(batch, store, { size: state.edge.size, hash: entryHash(text), root: state.edge.root() })
  await batch.write(SYNCED)
}
