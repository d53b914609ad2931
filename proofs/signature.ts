import { secp256k1 } from '@noble/curves/secp256k1.js'
import { keccak256 } from 'ethers'
import { digestOf } from './digest.ts'
import type { Domain, Hex, StructName, Structs } from './types.ts'

/** Half of the curve's order: larger s values are malleable twins and refused, as the contracts do. */
const HALF_ORDER = 0x7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0n
const SIGNATURE = /^0x[0-9a-f]{130}$/

/** Address that signed a digest, or undefined for anything but a well-formed low-s signature with v 27 or 28. */
export function recoverAddress(digest: Hex, signature: Hex): Hex | undefined {
  if (!SIGNATURE.test(signature)) return undefined
  const v = Number.parseInt(signature.slice(130), 16)
  const s = BigInt(`0x${signature.slice(66, 130)}`)
  if ((v !== 27 && v !== 28) || s === 0n || s > HALF_ORDER) return undefined
  try {
    const bytes = hexToBytes(`0x${(v - 27).toString(16).padStart(2, '0')}${signature.slice(2, 130)}`)
    const compressed = secp256k1.recoverPublicKey(bytes, hexToBytes(digest), { prehash: false })
    return addressOfPublicKey(secp256k1.Point.fromBytes(compressed).toBytes(false))
  } catch {
    return undefined
  }
}

/** Signer of a typed struct, or undefined. */
export function signerOf<N extends StructName>(domain: Domain, name: N, value: Structs[N], signature: Hex): Hex | undefined {
  return recoverAddress(digestOf(domain, name, value), signature)
}

function addressOfPublicKey(uncompressed: Uint8Array): Hex {
  return `0x${keccak256(uncompressed.subarray(1)).slice(-40)}`
}

export function hexToBytes(hex: Hex): Uint8Array {
  return Uint8Array.from(Buffer.from(hex.slice(2), 'hex'))
}

export function bytesToHex(bytes: Uint8Array): Hex {
  return `0x${Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex')}`
}
