import type { Wallet } from 'ethers'
import { type AnyStatement, encodeStatement, STATEMENT_STRUCTS, type Statement, type StatementKind } from '../../proofs/codec.ts'
import { objectiveEvidenceHash } from '../../proofs/digest.ts'
import { encodeEquivocation } from '../../proofs/evidence.ts'
import { equivocationOf } from '../../proofs/faults.ts'
import type { Domain, Hex, StructName, Structs } from '../../proofs/types.ts'
import type { Logger } from '../../src/base/log.ts'
import type { PullEntry } from '../../src/gossip/pull-frames.ts'
import { idOf } from '../../src/gossip/validate.ts'
import { addressOf, DOMAIN, hash, receiptOf, renditions, signedReceipt, signStruct, wallet } from '../helpers/fixtures.ts'

export const NOW = 1_800_000_000
export const WINDOW_SECONDS = 4
export const NODE = wallet(50)
export const MEMBERS = [wallet(0), wallet(1), wallet(2), wallet(3)]
export const STRANGER = wallet(40)

export const view = {
  isMember: (address: Hex) => MEMBERS.some((who) => addressOf(who) === address),
  isSignerOf: (transcoder: Hex, signer: Hex) => transcoder === addressOf(NODE) && signer === transcoder,
  ready: () => true,
}

export const silent: Logger = { debug() {}, info() {}, warn() {}, error() {} }

type Body<K extends StatementKind> = Structs[(typeof STATEMENT_STRUCTS)[K]]

export async function sign<K extends StatementKind>(
  who: Wallet,
  kind: K,
  body: Body<K>,
  extra: Hex = '0x',
  domain: Domain = DOMAIN,
): Promise<AnyStatement> {
  const name: StructName = STATEMENT_STRUCTS[kind]
  const signature = await signStruct(who, name, body as Structs[typeof name], domain)
  return { kind, body, signer: addressOf(who), extra, signature } as unknown as AnyStatement
}

export const windowBody = (n = 0, changes: Partial<Body<'window'>> = {}): Body<'window'> => {
  const windowId = BigInt(NOW / WINDOW_SECONDS - 1 - n)
  return { transcoder: addressOf(NODE), windowId, root: hash(7), count: 3, closedAt: (windowId + 1n) * 4n, ...changes }
}
export const sealedBody = (n = 0, changes: Partial<Body<'sealed'>> = {}): Body<'sealed'> => ({
  sampleId: hash(1_000 + n),
  seal: hash(8),
  deadline: BigInt(NOW + 10),
  ...changes,
})
export const answerBody = (n = 0, changes: Partial<Body<'answer'>> = {}): Body<'answer'> => ({
  sampleId: hash(1_000 + n),
  receiptDigest: hash(9),
  rendition: 0,
  outcome: 1,
  evidenceHash: hash(10),
  fingerprint: hash(11),
  verdictVersion: 1,
  salt: hash(12),
  ...changes,
})
export const voteBody = (n = 0, changes: Partial<Body<'vote'>> = {}): Body<'vote'> => ({
  faultId: hash(2_000 + n),
  faultClass: 18,
  transcoder: addressOf(NODE),
  receiptDigest: hash(9),
  rendition: 0,
  evidenceHash: hash(10),
  workCommit: hash(13),
  finder: addressOf(MEMBERS[0]!),
  verdictVersion: 1,
  deadline: BigInt(NOW + 600),
  ...changes,
})

export const headBody = (changes: Partial<Body<'head'>> = {}): Body<'head'> => ({
  fisherman: addressOf(MEMBERS[0]!),
  epoch: 1n,
  size: 10n,
  root: hash(14),
  signedAt: BigInt(NOW - 10),
  ...changes,
})

/** A true O1: the node signed two receipts for one order. */
export async function proof(
  reporter: Wallet = MEMBERS[0]!,
  changes: Partial<Body<'fraud-proof'>> = {},
  options: { accused?: Wallet; key?: Wallet; order?: number } = {},
): Promise<Statement<'fraud-proof'>> {
  const accused = options.accused ?? NODE
  const orderHash = hash(options.order ?? 1)
  const receipts = [renditions(1), renditions(2)].map((leaves) => receiptOf(accused, leaves, { orderHash }))
  const [a, b] = await Promise.all(receipts.map((receipt) => signedReceipt(options.key ?? accused, receipt)))
  const { fault, evidence } = equivocationOf(DOMAIN, a!, b!)!
  const bytes = encodeEquivocation(evidence)
  const body: Body<'fraud-proof'> = {
    faultId: fault.faultId,
    faultClass: 1,
    transcoder: fault.transcoder,
    reporter: addressOf(reporter),
    receiptDigest: fault.receiptDigest,
    evidenceHash: objectiveEvidenceHash('O1', bytes),
    observedAt: BigInt(NOW - 5),
    expiresAt: BigInt(NOW + 86_400),
    ...changes,
  }
  return (await sign(reporter, 'fraud-proof', body, bytes)) as Statement<'fraud-proof'>
}

export const sealed = (who: Wallet, n = 0) => sign(who, 'sealed', sealedBody(n))
export const answer = (who: Wallet, n = 0) => sign(who, 'answer', answerBody(n))

/** A log in memory, as the daemon's: numbers from 1, with gaps. */
export class MemoryStore {
  readonly entries: PullEntry[] = []
  readonly ids = new Set<string>()
  gap = 1n
  add(statement: AnyStatement, bytes = encodeStatement(statement)): void {
    this.entries.push({ seq: (this.entries.at(-1)?.seq ?? 0n) + this.gap, kind: statement.kind, bytes })
    this.ids.add(idOf(bytes))
  }
  async since(cursor: bigint, limit: number): Promise<PullEntry[]> {
    return this.entries.filter(({ seq }) => seq > cursor).slice(0, limit)
  }
  has(id: Hex): boolean {
    return this.ids.has(id)
  }
  size(): number {
    return this.entries.length
  }
}
