import { createHash } from 'node:crypto'
import { bls12_381 } from '@noble/curves/bls12-381.js'
import { bytesToHex, hexToBytes } from '../../proofs/signature.ts'
import type { Hex } from '../../proofs/types.ts'

// drand's quicknet: a group of organisations signs the number of each round, every three seconds, with a threshold key. Nobody knows a round's
// signature before it is out, and anybody can check it with the key below (https://docs.drand.love, scheme bls-unchained-g1-rfc9380).

export const QUICKNET = {
  chainHash: '52db9ba70e0cc0f6eaf7803dd07447a1f5477735fd3f661792ba94600c84e971',
  /** Of G2, 96 bytes; signatures are of G1, 48 bytes. */
  publicKey:
    '0x83cf0f2896adee7eb8b5f01fcad3912212c437e0073e911fb90022d3e760183c8c4b450b6a0a6c3ac6a5776a2d1064510d1fec758c921cc22b0e17e63aaf4bcb5ed66304de9cf809bd274ca73bab4af5a6e9c76a4bc09e76eae8991ef5ece45a',
  /** Unix seconds of round 1. */
  genesisSec: 1_692_803_367,
  periodSec: 3,
} as const

const scheme = bls12_381.shortSignatures
const DST = 'BLS_SIG_BLS12381G1_XMD:SHA-256_SSWU_RO_NUL_'

/** The first round that is out at this time or after it; all of them are of the future for whoever acted before. */
export function roundAt(timestampSec: number): number {
  return Math.max(1, Math.ceil((timestampSec - QUICKNET.genesisSec) / QUICKNET.periodSec) + 1)
}

/** Unix seconds at which a round is due. */
export function timeOfRound(round: number): number {
  return QUICKNET.genesisSec + (round - 1) * QUICKNET.periodSec
}

/** Is this the network's signature of this round? Hostile bytes are a plain no. About 20 ms. */
export function verifyRound(round: number, signature: Hex, publicKey: Hex = QUICKNET.publicKey): boolean {
  try {
    const number = Buffer.alloc(8)
    number.writeBigUInt64BE(BigInt(round))
    const message = createHash('sha256').update(number).digest()
    return scheme.verify(hexToBytes(signature), scheme.hash(message, DST), hexToBytes(publicKey))
  } catch {
    return false
  }
}

/** 32 bytes that everybody draws from. */
export function randomnessOf(signature: Hex): Hex {
  return bytesToHex(createHash('sha256').update(hexToBytes(signature)).digest())
}
