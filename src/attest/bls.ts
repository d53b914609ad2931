import { bls12_381 } from '@noble/curves/bls12-381.js'
import { bytesToHex, hexToBytes } from '../../proofs/signature.ts'
import type { Hex } from '../../proofs/types.ts'
import type { Signer } from './keys.ts'

// Draws need a signature that only its owner can make and that has exactly one value for a message: BLS (RFC 9380 hashing, signatures in
// G1 as they travel by gossip, 48 bytes; keys in G2, 96 bytes, as they lie in the registry). About 5 ms to sign and 20 ms to verify.

const scheme = bls12_381.shortSignatures
/** Domain separation: a draw can never be a proof of possession, nor anything of another network. */
const DRAW = 'FISHERMAN-DRAW-V1-BLS12381G1_XMD:SHA-256_SSWU_RO_'
const POSSESSION = 'FISHERMAN-POP-V1-BLS12381G1_XMD:SHA-256_SSWU_RO_'

export interface BlsKeys {
  readonly publicKey: Hex
  /** Shows that the registrant holds the key: without it, rogue keys could cancel others in an aggregate. */
  readonly proofOfPossession: Hex
  /** Signs a 32-byte draw message. */
  signDraw(message: Hex): Hex
}

/** The BLS key of a fisherman, derived from its one key, so that there is one thing to keep safe. */
export async function blsKeysOf(signer: Signer): Promise<BlsKeys> {
  const seed = await signer.derive('bls draw key')
  // 48 bytes reduced modulo the order leave no measurable bias; HKDF gave 32, hashed once more for the rest.
  const more = new Uint8Array(await crypto.subtle.digest('SHA-256', Uint8Array.from(seed)))
  const secret = bls12_381.fields.Fr.toBytes(bls12_381.fields.Fr.create(BigInt(bytesToHex(Uint8Array.from([...seed, ...more])))))
  const publicKey = scheme.getPublicKey(secret).toBytes()
  return {
    publicKey: bytesToHex(publicKey),
    proofOfPossession: bytesToHex(
      scheme.sign(scheme.hash(possessionMessage(publicKey, signer.address), POSSESSION), secret).toBytes(),
    ),
    signDraw: (message) => bytesToHex(scheme.sign(scheme.hash(hexToBytes(message), DRAW), secret).toBytes()),
  }
}

/** Is this the owner's one signature of the draw message? Hostile bytes are a plain no. */
export function verifyDraw(message: Hex, signature: Hex, publicKey: Hex): boolean {
  return verify(hexToBytes(message), DRAW, signature, publicKey)
}

export function verifyPossession(publicKey: Hex, proof: Hex, owner: Hex): boolean {
  return verify(possessionMessage(hexToBytes(publicKey), owner), POSSESSION, proof, publicKey)
}

function verify(message: Uint8Array, dst: string, signature: Hex, publicKey: Hex): boolean {
  try {
    return scheme.verify(hexToBytes(signature), scheme.hash(message, dst), hexToBytes(publicKey))
  } catch {
    return false
  }
}

/** The owner's address is inside, so that nobody registers a key with somebody else's proof. */
function possessionMessage(publicKey: Uint8Array, owner: Hex): Uint8Array {
  return Uint8Array.from([...publicKey, ...hexToBytes(owner)])
}
