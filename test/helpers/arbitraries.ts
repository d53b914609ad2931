import fc from 'fast-check'
import { type AnyStatement, type DrawProof, STATEMENT_KINDS, STATEMENT_STRUCTS } from '../../proofs/codec.ts'
import type {
  Contradiction,
  Conviction,
  Duplicate,
  Equivocation,
  FramePair,
  PassThrough,
  Reuse,
  SignedReceipt,
} from '../../proofs/evidence.ts'
import { type FieldType, STRUCTS } from '../../proofs/structs.ts'
import type { Hex, StructName, Structs } from '../../proofs/types.ts'

// Any value that a format can hold, for property tests.

export const hex = (bytes: number): fc.Arbitrary<Hex> =>
  fc.uint8Array({ minLength: bytes, maxLength: bytes }).map((b) => `0x${Buffer.from(b).toString('hex')}` as Hex)

const FIELDS: Readonly<Record<FieldType, fc.Arbitrary<unknown>>> = {
  address: hex(20),
  bytes32: hex(32),
  uint8: fc.nat(255),
  uint16: fc.nat(0xffff),
  uint32: fc.integer({ min: 0, max: 0xffffffff }),
  uint64: fc.bigInt({ min: 0n, max: 0xffffffffffffffffn }),
  int32: fc.integer({ min: -0x80000000, max: 0x7fffffff }),
}

export function anyStruct<N extends StructName>(name: N): fc.Arbitrary<Structs[N]> {
  const shape = Object.fromEntries(STRUCTS[name].map((field) => [field.name, FIELDS[field.type]]))
  return fc.record(shape) as unknown as fc.Arbitrary<Structs[N]>
}

/** Well-formed, of random content: signatures recover nobody in particular. */
export const anyStatement = fc.constantFrom(...STATEMENT_KINDS).chain((kind) =>
  fc.record({
    kind: fc.constant(kind),
    body: anyStruct(STATEMENT_STRUCTS[kind]),
    signer: hex(20),
    extra: kind === 'sealed' || kind === 'fraud-proof' ? hex(100) : fc.constant('0x' as Hex),
    signature: hex(65),
  }),
) as fc.Arbitrary<AnyStatement>

export const anyDrawProof: fc.Arbitrary<DrawProof> = fc.record({
  transcoder: hex(20),
  windowId: fc.bigInt({ min: 0n, max: 0xffffffffffffffffn }),
  index: fc.integer({ min: 0, max: 0xffffffff }),
  rendition: fc.nat(0xffff),
  bls: hex(48),
})

const path = fc.array(hex(32), { maxLength: 12 })
const signed: fc.Arbitrary<SignedReceipt> = fc.record({ receipt: anyStruct('TranscodeReceipt'), signature: hex(65) })

export const anyEquivocation: fc.Arbitrary<Equivocation> = fc.oneof(
  fc.record({ kind: fc.constant('receipts' as const), a: signed, b: signed }),
  fc.record({
    ...{ kind: fc.constant('leaves' as const), signed, a: anyStruct('Rendition'), pathA: path },
    ...{ b: anyStruct('Rendition'), pathB: path },
  }),
  fc.record({
    ...{ kind: fc.constant('windows' as const), a: anyStruct('WindowRoot'), signatureA: hex(65) },
    ...{ b: anyStruct('WindowRoot'), signatureB: hex(65) },
  }),
)
export const anyPassThrough: fc.Arbitrary<PassThrough> = fc.record({ signed, rendition: anyStruct('Rendition'), path })
const proven = { rendition: anyStruct('Rendition'), path }
const pair: fc.Arbitrary<FramePair> = fc.record({ a: anyStruct('FrameFp'), pathA: path, b: anyStruct('FrameFp'), pathB: path })
const side = fc.record({ receipt: anyStruct('TranscodeReceipt'), signature: hex(65), ...proven })
export const anyReuse: fc.Arbitrary<Reuse> = fc.record({
  ...{ a: side, b: side, frames: fc.array(pair, { maxLength: 6 }), profile: anyStruct('Profile') },
})
export const anyDuplicate: fc.Arbitrary<Duplicate> = fc.record({ signed, a: fc.record(proven), b: fc.record(proven) })
export const anyContradiction: fc.Arbitrary<Contradiction> = fc.record({ signed, frames: fc.array(pair, { maxLength: 10 }) })
export const anyConviction: fc.Arbitrary<Conviction> = fc.record({
  signed,
  vote: anyStruct('ConvictionVote'),
  shares: fc.array(fc.record({ workCommit: hex(32), r: hex(32), vs: hex(32) }), { maxLength: 20 }),
})
