import { keccak256 } from 'ethers'
import { describe, expect, it } from 'vitest'
import {
  type AnyStatement,
  decodeStatement,
  encodeDrawProof,
  encodeStatement,
  STATEMENT_KINDS,
  STATEMENT_STRUCTS,
} from '../../proofs/codec.ts'
import {
  digestOf,
  drawnFrames,
  equivocationIdOf,
  evidenceHashOf,
  faultIdOf,
  fingerprintOf,
  profilesHashOf,
  renditionLeaf,
  sampleIdOf,
  sealOf,
  structHash,
  windowLeaf,
  workCommitOf,
} from '../../proofs/digest.ts'
import { encodeConviction, encodeEquivocation, encodePassThrough, shareOf } from '../../proofs/evidence.ts'
import { structToJson } from '../../proofs/json.ts'
import { merkleTree } from '../../proofs/merkle.ts'
import { STRUCTS } from '../../proofs/structs.ts'
import type { Domain, StructName, Structs } from '../../proofs/types.ts'
import { addressOf, hash, PROFILE, receiptOf, renditions, signedReceipt, signStruct, wallet } from '../helpers/fixtures.ts'

// What another implementation must agree with, bit for bit. A change here breaks everybody who signed before: it needs a new domain.

const domain: Domain = { chainId: 42161n, anchor: `0x${'a1'.repeat(20)}` }
const [node, member] = [wallet(0), wallet(1)]

/** A struct whose every field is different and easy to make in any language: field i holds i + 1. */
function counted<N extends StructName>(name: N): Structs[N] {
  const value = (type: string, i: number) =>
    type === 'address'
      ? `0x${(i + 1).toString(16).padStart(40, '0')}`
      : type === 'bytes32'
        ? hash(i + 1)
        : type === 'uint64'
          ? BigInt(i + 1)
          : i + 1
  return Object.fromEntries(STRUCTS[name].map((field, i) => [field.name, value(field.type, i)])) as unknown as Structs[N]
}

async function statementOf(kind: AnyStatement['kind']): Promise<AnyStatement> {
  const body = counted(STATEMENT_STRUCTS[kind])
  const extra =
    kind === 'sealed'
      ? encodeDrawProof({ transcoder: addressOf(node), windowId: 7n, index: 3, rendition: 1, bls: `0x${'bb'.repeat(48)}` })
      : '0x'
  const signature = await signStruct(member, STATEMENT_STRUCTS[kind], body as never, domain)
  return { kind, body, signer: addressOf(member), extra, signature } as AnyStatement
}

async function vectors() {
  const leaves = renditions(3)
  const passed = renditions(3, (i) => (i === 1 ? hash(3) : hash(1000 + i)))
  const honest = await signedReceipt(node, receiptOf(node, leaves), domain)
  const other = await signedReceipt(node, receiptOf(node, renditions(2)), domain)
  const through = await signedReceipt(node, receiptOf(node, passed), domain)
  const vote = counted('ConvictionVote')
  const share = shareOf(hash(9), await signStruct(member, 'ConvictionVote', { ...vote, workCommit: hash(9) }, domain))
  const names = Object.keys(STRUCTS) as StructName[]
  const input = {
    fisherman: addressOf(member),
    sampleId: hash(1),
    beacon: hash(2),
    fingerprint: hash(3),
    outcome: 'fail' as const,
    salt: hash(4),
  }
  return {
    about: 'Every struct holds i + 1 in its field i. Keys: private key 1 signs as the node, private key 2 as a fisherman.',
    domain: { name: 'LivepeerFisherman', version: '1', chainId: '42161', verifyingContract: domain.anchor },
    structs: Object.fromEntries(
      names.map((name) => [
        name,
        {
          value: structToJson(name, counted(name)),
          structHash: structHash(name, counted(name)),
          digest: digestOf(domain, name, counted(name)),
        },
      ]),
    ),
    ids: {
      sampleId: sampleIdOf(hash(1), 2, 3n),
      seal: sealOf(input),
      evidenceHash: evidenceHashOf({
        receiptDigest: hash(1),
        rendition: 2,
        sourceHash: hash(3),
        contentHash: hash(4),
        profileHash: hash(5),
        verdictVersion: 6,
      }),
      faultIdO3: faultIdOf('O3', addressOf(node), hash(1)),
      faultIdD2: faultIdOf('D2', addressOf(node), hash(1)),
      equivocationId: equivocationIdOf(addressOf(node), hash(1)),
      workCommit: workCommitOf(addressOf(member), hash(1)),
      drawnFrames: drawnFrames(hash(1), hash(2), addressOf(member), 60),
      fingerprint: fingerprintOf([1, 2], [hash(3), hash(4)]),
      profilesHash: profilesHashOf([PROFILE, { ...PROFILE, bitrate: 500_000 }]),
      windowRoot: merkleTree([1, 2, 3, 4, 5].map((n, i) => windowLeaf(i, hash(n)))).root,
      renditionsRoot: merkleTree(leaves.map(renditionLeaf)).root,
    },
    statements: Object.fromEntries(
      await Promise.all(
        STATEMENT_KINDS.map(async (kind) => [kind, `0x${Buffer.from(encodeStatement(await statementOf(kind))).toString('hex')}`]),
      ),
    ),
    evidence: Object.fromEntries(
      Object.entries({
        equivocation: encodeEquivocation({ kind: 'receipts', a: honest, b: other }),
        passThrough: encodePassThrough({
          signed: through,
          rendition: passed[1] as (typeof passed)[0],
          path: merkleTree(passed.map(renditionLeaf)).proof(1),
        }),
        conviction: encodeConviction({ signed: honest, vote: { ...vote, workCommit: hash(0) }, shares: [share] }),
      }).map(([name, bytes]) => [name, { bytes: (bytes.length - 2) / 2, keccak256: keccak256(bytes) }]),
    ),
  }
}

describe('formats', () => {
  it('are those of the golden vectors', async () => {
    await expect(`${JSON.stringify(await vectors(), undefined, 1)}\n`).toMatchFileSnapshot('../../proofs/vectors/formats.json')
  })

  it('read back from the golden statements', async () => {
    for (const kind of STATEMENT_KINDS) {
      const statement = await statementOf(kind)
      expect(decodeStatement(kind, encodeStatement(statement))).toEqual(statement)
    }
  })
})
