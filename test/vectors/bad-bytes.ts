import { Signature } from 'ethers'
import { encodeDrawProof, encodeStatement, type StatementKind } from '../../proofs/codec.ts'
import { digestOf } from '../../proofs/digest.ts'
import { recoverAddress } from '../../proofs/signature.ts'
import type { Domain, Hex, StructName } from '../../proofs/types.ts'
import { addressOf } from '../helpers/fixtures.ts'
import { counted, DOMAIN, fisherman, json, node, sign, toHex } from './common.ts'
import { statementOf } from './formats.ts'

/** Order of the curve; s above its half is the twin of a signature that everybody knows. */
const ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n

export interface BadCase {
  name: string
  what: string
  reason: string
  [field: string]: unknown
}

const word = (value: bigint | number) => value.toString(16).padStart(64, '0')
/** Replaces whole words, by their number. */
const words = (hex: Hex, changes: Readonly<Record<number, string>>): Hex =>
  `0x${(hex.slice(2).match(/.{64}/g) as string[]).map((old, i) => changes[i] ?? old).join('')}`
/** Dirt in the first byte of a word. */
const dirty = (hex: Hex, at: number): Hex => {
  const start = 2 + 64 * at
  return `${hex.slice(0, start)}ff${hex.slice(start + 2)}` as Hex
}

export async function badStatements(): Promise<BadCase[]> {
  const bytesOf = async (kind: StatementKind) => toHex(encodeStatement(await statementOf(kind)))
  const [window, sealed, answer, vote, head] = await Promise.all(
    (['window', 'sealed', 'answer', 'vote', 'head'] as const).map(bytesOf),
  )
  if (!window || !sealed || !answer || !vote || !head) throw new Error('a kind is missing')
  const withExtra = async (kind: StatementKind) =>
    toHex(encodeStatement({ ...(await statementOf(kind)), extra: '0x01' } as Parameters<typeof encodeStatement>[0]))
  const bad = (name: string, kind: StatementKind, bytes: string, reason: string): BadCase => ({
    ...{ name, what: 'statement', reason, kind, bytes },
  })
  const notCanonical = 'not the canonical encoding'
  // Words of a window: 0..4 the struct, 5 signer, 6 offset of extra, 7 offset of the signature, 8 length of extra, 9 length of the
  // signature, 10..12 the signature.
  return [
    bad('nothing at all', 'window', '0x', notCanonical),
    bad('one word after the end', 'window', `${window}${word(0)}`, notCanonical),
    bad('one byte after the end', 'window', `${window}00`, notCanonical),
    bad('the last byte is missing', 'window', window.slice(0, -2), notCanonical),
    bad(
      'one byte over the limit',
      'window',
      `${window}${'00'.repeat(4097 - (window.length - 2) / 2)}`,
      '4097 bytes, at most 4096',
    ),
    bad('padding after the signature is not zero', 'window', `${window.slice(0, -2)}01`, notCanonical),
    bad('a uint32 with dirt above it', 'window', dirty(window, 3), notCanonical),
    bad('a uint64 with dirt above it', 'window', dirty(window, 1), notCanonical),
    bad('an address with dirt above it', 'window', dirty(window, 0), notCanonical),
    bad('a signer with dirt above it', 'window', dirty(window, 5), notCanonical),
    bad('an outcome of 256', 'answer', words(answer, { 3: word(256) }), notCanonical),
    bad(
      'a gap before extra',
      'window',
      `${words(window, { 6: word(0x140), 7: word(0x160) }).slice(0, 2 + 64 * 8)}${word(0).repeat(2)}${window.slice(2 + 64 * 8)}`,
      notCanonical,
    ),
    bad(
      'the signature before extra',
      'window',
      `${words(window, { 6: word(0x180), 7: word(0x100) }).slice(0, 2 + 64 * 8)}${window.slice(2 + 64 * 9)}${word(0)}`,
      notCanonical,
    ),
    bad('extra and signature are the same bytes', 'sealed', words(sealed, { 4: word(0x1e0) }), notCanonical),
    bad('an offset beyond the end', 'window', words(window, { 7: word(0x10000) }), notCanonical),
    bad('an offset of 2^255', 'window', words(window, { 7: `8${'0'.repeat(63)}` }), notCanonical),
    bad('a length beyond the end', 'window', words(window, { 9: word(0x10000) }), notCanonical),
    bad('a statement of another kind', 'answer', window, notCanonical),
    bad('a sealed answer read as a head', 'head', sealed, notCanonical),
    bad('something extra on an answer', 'answer', await withExtra('answer'), 'carries nothing extra'),
    bad('something extra on a vote', 'vote', await withExtra('vote'), 'carries nothing extra'),
    bad('something extra on a head', 'head', await withExtra('head'), 'carries nothing extra'),
  ]
}

