import { createHash } from 'node:crypto'
import { STATEMENT_KINDS, type StatementKind } from '../../proofs/codec.ts'
import { abiHash } from '../../proofs/digest.ts'
import type { Domain } from '../../proofs/types.ts'

/** Bytes of a message id: 20 of SHA-256, as Ethereum's gossip; enough that collisions cannot be mined. */
export const MESSAGE_ID_BYTES = 20
/** Separates our ids from other users of the same hash; ASCII "fisherman/1". */
const MESSAGE_DOMAIN = Buffer.from('fisherman/1', 'ascii')

/** Names of one network's topics and direct protocols. */
export interface Topics {
  /** 4 bytes of hex over chain id, anchor and verdict version. */
  digest: string
  /** The same without the version: a new verdict version must silence nobody who follows fraud proofs. */
  stableDigest: string
  topicOf(kind: StatementKind): string
  kindOf(topic: string): StatementKind | undefined
  all: readonly string[]
  /** Pull protocol for every kind. */
  pullProtocol: string
  /** Pull protocol of followers on any verdict version; serves fraud proofs only. */
  stablePullProtocol: string
  /** Head exchange; a log outlives verdict versions. */
  headsProtocol: string
  /** Evidence for members: a bundle names its verdict version itself. */
  bundleProtocol: string
  /** What a peer runs, and why it leaves: of all verdict versions. */
  statusProtocol: string
  goodbyeProtocol: string
}

export function createTopics(domain: Domain, verdictVersion: number): Topics {
  const digest = digestHex(['string', 'uint256', 'address', 'uint32'], [domain.chainId, domain.anchor, verdictVersion])
  const stableDigest = digestHex(['string', 'uint256', 'address'], [domain.chainId, domain.anchor])
  const topicOf = (kind: StatementKind) => `/fisherman/${kind === 'fraud-proof' ? stableDigest : digest}/${kind}/1`
  const kinds = new Map(STATEMENT_KINDS.map((kind) => [topicOf(kind), kind]))
  return {
    digest,
    stableDigest,
    topicOf,
    kindOf: (topic) => kinds.get(topic),
    all: [...kinds.keys()],
    pullProtocol: `/fisherman/${digest}/statements-since/1`,
    stablePullProtocol: `/fisherman/${stableDigest}/statements-since/1`,
    headsProtocol: `/fisherman/${stableDigest}/heads/1`,
    bundleProtocol: `/fisherman/${stableDigest}/bundle/1`,
    statusProtocol: `/fisherman/${stableDigest}/status/1`,
    goodbyeProtocol: `/fisherman/${stableDigest}/goodbye/1`,
  }
}

function digestHex(types: string[], values: unknown[]): string {
  return abiHash(types, ['fisherman/gossip', ...values]).slice(2, 10)
}

/** First 20 bytes of SHA-256(domain, length of the topic as uint64, topic, data): equal for all peers, whoever sent it first. */
export function messageIdOf(topic: string, data: Uint8Array): Uint8Array {
  const name = Buffer.from(topic, 'utf8')
  const length = Buffer.alloc(8)
  length.writeBigUInt64BE(BigInt(name.length))
  return createHash('sha256')
    .update(MESSAGE_DOMAIN)
    .update(length)
    .update(name)
    .update(data)
    .digest()
    .subarray(0, MESSAGE_ID_BYTES)
}
