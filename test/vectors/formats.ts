import { keccak256, TypedDataEncoder } from 'ethers'
import { type AnyStatement, encodeDrawProof, encodeStatement, STATEMENT_KINDS, STATEMENT_STRUCTS } from '../../proofs/codec.ts'
import {
  abiHash,
  abiOf,
  digestOf,
  drawnFrames,
  equivocationIdOf,
  evidenceHashOf,
  faultIdOf,
  fingerprintOf,
  objectiveEvidenceHash,
  profilesHashOf,
  renditionLeaf,
  reuseIdOf,
  sampleIdOf,
  sealOf,
  structHash,
  typedDomain,
  windowLeaf,
  workCommitOf,
} from '../../proofs/digest.ts'
import { encodeConviction, encodeEquivocation, encodePassThrough, shareOf } from '../../proofs/evidence.ts'
import { merkleTree } from '../../proofs/merkle.ts'
import { STRUCTS } from '../../proofs/structs.ts'
import type { Hex, StructName } from '../../proofs/types.ts'
import { addressOf, hash, PROFILE, receiptOf, renditions, signedReceipt } from '../helpers/fixtures.ts'
import { counted, DOMAIN, fisherman, json, KEYS, node, sign, toHex } from './common.ts'

/** The statement of each kind over its counted struct, signed by key 2. */
export async function statementOf(kind: AnyStatement['kind']): Promise<AnyStatement> {
  const body = counted(STATEMENT_STRUCTS[kind])
  const extra =
    kind === 'sealed'
      ? encodeDrawProof({ transcoder: addressOf(node), windowId: 7n, index: 3, rendition: 1, bls: `0x${'bb'.repeat(48)}` })
      : '0x'
  const signature = await sign(fisherman, STATEMENT_STRUCTS[kind], body as never)
  return { kind, body, signer: addressOf(fisherman), extra, signature } as AnyStatement
}

function typeOf(name: StructName): string {
  return `${name}(${STRUCTS[name].map((field) => `${field.type} ${field.name}`).join(',')})`
}

async function structVectors() {
  const made = (Object.keys(STRUCTS) as StructName[]).map(async (name) => {
    const value = counted(name)
    return [
      name,
      {
        value: json(name, value),
        structHash: structHash(name, value),
        digest: digestOf(DOMAIN, name, value),
        type: typeOf(name),
        typeHash: keccak256(Buffer.from(typeOf(name))),
        abi: abiOf(name, value),
        signature: await sign(fisherman, name, value),
        signer: addressOf(fisherman),
      },
    ] as const
  })
  return Object.fromEntries(await Promise.all(made))
}

/** Every id as its recipe and its value: keccak256(abi.encode(types, values)). */
function recipes() {
  const recipe = (id: string, types: string[], values: (string | number)[], expected: Hex) => {
    if (abiHash(types, values) !== expected) throw new Error(`the recipe of ${id} is wrong`)
    return { id, types, values, hash: expected }
  }
  const [me, him] = [addressOf(fisherman), addressOf(node)]
  const seal = {
    fisherman: me,
    sampleId: hash(1),
    beacon: hash(2),
    fingerprint: hash(3),
    outcome: 'fail',
    salt: hash(4),
  } as const
  return [
    recipe('sampleId', ['string', 'bytes32', 'uint16', 'uint64'], ['sampleId', hash(1), 2, '3'], sampleIdOf(hash(1), 2, 3n)),
    recipe(
      'seal',
      ['string', 'address', 'bytes32', 'bytes32', 'bytes32', 'uint8', 'bytes32'],
      ['seal', me, hash(1), hash(2), hash(3), 1, hash(4)],
      sealOf(seal),
    ),
    recipe(
      'evidenceHash of a verdict',
      ['string', 'bytes32', 'uint16', 'bytes32', 'bytes32', 'bytes32', 'uint32'],
      ['evidenceHash', hash(1), 2, hash(3), hash(4), hash(5), 6],
      evidenceHashOf({
        ...{ receiptDigest: hash(1), rendition: 2, sourceHash: hash(3), contentHash: hash(4), profileHash: hash(5) },
        verdictVersion: 6,
      }),
    ),
    recipe(
      'evidenceHash of an O class',
      ['string', 'uint8', 'bytes'],
      ['evidenceHash', 3, '0x010203'],
      objectiveEvidenceHash('O3', '0x010203'),
    ),
    recipe(
      'faultId of a receipt',
      ['string', 'uint8', 'address', 'bytes32'],
      ['faultId', 18, him, hash(1)],
      faultIdOf('D2', him, hash(1)),
    ),
    recipe(
      'faultId of an equivocation',
      ['string', 'uint8', 'address', 'bytes32'],
      ['faultId', 1, him, hash(1)],
      equivocationIdOf(him, hash(1)),
    ),
    recipe(
      'faultId of a reuse',
      ['string', 'uint8', 'address', 'bytes32', 'bytes32'],
      ['faultId', 2, him, hash(1), hash(2)],
      reuseIdOf(him, hash(1), hash(2)),
    ),
    recipe('workCommit', ['string', 'address', 'bytes32'], ['workCommit', me, hash(1)], workCommitOf(me, hash(1))),
  ]
}

/** Domain, structs, ids, statements. */
export async function formats(): Promise<unknown> {
  const leaves = renditions(3)
  const passed = renditions(3, (i) => (i === 1 ? hash(3) : hash(1000 + i)))
  const honest = await signedReceipt(node, receiptOf(node, leaves), DOMAIN)
  const other = await signedReceipt(node, receiptOf(node, renditions(2)), DOMAIN)
  const through = await signedReceipt(node, receiptOf(node, passed), DOMAIN)
  const vote = counted('ConvictionVote')
  const share = shareOf(hash(9), await sign(fisherman, 'ConvictionVote', { ...vote, workCommit: hash(9) }))
  const [byId] = [Object.fromEntries(recipes().map(({ id, hash: value }) => [id, value]))]
  const statements = await Promise.all(
    STATEMENT_KINDS.map(async (kind) => [kind, toHex(encodeStatement(await statementOf(kind)))] as const),
  )
  return {
    about: 'Every struct holds i + 1 in its field i. Keys: private key 1 signs as the node, private key 2 as a fisherman.',
    domain: { name: 'LivepeerFisherman', version: '1', chainId: '42161', verifyingContract: DOMAIN.anchor },
    domainSeparator: TypedDataEncoder.hashDomain(typedDomain(DOMAIN)),
    keys: KEYS.map((key, i) => ({ privateKey: hash(i + 1), address: addressOf(key) })),
    structs: await structVectors(),
    ids: {
      sampleId: byId.sampleId,
      seal: byId.seal,
      evidenceHash: byId['evidenceHash of a verdict'],
      faultIdO3: faultIdOf('O3', addressOf(node), hash(1)),
      faultIdD2: faultIdOf('D2', addressOf(node), hash(1)),
      equivocationId: equivocationIdOf(addressOf(node), hash(1)),
      workCommit: byId.workCommit,
      drawnFrames: drawnFrames(hash(1), hash(2), addressOf(fisherman), 60),
      fingerprint: fingerprintOf([1, 2], [hash(3), hash(4)]),
      profilesHash: profilesHashOf([PROFILE, { ...PROFILE, bitrate: 500_000 }]),
      windowRoot: merkleTree([1, 2, 3, 4, 5].map((n, i) => windowLeaf(i, hash(n)))).root,
      renditionsRoot: merkleTree(leaves.map(renditionLeaf)).root,
    },
    recipes: recipes(),
    statements: Object.fromEntries(statements),
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
