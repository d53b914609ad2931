import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  type AnyStatement,
  CodecError,
  type DrawProof,
  decodeAbi,
  decodeDrawProof,
  decodeStatement,
  encodeDrawProof,
  encodeStatement,
  STATEMENT_KINDS,
} from '../../proofs/codec.ts'
import { digestOf } from '../../proofs/digest.ts'
import {
  type Conviction,
  decodeEvidence,
  type Equivocation,
  encodeContradiction,
  encodeConviction,
  encodeDuplicate,
  encodeEquivocation,
  encodeMetering,
  encodePassThrough,
  encodeReuse,
  type PassThrough,
} from '../../proofs/evidence.ts'
import { readHex, structFromJson, structToJson } from '../../proofs/json.ts'
import { bytesToHex, hexToBytes } from '../../proofs/signature.ts'
import { STRUCTS } from '../../proofs/structs.ts'
import type { StructName } from '../../proofs/types.ts'
import {
  anyContradiction,
  anyConviction,
  anyDrawProof,
  anyDuplicate,
  anyEquivocation,
  anyPassThrough,
  anyReuse,
  anyStatement,
  anyStruct,
} from '../helpers/arbitraries.ts'
import { DOMAIN } from '../helpers/fixtures.ts'

/** Every changed byte is refused, or is read as what it now says: the one encoding of another value. */
function expectChanged<T>(bytes: Uint8Array, value: T, read: (bytes: Uint8Array) => T, write: (value: T) => Uint8Array): void {
  let found: T
  try {
    found = read(bytes)
  } catch (error) {
    if (error instanceof CodecError) return
    throw error
  }
  // Plain comparisons: this runs tens of thousands of times.
  if (isDeepStrictEqual(found, value)) throw new Error('other bytes are read as the same value')
  if (Buffer.compare(write(found), bytes) !== 0) throw new Error('a value has two encodings')
}

const FLIPS = [0x01, 0x80, 0xff]

/**
 * All bytes of an encoding, with their lowest, their highest and all of their bits turned, and every beginning of it. Long encodings are
 * looked at `sparsely`: every byte with one of the three, and beginnings at words and beside them; or every `step`-th byte, where an odd step
 * meets every place of a word.
 */
function expectOneEncoding<T>(
  value: T,
  read: (bytes: Uint8Array) => T,
  write: (value: T) => Uint8Array,
  { sparsely = false, step = 1 } = {},
): void {
  const bytes = write(value)
  expect(read(bytes)).toEqual(value)
  for (let at = 0; at < bytes.length; at += step) {
    for (const flip of sparsely ? [FLIPS[at % 3] as number] : FLIPS) {
      const changed = Uint8Array.from(bytes)
      changed[at] = (bytes[at] as number) ^ flip
      expectChanged(changed, value, read, write)
    }
    if (!sparsely || at % 32 < 2) expect(() => read(bytes.subarray(0, at)), `its first ${at} bytes`).toThrow(CodecError)
  }
}

const [toBytes, toHex] = [hexToBytes, bytesToHex]

