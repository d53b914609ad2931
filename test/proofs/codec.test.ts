import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  type AnyStatement,
  CodecError,
  decodeDrawProof,
  decodeStatement,
  encodeDrawProof,
  encodeStatement,
  STATEMENT_KINDS,
  STATEMENT_STRUCTS,
} from '../../proofs/codec.ts'
import { digestOf } from '../../proofs/digest.ts'
import { structFromJson, structToJson } from '../../proofs/json.ts'
import { STRUCTS } from '../../proofs/structs.ts'
import type { Hex, StructName, Structs } from '../../proofs/types.ts'
import { DOMAIN } from '../helpers/fixtures.ts'

const hex = (bytes: number) =>
  fc.uint8Array({ minLength: bytes, maxLength: bytes }).map((b) => `0x${Buffer.from(b).toString('hex')}` as Hex)
const fieldArbitrary = {
  address: hex(20),
  bytes32: hex(32),
  uint8: fc.nat(255),
  uint16: fc.nat(0xffff),
  uint32: fc.integer({ min: 0, max: 0xffffffff }),
  uint64: fc.bigInt({ min: 0n, max: 0xffffffffffffffffn }),
  int32: fc.integer({ min: -0x80000000, max: 0x7fffffff }),
}

function structArbitrary<N extends StructName>(name: N): fc.Arbitrary<Structs[N]> {
  const shape = Object.fromEntries(
    STRUCTS[name].map((field) => [field.name, fieldArbitrary[field.type] as fc.Arbitrary<unknown>]),
  )
  return fc.record(shape) as unknown as fc.Arbitrary<Structs[N]>
}

const statementArbitrary = fc.constantFrom(...STATEMENT_KINDS).chain((kind) =>
  fc.record({
    kind: fc.constant(kind),
    body: structArbitrary(STATEMENT_STRUCTS[kind]),
    signer: hex(20),
    extra: kind === 'sealed' || kind === 'fraud-proof' ? hex(100) : fc.constant('0x' as Hex),
    signature: hex(65),
  }),
) as fc.Arbitrary<AnyStatement>

describe('statement codec', () => {
  it('reads back what it wrote', () => {
    fc.assert(
      fc.property(statementArbitrary, (statement) => {
        expect(decodeStatement(statement.kind, encodeStatement(statement))).toEqual(statement)
      }),
      { numRuns: 200 },
    )
  })

  it('refuses a changed byte or reads another statement, and never throws anything but a CodecError', () => {
    fc.assert(
      fc.property(statementArbitrary, fc.nat(), fc.integer({ min: 1, max: 255 }), (statement, at, flip) => {
        const bytes = encodeStatement(statement)
        const index = at % bytes.length
        bytes[index] = (bytes[index] as number) ^ flip
        try {
          expect(decodeStatement(statement.kind, bytes)).not.toEqual(statement)
        } catch (error) {
          if (!(error instanceof CodecError)) throw error
        }
      }),
      { numRuns: 500 },
    )
  })

  it('refuses trailing bytes, a second encoding of the same content, and too long a payload', () => {
    const [statement] = fc.sample(statementArbitrary, { numRuns: 1, seed: 7 })
    const bytes = encodeStatement(statement as AnyStatement)
    const kind = (statement as AnyStatement).kind
    expect(() => decodeStatement(kind, Uint8Array.from([...bytes, ...new Uint8Array(32)]))).toThrow(/canonical/)
    expect(() => decodeStatement(kind, new Uint8Array(4097))).toThrow(/4097 bytes/)
    expect(() => decodeStatement(kind, bytes.subarray(0, bytes.length - 32))).toThrow(CodecError)
  })

  it('refuses an extra on kinds that have none', () => {
    const sample = fc.sample(statementArbitrary, { numRuns: 200, seed: 3 }).find((s) => s.kind === 'answer') as AnyStatement
    expect(() => decodeStatement('answer', encodeStatement({ ...sample, extra: '0x01' } as AnyStatement))).toThrow(
      /nothing extra/,
    )
  })

  it('reads back draw proofs and refuses short ones', () => {
    const proof = {
      transcoder: `0x${'12'.repeat(20)}` as Hex,
      windowId: 5n,
      index: 3,
      rendition: 1,
      bls: `0x${'ab'.repeat(48)}` as Hex,
    }
    expect(decodeDrawProof(encodeDrawProof(proof))).toEqual(proof)
    expect(() => decodeDrawProof(encodeDrawProof({ ...proof, bls: '0xab' }))).toThrow(/48 bytes/)
  })
})

describe('json of structs', () => {
  it('reads back every struct, with the same digest', () => {
    for (const name of Object.keys(STRUCTS) as StructName[]) {
      fc.assert(
        fc.property(structArbitrary(name), (value) => {
          const again = structFromJson(name, JSON.parse(JSON.stringify(structToJson(name, value))))
          expect(digestOf(DOMAIN, name, again)).toBe(digestOf(DOMAIN, name, value))
        }),
        { numRuns: 20 },
      )
    }
  })

  it.each([
    [
      'a missing field',
      { transcoder: `0x${'12'.repeat(20)}`, windowId: '1', root: `0x${'12'.repeat(32)}`, count: 1 },
      /closedAt/,
    ],
    [
      'an unknown field',
      { transcoder: `0x${'12'.repeat(20)}`, windowId: '1', root: `0x${'12'.repeat(32)}`, count: 1, closedAt: '1', x: 1 },
      /no field "x"/,
    ],
    [
      'upper-case hex',
      { transcoder: `0x${'AB'.repeat(20)}`, windowId: '1', root: `0x${'12'.repeat(32)}`, count: 1, closedAt: '1' },
      /lower-case/,
    ],
    [
      'a number where a decimal string belongs',
      { transcoder: `0x${'12'.repeat(20)}`, windowId: 1, root: `0x${'12'.repeat(32)}`, count: 1, closedAt: '1' },
      /decimal string/,
    ],
    [
      'a value that does not fit',
      { transcoder: `0x${'12'.repeat(20)}`, windowId: '1', root: `0x${'12'.repeat(32)}`, count: 2 ** 32, closedAt: '1' },
      /outside of uint32/,
    ],
    ['no object', [], /must be an object/],
  ])('refuses %s', (_, json, message) => {
    expect(() => structFromJson('WindowRoot', json)).toThrow(message)
  })
})