export function badDrawProofs(): BadCase[] {
  const proof = { transcoder: addressOf(node), windowId: 7n, index: 3, rendition: 1, bls: `0x${'bb'.repeat(48)}` as Hex }
  const good = encodeDrawProof(proof)
  const bad = (name: string, bytes: string, reason: string): BadCase => ({ name, what: 'draw-proof', reason, bytes })
  return [
    bad('a draw proof with 47 bytes of signature', encodeDrawProof({ ...proof, bls: `0x${'bb'.repeat(47)}` }), '48 bytes'),
    bad('a draw proof with 49 bytes of signature', encodeDrawProof({ ...proof, bls: `0x${'bb'.repeat(49)}` }), '48 bytes'),
    bad('a draw proof with one word after its end', `${good}${word(0)}`, 'not the canonical encoding'),
    bad('a draw proof with half a byte after its end', `${good}0`, 'not the canonical encoding'),
    bad('a draw proof in upper-case hex', `0x${good.slice(2).toUpperCase()}`, 'not the canonical encoding'),
    bad('a draw proof with dirt above its rendition', dirty(good, 3), 'not the canonical encoding'),
    bad('a draw proof that is empty', '0x', 'not the ABI encoding'),
  ]
}

export async function badSignatures(): Promise<BadCase[]> {
  const value = counted('Answer')
  const signer = addressOf(fisherman)
  const digest = digestOf(DOMAIN, 'Answer', value)
  const good = await sign(fisherman, 'Answer', value)
  const { r, s, v } = Signature.from(good)
  const make = (parts: { r?: string; s?: bigint; v?: number }) =>
    `${parts.r ?? r}${word(parts.s ?? BigInt(s))}${(parts.v ?? v).toString(16).padStart(2, '0')}` as Hex
  const bad = (name: string, signature: Hex, reason: string): BadCase => ({
    ...{ name, what: 'signature', reason, struct: 'Answer' satisfies StructName, value: json('Answer', value) },
    ...{ signature, signer, recovered: recoverAddress(digest, signature) ?? null },
  })
  const under = (domain: Domain) => sign(fisherman, 'Answer', value, domain)
  return [
    bad('the high-s twin', make({ s: ORDER - BigInt(s), v: v === 27 ? 28 : 27 }), 'no signature: s is above half of the order'),
    bad('v of 0', make({ v: 0 }), 'no signature: v is 27 or 28'),
    bad('v of 1', make({ v: 1 }), 'no signature: v is 27 or 28'),
    bad('v of 29', make({ v: 29 }), 'no signature: v is 27 or 28'),
    bad('the other v', make({ v: v === 27 ? 28 : 27 }), 'recovers another address'),
    bad('64 bytes, as EIP-2098 has them', `${r}${Signature.from(good).yParityAndS.slice(2)}` as Hex, 'no signature: 65 bytes'),
    bad('66 bytes', `${good}00`, 'no signature: 65 bytes'),
    bad('no bytes', '0x', 'no signature: 65 bytes'),
    bad('r of zero', make({ r: `0x${word(0)}` }), 'no signature: r is zero'),
    bad('s of zero', make({ s: 0n }), 'no signature: s is zero'),
    bad('r of the order', make({ r: `0x${word(ORDER)}` }), 'no signature: r is not below the order'),
    bad('upper-case hex', `0x${good.slice(2).toUpperCase()}`, 'no signature: lower-case hex'),
    bad('another chain', await under({ ...DOMAIN, chainId: 1n }), 'recovers another address'),
    bad('another anchor', await under({ ...DOMAIN, anchor: `0x${'a2'.repeat(20)}` }), 'recovers another address'),
    bad('another field', await sign(fisherman, 'Answer', { ...value, outcome: value.outcome + 1 }), 'recovers another address'),
    bad(
      'a personal message instead of typed data',
      (await fisherman.signMessage(Buffer.from(digest.slice(2), 'hex'))) as Hex,
      'recovers another address',
    ),
    bad('the digest of another struct', await sign(fisherman, 'BlobRequest', counted('BlobRequest')), 'recovers another address'),
  ]
}
