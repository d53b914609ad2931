import { type LogHead, NO_ENTRY } from './entry.ts'
import { damaged, logError } from './errors.ts'
import { createMinuteHand, loadMinuteHand, type MinuteHand, putIndexes } from './indexes.ts'
import { nodesOf, numberKey, putHead, putNodeIn, type Store, SYNCED } from './store.ts'
import { createEdge, type Edge, loadEdge } from './tree.ts'
import { OTHER_TREE, walk } from './walk.ts'

/** Layout of the database; a newer one is refused, an older one is migrated one step at a time. */
const SCHEMA = 4
/** Entries that a migration rewrites at a time. */
const MIGRATE_BATCH = 1_000
/** Entries checked when the log is opened. All of them are checked by `verify`. */
const CHECK_AT_OPEN = 64

/** What the writer goes on from. */
export interface LogState {
  head: LogHead
  edge: Edge
  hand: MinuteHand
}

/** Reads and checks schema, identity, head and the last entries; `identity` undefined looks at whosever log it is. */
export async function loadState(store: Store, identity: string | undefined): Promise<LogState> {
  const schema = await store.meta.get('schema')
  if (schema === undefined) return await begin(store, identity)
  if (Number(schema) > SCHEMA || !(Number(schema) >= 1))
    throw logError(
      'log-schema',
      `the proof log ${store.folder} has layout ${schema}, this program knows ${SCHEMA}; use the newer program`,
    )
  const owner = await store.meta.get('identity')
  if (identity !== undefined && owner !== identity)
    throw logError(
      'log-identity',
      `the proof log ${store.folder} belongs to ${owner}, not to ${identity}; use another data folder`,
    )
  let head = await readHead(store)
  await checkTail(store, head)
  if (Number(schema) < 2) head = await addTree(store, head)
  if (Number(schema) < 4) await addIndexes(store, head)
  const edge = await loadEdge(head.size, nodesOf(store))
  if (edge.root() !== head.root) throw damaged(store.folder, Math.max(0, head.size - 1), OTHER_TREE)
  return { head, edge, hand: await loadMinuteHand(store) }
}

async function begin(store: Store, identity: string | undefined): Promise<LogState> {
  if (identity === undefined) throw logError('log-empty', `${store.folder} holds no proof log`)
  for await (const _ of store.entries.keys({ limit: 1 }))
    throw damaged(store.folder, 0, 'entries without a word about whose they are')
  await store.db
    .batch()
    .put('schema', String(SCHEMA), { sublevel: store.meta })
    .put('identity', identity, { sublevel: store.meta })
    .write(SYNCED)
  return { head: { size: 0, hash: NO_ENTRY, root: createEdge().root() }, edge: createEdge(), hand: createMinuteHand() }
}

export async function readHead(store: Store): Promise<LogHead> {
  const stored = await store.meta.get('head')
  if (stored === undefined) return { size: 0, hash: NO_ENTRY, root: createEdge().root() }
  try {
    return JSON.parse(stored) as LogHead
  } catch {
    throw damaged(store.folder, 0, 'its head is unreadable')
  }
}

async function checkTail(store: Store, head: LogHead): Promise<void> {
  const result = await walk(store, Math.max(0, head.size - CHECK_AT_OPEN), head)
  if (!result.ok) throw damaged(store.folder, result.firstBad, result.reason)
  // A lost head would hide entries: the one after the head must not exist.
  if ((await store.entries.get(numberKey(head.size))) !== undefined)
    throw damaged(store.folder, head.size, 'it lies behind the head')
}

/** From layout 1, which had no tree. Nodes follow from entries, so an interrupted migration is simply done again. */
async function addTree(store: Store, head: LogHead): Promise<LogHead> {
  const edge = createEdge()
  await rewrite(store, head, (stored, batch) => edge.add(stored.hash, putNodeIn(batch, store)))
  const migrated = { ...head, root: edge.root() }
  const last = store.db.batch()
  putHead(last, store, migrated)
  await last.put('schema', '2', { sublevel: store.meta }).write(SYNCED)
  return migrated
}

/** From layout 2, which could only be read from end to end, and 3, which did not find statements by their kind. */
async function addIndexes(store: Store, head: LogHead): Promise<void> {
  await buildIndexes(store, head)
  await store.db.batch().put('schema', '4', { sublevel: store.meta }).write(SYNCED)
}

/** Writes all secondary indexes anew from the entries. */
export async function buildIndexes(store: Store, head: LogHead): Promise<void> {
  for (const part of [store.by, store.minutes]) await part.clear()
  const hand = createMinuteHand()
  await rewrite(store, head, ({ entry }, batch) => {
    if (!entry) return
    putIndexes(batch, store, entry, hand)
    const { id } = entry.payload as { id?: unknown }
    if (entry.kind.startsWith('statement-') && typeof id === 'string')
      batch.put(id, new Uint8Array(), { sublevel: store.ids }).put(numberKey(entry.seq), id, { sublevel: store.statements })
  })
}

type Batch = ReturnType<Store['db']['batch']>
type Rewrite = (stored: Parameters<NonNullable<Parameters<typeof walk>[3]>>[0], batch: Batch) => void

/** Goes through all entries and writes what follows from them, a thousand at a time. */
async function rewrite(store: Store, head: LogHead, put: Rewrite): Promise<void> {
  let batch = store.db.batch()
  const result = await walk(store, 0, head, (stored) => {
    put(stored, batch)
    if ((stored.seq + 1) % MIGRATE_BATCH !== 0) return undefined
    const full = batch
    batch = store.db.batch()
    return full.write()
  })
  if (!result.ok) throw damaged(store.folder, result.firstBad, result.reason)
  await batch.write(SYNCED)
}
