import { keccak256, TypedDataEncoder, toUtf8Bytes } from 'ethers'
import { CodecError } from './codec.ts'
import { leafHash } from './digest.ts'
import { canonicalJson as canonical, plainJson, readHex } from './json.ts'
import { merkleTree } from './merkle.ts'
import { recoverAddress } from './signature.ts'
import type { Domain, Hex } from './types.ts'

// The dataset of one round about who earns without working: plain files named by their hash, a manifest with their Merkle root, a signature.

/** Types of a row's fields: `uint` is a decimal string, `count` a number, `text` is what somebody wrote into a registry, cut. */
type Kind = 'address' | 'uint' | 'text' | 'count'
type Table = Readonly<Record<string, Kind>>

const AT = { block: 'uint', index: 'count' } as const satisfies Table
/** Events of Livepeer's contracts as rows; every field of a row is here, and nothing else is in it. */
export const EVENTS = {
  'new-round': { ...AT, round: 'uint' },
  reward: { ...AT, transcoder: 'address', amount: 'uint' },
  ticket: { ...AT, sender: 'address', recipient: 'address', faceValue: 'uint' },
  'service-uri': { ...AT, transcoder: 'address', uri: 'text' },
  'transcoder-update': { ...AT, transcoder: 'address' },
  activated: { ...AT, transcoder: 'address', round: 'uint' },
  deactivated: { ...AT, transcoder: 'address', round: 'uint' },
  bond: { ...AT, delegator: 'address', delegate: 'address', added: 'uint' },
  unbond: { ...AT, delegator: 'address', delegate: 'address', amount: 'uint' },
} as const satisfies Readonly<Record<string, Table>>
export const STATE = { address: 'address', ownBond: 'uint', totalStake: 'uint', inPool: 'count', serviceUri: 'text' } as const
export const EVIDENCE = {
  address: 'address',
  receipts: 'count',
  pass: 'count',
  fail: 'count',
  inconclusive: 'count',
  withheld: 'count',
  unreceipted: 'count',
  faults: 'count',
  trips: 'count',
} as const

type ValueOf<K extends Kind> = K extends 'address' ? Hex : K extends 'uint' ? bigint : K extends 'text' ? string : number
type RowOf<T extends Table> = { readonly [F in keyof T]: ValueOf<T[F]> }
export type EventKind = keyof typeof EVENTS
export type EventRow = { [K in EventKind]: { readonly kind: K } & RowOf<(typeof EVENTS)[K]> }[EventKind]
/** One orchestrator at the block of the state. `inPool` is 1 or 0. Amounts in wei of the token. */
export type StateRow = RowOf<typeof STATE>
/** What the publisher saw of one orchestrator: counts. */
export type EvidenceRow = RowOf<typeof EVIDENCE>

/** Characters of a registry's text that are kept. */
export const MAX_TEXT = 200
const MAX_UINT = 2n ** 256n

/** Canonical JSON with bigint as decimal strings. One value has one text. */
export function canonicalJson(value: unknown): string {
  return canonical(plainJson(value))
}

/** Rows as lines. */
export function linesOf(rows: readonly unknown[]): string {
  return rows.map((row) => `${canonicalJson(row)}\n`).join('')
}

function readRow(path: string, json: unknown, table: Table, kind?: string): Record<string, unknown> {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) throw new CodecError(`${path} must be an object`)
  const source = json as Record<string, unknown>
  const wanted = Object.keys(table).length + (kind === undefined ? 0 : 1)
  if (Object.keys(source).length !== wanted) throw new CodecError(`${path} has missing or unknown fields`)
  const out: Record<string, unknown> = kind === undefined ? {} : { kind }
  for (const [field, type] of Object.entries(table))
    out[field] = readField(`${path}.${field}`, type, Object.hasOwn(source, field) ? source[field] : undefined)
  return out
}

function readField(path: string, type: Kind, value: unknown): unknown {
  if (type === 'address') return readHex(path, value, 20)
  if (type === 'count') {
    if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0) throw new CodecError(`${path} must be a count`)
    return value
  }
  if (type === 'text') {
    if (typeof value !== 'string' || value.length > MAX_TEXT)
      throw new CodecError(`${path} must be a text of at most ${MAX_TEXT}`)
    return value
  }
  if (typeof value !== 'string' || !/^(0|[1-9][0-9]{0,77})$/.test(value) || BigInt(value) >= MAX_UINT)
    throw new CodecError(`${path} must be a decimal string of a uint256`)
  return BigInt(value)
}

