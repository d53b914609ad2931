import { keccak256 } from 'ethers'
import { decodeDrawProof, encodeStatement, STATEMENT_KINDS, STATEMENT_STRUCTS } from '../../proofs/codec.ts'
import { digestOf } from '../../proofs/digest.ts'
import { VERDICT_VERSION } from '../../proofs/types.ts'
import { createTopics, messageIdOf } from '../../src/gossip/topics.ts'
import { DOMAIN, json, toHex } from './common.ts'
import { statementOf } from './formats.ts'

/** Statements with all that is derived from them. */
export async function statements(): Promise<unknown> {
  const topics = createTopics(DOMAIN, VERDICT_VERSION)
  const list = STATEMENT_KINDS.map(async (kind) => {
    const statement = await statementOf(kind)
    const bytes = encodeStatement(statement)
    const { extra } = statement
    return {
      ...{
        kind,
        struct: STATEMENT_STRUCTS[kind],
        bytes: toHex(bytes),
        body: json(STATEMENT_STRUCTS[kind], statement.body as never),
      },
      ...{ signer: statement.signer, extra, signature: statement.signature },
      digest: digestOf(DOMAIN, STATEMENT_STRUCTS[kind], statement.body as never),
      id: keccak256(bytes),
      topic: topics.topicOf(kind),
      messageId: toHex(messageIdOf(topics.topicOf(kind), bytes)),
      ...(kind === 'sealed' ? { drawProof: decodeDrawProof(extra) } : {}),
    }
  })
  return {
    about: 'One statement of each kind, signed by private key 2 under the domain of formats.json. id = keccak256(bytes).',
    ...{ verdictVersion: VERDICT_VERSION, digest: topics.digest, stableDigest: topics.stableDigest },
    statements: await Promise.all(list),
  }
}