describe('statement codec', () => {
  it('reads back what it wrote', () => {
    fc.assert(
      fc.property(anyStatement, (statement) => {
        expect(decodeStatement(statement.kind, encodeStatement(statement))).toEqual(statement)
      }),
      { numRuns: 200 },
    )
  })

  it.each(STATEMENT_KINDS)('has one encoding: every byte of a %s', (kind) => {
    const statement = fc.sample(anyStatement, { numRuns: 200, seed: 11 }).find((s) => s.kind === kind) as AnyStatement
    expectOneEncoding(statement, (bytes) => decodeStatement(kind, bytes), encodeStatement)
  })

  it('refuses any changed bytes or reads another statement, and never throws anything but a CodecError', () => {
    const flips = fc.array(fc.tuple(fc.nat(), fc.integer({ min: 1, max: 255 })), { minLength: 1, maxLength: 4 })
    fc.assert(
      fc.property(anyStatement, flips, (statement, changes) => {
        const bytes = encodeStatement(statement)
        const changed = Uint8Array.from(bytes)
        for (const [at, flip] of changes) changed[at % bytes.length] = (changed[at % bytes.length] as number) ^ flip
        // Two turns of one bit leave it as it was.
        if (Buffer.compare(bytes, changed) === 0) return
        expectChanged(changed, statement, (b) => decodeStatement(statement.kind, b), encodeStatement)
      }),
      { numRuns: 300 },
    )
  })

  it('takes no statement for one of another kind', () => {
    fc.assert(
      fc.property(anyStatement, fc.constantFrom(...STATEMENT_KINDS), (statement, kind) => {
        if (kind !== statement.kind) expect(() => decodeStatement(kind, encodeStatement(statement))).toThrow(CodecError)
      }),
    )
  })

  it('refuses trailing bytes, a second encoding of the same content, and too long a payload', () => {
    const [statement] = fc.sample(anyStatement, { numRuns: 1, seed: 7 })
    const bytes = encodeStatement(statement as AnyStatement)
    const kind = (statement as AnyStatement).kind
    expect(() => decodeStatement(kind, Uint8Array.from([...bytes, ...new Uint8Array(32)]))).toThrow(/canonical/)
    expect(() => decodeStatement(kind, new Uint8Array(4097))).toThrow(/4097 bytes/)
    expect(() => decodeStatement(kind, bytes.subarray(0, bytes.length - 32))).toThrow(CodecError)
  })

  it('refuses an extra on kinds that have none', () => {
    const sample = fc.sample(anyStatement, { numRuns: 200, seed: 3 }).find((s) => s.kind === 'answer') as AnyStatement
    expect(() => decodeStatement('answer', encodeStatement({ ...sample, extra: '0x01' } as AnyStatement))).toThrow(
      /nothing extra/,
    )
  })

  it('reads back draw proofs, which have one encoding', () => {
    const read = (bytes: Uint8Array) => decodeDrawProof(toHex(bytes))
    const write = (proof: DrawProof) => toBytes(encodeDrawProof(proof))
    fc.assert(
      fc.property(anyDrawProof, (proof) => {
        expect(read(write(proof))).toEqual(proof)
      }),
    )
    expectOneEncoding(fc.sample(anyDrawProof, { numRuns: 1, seed: 5 })[0] as DrawProof, read, write)
  })
})

describe('evidence codec', () => {
  it('reads back what it wrote, of every class', () => {
    fc.assert(
      fc.property(anyEquivocation, anyPassThrough, anyConviction, (o1, o3, d) => {
        expect(decodeEvidence('O1', encodeEquivocation(o1))).toEqual(o1)
        expect(decodeEvidence('O3', encodePassThrough(o3))).toEqual(o3)
        for (const name of ['D1', 'D2', 'D3'] as const) expect(decodeEvidence(name, encodeConviction(d))).toEqual(d)
      }),
      { numRuns: 50 },
    )
  })

  it('reads back O2, O4, O5 and O6', () => {
    fc.assert(
      fc.property(anyReuse, anyDuplicate, anyPassThrough, anyContradiction, (o2, o4, o5, o6) => {
        expect(decodeEvidence('O2', encodeReuse(o2))).toEqual(o2)
        expect(decodeEvidence('O4', encodeDuplicate(o4))).toEqual(o4)
        expect(decodeEvidence('O5', encodeMetering(o5))).toEqual(o5)
        expect(decodeEvidence('O6', encodeContradiction(o6))).toEqual(o6)
      }),
      { numRuns: 50 },
    )
  })

  it('has one encoding: every seventh byte of an O2, O4 and O6', () => {
    const sampled = <T>(any: fc.Arbitrary<T>, fits: (value: T) => boolean) =>
      fc.sample(any, { numRuns: 100, seed: 3 }).find(fits) as T
    const [o2, o4, o6] = [
      sampled(anyReuse, ({ frames }) => frames.length === 2),
      sampled(anyDuplicate, ({ a, b }) => a.path.length === 2 && b.path.length > 0),
      sampled(anyContradiction, ({ frames }) => frames.length === 2),
    ]
    const sparsely = { sparsely: true, step: 7 }
    expectOneEncoding(
      o2,
      (bytes) => decodeEvidence('O2', toHex(bytes)),
      (one) => toBytes(encodeReuse(one)),
      sparsely,
    )
    expectOneEncoding(
      o4,
      (bytes) => decodeEvidence('O4', toHex(bytes)),
      (one) => toBytes(encodeDuplicate(one)),
      sparsely,
    )
    expectOneEncoding(
      o6,
      (bytes) => decodeEvidence('O6', toHex(bytes)),
      (one) => toBytes(encodeContradiction(one)),
      sparsely,
    )
  })

  it.each(['receipts', 'leaves', 'windows'] as const)('has one encoding: every byte of an O1 by %s', (kind) => {
    const value = fc.sample(anyEquivocation, { numRuns: 50, seed: 3 }).find((one) => one.kind === kind) as Equivocation
    expectOneEncoding(
      value,
      (bytes) => decodeEvidence('O1', toHex(bytes)),
      (one) => toBytes(encodeEquivocation(one)),
      { sparsely: true },
    )
  })

  it('has one encoding: every byte of an O3 and of a conviction', () => {
    expectOneEncoding(
      fc.sample(anyPassThrough, { numRuns: 1, seed: 3 })[0] as PassThrough,
      (bytes) => decodeEvidence('O3', toHex(bytes)),
      (one) => toBytes(encodePassThrough(one)),
      { sparsely: true },
    )
    expectOneEncoding(
      fc.sample(anyConviction, { numRuns: 20, seed: 3 }).find(({ shares }) => shares.length === 3) as Conviction,
      (bytes) => decodeEvidence('D2', toHex(bytes)),
      (one) => toBytes(encodeConviction(one)),
      { sparsely: true },
    )
  })
})

