import { AbiCoder, keccak256, TypedDataEncoder } from 'ethers'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { encodeStatement, STATEMENT_STRUCTS } from '../../proofs/codec.ts'
import { abiHash, digestOf, profileHashOf, profilesHashOf, structHash, typedDomain, windowLeaf } from '../../proofs/digest.ts'
import { type FieldType, STRUCTS, tupleOf } from '../../proofs/structs.ts'
import type { Profile, StructName } from '../../proofs/types.ts'
import { readStruct, structWords, taggedWords } from '../../proofs/words.ts'
import { anyStatement, anyStruct } from '../helpers/arbitraries.ts'
import { DOMAIN, hash, PROFILE } from '../helpers/fixtures.ts'
import { held } from '../helpers/heap.ts'

const abi = AbiCoder.defaultAbiCoder()
const hex = (bytes: Uint8Array) => `0x${Buffer.from(bytes).toString('hex')}`
const NAMES = Object.keys(STRUCTS) as StructName[]

describe('our words beside a general coder', () => {
  it.each(NAMES)('%s: the same encoding, the same hash, the same digest', (name) => {
    const encoder = TypedDataEncoder.from({ [name]: STRUCTS[name].map((field) => ({ ...field })) })
    const types = { [name]: STRUCTS[name].map((field) => ({ ...field })) }
    fc.assert(
      fc.property(anyStruct(name), (value) => {
        const plain = value as unknown as Record<string, unknown>
        const words = structWords(name, value)
        expect(hex(words)).toBe(abi.encode([tupleOf(name)], [plain]))
        expect(readStruct(name, words)).toEqual(value)
        expect(structHash(name, value)).toBe(encoder.hashStruct(name, plain))
        expect(digestOf(DOMAIN, name, value)).toBe(TypedDataEncoder.hash(typedDomain(DOMAIN), types, plain))
      }),
      { numRuns: 50 },
    )
  })

  it('a tag and words: the same encoding and the same hash, whatever the tag and the types', () => {
    const hexOf = (bytes: number) => fc.uint8Array({ minLength: bytes, maxLength: bytes }).map(hex)
    const integer = (bits: number) => fc.bigInt({ min: 0n, max: 2n ** BigInt(bits) - 1n })
    const values: Record<FieldType, fc.Arbitrary<unknown>> = {
      ...{ uint8: integer(8), uint16: integer(16), uint32: integer(32), uint64: integer(64) },
      ...{ int32: fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }), address: hexOf(20), bytes32: hexOf(32) },
    }
    const field = fc
      .constantFrom(...(Object.keys(values) as FieldType[]))
      .chain((type) => fc.tuple(fc.constant<string>(type), values[type]))
    const tag = fc.tuple(fc.constant('string'), fc.string({ maxLength: 40, unit: 'grapheme' }))
    fc.assert(
      fc.property(fc.option(tag), fc.array(field, { maxLength: 8 }), (first, rest) => {
        const all = first ? [first, ...rest] : rest
        const [types, plain] = [all.map(([type]) => type), all.map(([, value]) => value)]
        const expected = abi.encode(types, plain)
        const words = taggedWords(types, plain)
        if (words) expect(hex(words)).toBe(expected)
        // Only a tag that is long, empty or not of plain letters is left to the general coder.
        else expect(first?.[1]).not.toMatch(/^[\w/ ]{1,32}$/)
        expect(abiHash(types, plain)).toBe(keccak256(expected))
      }),
      { numRuns: 1_000 },
    )
  })

  it('leaves to the general coder what is no word', () => {
    for (const type of ['bytes', 'uint256', 'uint32[]', 'string', 'bytes4'])
      expect(taggedWords([type, type], ['0x', '0x'])).toBeUndefined()
    expect(taggedWords(['uint8', 'uint8'], [1])).toBeUndefined()
    for (const value of ['3', 256, -1, 0.5, undefined]) expect(taggedWords(['string', 'uint8'], ['tag', value])).toBeUndefined()
    expect(abiHash(['uint8'], ['3'])).toBe(abiHash(['uint8'], [3]))
    expect(() => abiHash(['string', 'uint8'], ['tag', 256])).toThrow(/out-of-bounds/)
  })

  it('statements: the same bytes', () => {
    fc.assert(
      fc.property(anyStatement, (statement) => {
        const { kind, body, signer, extra, signature } = statement
        const types = [tupleOf(STATEMENT_STRUCTS[kind]), 'address', 'bytes', 'bytes']
        expect(hex(encodeStatement(statement))).toBe(abi.encode(types, [body, signer, extra, signature]))
      }),
      { numRuns: 300 },
    )
  })
})

const profile: Profile = {
  ...{ width: 640, height: 360, bitrate: 800_000, fpsNum: 30, fpsDen: 1, codec: 0, h264Profile: 3, gopMs: -1, container: 0 },
  quality: 0,
}

describe('a value that is not of its type', () => {
  it.each([
    ['quality', 256],
    ['quality', -1],
    ['width', 2 ** 32],
    ['gopMs', 2 ** 31],
    ['gopMs', -(2 ** 31) - 1],
    ['fpsNum', 29.97],
    ['fpsNum', Number.NaN],
    ['fpsNum', '30'],
    ['fpsNum', undefined],
  ])('%s = %s is not written: the error names the field', (field, value) => {
    expect(() => structWords('Profile', { ...profile, [field]: value })).toThrow(new RegExp(`^${field}: `))
  })

  it.each([
    ['transcoder', `0x${'ab'.repeat(19)}`],
    ['root', `0x${'ab'.repeat(33)}`],
    ['root', 'ab'.repeat(33)],
    ['windowId', 1n << 64n],
    ['windowId', -1n],
  ])('nor %s = %s', (field, value) => {
    const good = {
      ...{ transcoder: `0x${'11'.repeat(20)}`, windowId: 1n, root: `0x${'22'.repeat(32)}`, count: 1, closedAt: 1n },
    }
    expect(() => structWords('WindowRoot', { ...good, [field]: value } as never)).toThrow(new RegExp(`^${field}: `))
  })

  it('is not read: bits that the type does not have', () => {
    const words = structWords('Profile', profile)
    for (let at = 0; at < words.length; at++) {
      const word = at % 32
      // bytes 28 and later belong to values of 32 bits, the last one alone to those of 8.
      const isNarrow = [5, 6, 8, 9].includes(Math.floor(at / 32))
      if (word >= (isNarrow ? 31 : 28)) continue
      const changed = Buffer.from(words)
      changed[at] = (changed[at] as number) ^ 0x10
      expect(readStruct('Profile', changed), `byte ${at}`).toBeUndefined()
    }
  })
})

describe('a hash that is held', () => {
  it('takes what its digits take, and is the one that a general coder makes', () => {
    const { bytes, made } = held(() => Array.from({ length: 2_000 }, (_, i) => windowLeaf(i, hash(i))))
    expect(bytes / 2_000).toBeLessThan(400)
    for (const i of [0, 1, 1_999]) expect(made[i]).toBe(keccak256(keccak256(abi.encode(['uint32', 'bytes32'], [i, hash(i)]))))
    expect(profilesHashOf([])).toBe(keccak256('0x'))
    expect(profilesHashOf([PROFILE, PROFILE])).toBe(keccak256(`${profileHashOf(PROFILE)}${profileHashOf(PROFILE).slice(2)}`))
  })
})