function readLines<T>(name: string, text: string, read: (path: string, json: unknown) => T): T[] {
  if (text === '') return []
  if (!text.endsWith('\n')) throw new CodecError(`${name}: the last line has no end`)
  return text
    .slice(0, -1)
    .split('\n')
    .map((line, i) => {
      const path = `${name} line ${i + 1}`
      let json: unknown
      try {
        json = JSON.parse(line)
      } catch {
        throw new CodecError(`${path} is no JSON`)
      }
      const row = read(path, json)
      if (canonicalJson(row) !== line) throw new CodecError(`${path} is not canonical`)
      return row
    })
}

/** Events in the order of the chain, each once. */
export function readEvents(text: string): EventRow[] {
  const rows = readLines('events', text, (path, json) => {
    const named = (json as { kind?: unknown } | null)?.kind
    const kind = typeof named === 'string' ? named : 'none'
    if (!Object.hasOwn(EVENTS, kind)) throw new CodecError(`${path} is of no known kind`)
    return readRow(path, json, EVENTS[kind as EventKind], kind) as unknown as EventRow
  })
  for (const [i, row] of rows.entries()) {
    const last = rows[i - 1]
    if (last && (row.block < last.block || (row.block === last.block && row.index <= last.index)))
      throw new CodecError(`events line ${i + 1} is not after the one before`)
  }
  return rows
}

export function readState(text: string): StateRow[] {
  return byAddress(
    'state',
    readLines('state', text, (path, json) => readRow(path, json, STATE) as unknown as StateRow),
  )
}

export function readEvidence(text: string): EvidenceRow[] {
  const read = (path: string, json: unknown) => readRow(path, json, EVIDENCE) as unknown as EvidenceRow
  return byAddress('evidence', readLines('evidence', text, read))
}

function byAddress<T extends { readonly address: Hex }>(name: string, rows: T[]): T[] {
  for (const [i, { address }] of rows.entries()) {
    const last = rows[i - 1]
    if (last && address <= last.address) throw new CodecError(`${name} line ${i + 1} is not after the one before`)
  }
  return rows
}

/** A file of the dataset; its name on disk is its hash. */
export interface DatasetFile {
  readonly name: string
  readonly hash: Hex
  readonly bytes: number
}

export const FILES = ['events', 'state', 'evidence', 'results'] as const
export type FileName = (typeof FILES)[number]

export function fileOf(name: FileName, text: string): DatasetFile {
  const bytes = toUtf8Bytes(text)
  return { name, hash: keccak256(bytes) as Hex, bytes: bytes.length }
}

/** Root over the files: leaf = (uint32 index, string name, bytes32 hash, uint64 bytes), as the standard tree. */
export function datasetRoot(files: readonly DatasetFile[]): Hex {
  return merkleTree(
    files.map(({ name, hash, bytes }, i) => leafHash(['uint32', 'string', 'bytes32', 'uint64'], [i, name, hash, bytes])),
  ).root
}

/** What the signature is over. */
export interface DatasetClaim {
  readonly round: bigint
  readonly fromBlock: bigint
  readonly toBlock: bigint
  readonly toBlockHash: Hex
  readonly root: Hex
  /** keccak256 of the bytes of the manifest. */
  readonly manifestHash: Hex
}

const TYPES = {
  IdleDataset: [
    { name: 'round', type: 'uint64' },
    { name: 'fromBlock', type: 'uint64' },
    { name: 'toBlock', type: 'uint64' },
    { name: 'toBlockHash', type: 'bytes32' },
    { name: 'root', type: 'bytes32' },
    { name: 'manifestHash', type: 'bytes32' },
  ],
}

/** A domain of its own: no signature over a dataset is one over a statement, and none of a statement is one over a dataset. */
export function datasetTypedData(domain: Domain, claim: DatasetClaim) {
  const name = 'LivepeerFisherman dataset'
  return {
    domain: { name, version: '1', chainId: domain.chainId, verifyingContract: domain.anchor },
    types: TYPES,
    message: { ...claim },
  }
}

export function datasetDigest(domain: Domain, claim: DatasetClaim): Hex {
  const data = datasetTypedData(domain, claim)
  return TypedDataEncoder.hash(data.domain, data.types, data.message) as Hex
}

export function datasetSigner(domain: Domain, claim: DatasetClaim, signature: Hex): Hex | undefined {
  return recoverAddress(datasetDigest(domain, claim), signature)
}