describe('json of structs', () => {
  it('reads back every struct, with the same digest', () => {
    for (const name of Object.keys(STRUCTS) as StructName[]) {
      fc.assert(
        fc.property(anyStruct(name), (value) => {
          const again = structFromJson(name, JSON.parse(JSON.stringify(structToJson(name, value))))
          expect(digestOf(DOMAIN, name, again)).toBe(digestOf(DOMAIN, name, value))
        }),
        { numRuns: 20 },
      )
    }
  })

  it('takes no other value of a field, whatever JSON brings, and throws nothing but a CodecError', () => {
    const place = fc.constantFrom(...(Object.keys(STRUCTS) as StructName[])).chain((name) =>
      fc.record({
        name: fc.constant(name),
        value: anyStruct(name),
        field: fc.constantFrom(...STRUCTS[name].map((f) => f.name)),
      }),
    )
    fc.assert(
      fc.property(place, fc.jsonValue(), ({ name, value, field }, other) => {
        const json = { ...structToJson(name, value), [field]: other }
        let found: unknown
        try {
          found = structToJson(name, structFromJson(name, json))
        } catch (error) {
          if (!(error instanceof CodecError)) throw error
          return
        }
        // Minus zero is a JSON number, and zero.
        expect(found).toEqual({ ...json, [field]: other === 0 ? 0 : other })
      }),
      { numRuns: 500 },
    )
  })

  it('refuses a text of megabytes as it refuses a short one', () => {
    expect(() => readHex('a field', `0x${'ab'.repeat(30_000_000)}`, 32)).toThrow(CodecError)
  })

  it('reads no place over and over: a few bytes must not become millions', () => {
    const word = (value: number): string => value.toString(16).padStart(64, '0')
    // 300 lists that are all the one list of 300 words behind them.
    const outer = [word(32), word(300), ...Array<string>(300).fill(word(300 * 32))]
    const bomb = Buffer.from([...outer, word(300), ...Array<string>(300).fill(word(7))].join(''), 'hex')
    expect(() => decodeAbi(['bytes32[][]'], bomb)).toThrow(CodecError)
    const honest = Buffer.from([word(32), word(1), word(32), word(300), ...Array<string>(300).fill(word(7))].join(''), 'hex')
    expect(decodeAbi(['bytes32[][]'], honest)).toHaveLength(1)
  })
})
