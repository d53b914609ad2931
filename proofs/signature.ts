import { secp256k1 } from '@noble/curves/secp256k1.js'
import { keccak_256 } from '@noble/hashes/sha3.js'
import { digestOf } from './digest.ts'
import type { Domain, Hex, StructName, Structs } from './types.ts'
import { bytesToHex, hexToBytes } from './words.ts'

export { bytesToHex, hexToBytes }

/** Half of the curve's order: larger s values are malleable twins and refused, as the contracts do. */
const HALF_ORDER = 0x7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0n
const SIGNATURE = /^0x[0-9a-f]{130}$/

/**
 * The public key (65 bytes, uncompressed) that made a signature (r and s, 64 bytes) over 32 bytes; undefined or a throw where there is none.
 * Whoever checks many signatures brings a faster one than the default.
 */
export type RecoverKey = (digest: Uint8Array, signature: Uint8Array, recovery: 0 | 1) => Uint8Array | undefined

/** In JavaScript alone, so that it runs everywhere: 1.3 ms. */
const recoverKeyInScript: RecoverKey = (digest, signature, recovery) => {
  const compressed = secp256k1.recoverPublicKey(Uint8Array.of(recovery, ...signature), digest, { prehash: false })
  return secp256k1.Point.fromBytes(compressed).toBytes(false)
}

/** Address that signed a digest, or undefined for anything but a well-formed low-s signature with v 27 or 28. */
export function recoverAddress(digest: Hex, signature: Hex, recoverKey = recoverKeyInScript): Hex | undefined {
  if (!SIGNATURE.test(signature)) return undefined
  const v = Number.parseInt(signature.slice(130), 16)
  const s = BigInt(`0x${signature.slice(66, 130)}`)
  if ((v !== 27 && v !== 28) || s === 0n || s > HALF_ORDER) return undefined
  try {
    const key = recoverKey(hexToBytes(digest), hexToBytes(`0x${signature.slice(2, 130)}`), v === 27 ? 0 : 1)
    return key && addressOfPublicKey(key)
  } catch {
    return undefined
  }
}

/** Signer of a typed struct, or undefined. */
export function signerOf<N extends StructName>(
  domain: Domain,
  name: N,
  value: Structs[N],
  signature: Hex,
  recoverKey?: RecoverKey,
): Hex | undefined {
  return recoverAddress(digestOf(domain, name, value), signature, recoverKey)
}

function addressOfPublicKey(uncompressed: Uint8Array): Hex {
  return bytesToHex(keccak_256(uncompressed.subarray(1)).subarray(12))
}
