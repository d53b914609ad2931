import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { Level } from 'level'
import { bytesToHex, hexToBytes } from '../../proofs/signature.ts'
import type { Hex } from '../../proofs/types.ts'
import type { LogHead } from './entry.ts'
import { damaged, logError, openError } from './errors.ts'
import type { GetNode, PutNode } from './tree.ts'

/** The database of one log, part by part. */
export interface Store {
  readonly folder: string
  readonly db: Level<string, string>
  /** number -> text of the entry, or what pruning left of it. */
  readonly entries: ReturnType<typeof textPart>
  /** number -> id, of entries that hold a statement; in their order, for who pulls. */
  readonly statements: ReturnType<typeof textPart>
  /** 32-byte id of each statement ever kept. */
  readonly ids: ReturnType<typeof bytesPart>
  /** schema, identity, head. */
  readonly meta: ReturnType<typeof textPart>
  /** level/index -> node of the tree. */
  readonly nodes: ReturnType<typeof bytesPart>
  /** Keys of the secondary indexes, without values: indexes.ts. */
  readonly by: ReturnType<typeof bytesPart>
  /** minute -> number of the first entry written in or after it. */
  readonly minutes: ReturnType<typeof textPart>
}

export type Batch = ReturnType<Level<string, string>['batch']>

/** Written with the sync that makes an acknowledgement true; the types of LevelDB's options do not reach the generic batch. */
export const SYNCED = { sync: true } as object
const NO_BYTES = new Uint8Array()
/** Hex digits of an entry's number in keys: more than 2^53 needs. */
const DIGITS = 14

/** Numbers as keys: in LevelDB's order of bytes they count up. */
export function numberKey(number: number | bigint): string {
  return number.toString(16).padStart(DIGITS, '0')
}

export function numberOfKey(key: string): number {
  return Number.parseInt(key.slice(-DIGITS), 16)
}

function textPart(db: Level<string, string>, name: string) {
  return db.sublevel<string, string>(name, {})
}

function bytesPart(db: Level<string, string>, name: string) {
  return db.sublevel<string, Uint8Array>(name, { valueEncoding: 'view' })
}

/** LevelDB that does not find its file CURRENT begins anew, and sweeps away the tables that lie there. */
async function refuseHeadless(folder: string): Promise<void> {
  const names = await readdir(folder).catch((): string[] => [])
  if (names.includes('CURRENT')) return
  for (const name of names) {
    const held = /\.ldb$/.test(name) || (/\.log$/.test(name) && (await stat(join(folder, name))).size > 0)
    if (held)
      throw logError(
        'log-damaged',
        `the proof log ${folder} has data but lost its file CURRENT; nothing will be signed with it. \`fisherman log repair\` may bring it back`,
      )
  }
}

/** Opens the database; the plain sentence of what is wrong where it cannot. */
export async function openStore(folder: string, options: { create: boolean }): Promise<Store> {
  await refuseHeadless(folder)
  const db = new Level<string, string>(folder)
  await db.open({ createIfMissing: options.create }).catch((cause: unknown) => {
    throw openError(folder, cause)
  })
  return {
    folder,
    db,
    entries: textPart(db, 'entry'),
    statements: textPart(db, 'statement'),
    ids: bytesPart(db, 'id'),
    meta: textPart(db, 'meta'),
    nodes: bytesPart(db, 'node'),
    by: bytesPart(db, 'by'),
    minutes: textPart(db, 'minute'),
  }
}

export function putHead(batch: Batch, store: Store, head: LogHead): void {
  batch.put('head', JSON.stringify(head), { sublevel: store.meta })
}

export function putNodeIn(batch: Batch, store: Store): PutNode {
  return (level, index, node) => void batch.put(nodeKey(level, index), hexToBytes(node), { sublevel: store.nodes })
}

/** Nodes of the stored tree; one that is missing is damage at the first entry below it. */
export function nodesOf(store: Store): GetNode {
  return async (level, index) => {
    const bytes = await store.nodes.get(nodeKey(level, index))
    if (bytes?.length !== 32) throw damaged(store.folder, index * 2 ** level, 'a node of the tree is missing')
    return bytesToHex(bytes)
  }
}

function nodeKey(level: number, index: number): string {
  return `${level.toString(16).padStart(2, '0')}/${numberKey(index)}`
}

export function putStatement(batch: Batch, store: Store, seq: number, id: Hex): void {
  batch.put(numberKey(seq), id, { sublevel: store.statements })
  batch.put(id, NO_BYTES, { sublevel: store.ids })
}

export function putKey(batch: Batch, store: Store, key: string): void {
  batch.put(key, NO_BYTES, { sublevel: store.by })
}
