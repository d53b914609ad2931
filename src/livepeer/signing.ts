import { keccak_256 } from '@noble/hashes/sha3.js'
import { personalDigest } from '../../proofs/segdata.ts'
import { bytesToHex, hexToBytes, recoverAddress } from '../../proofs/signature.ts'
import type { Hex } from '../../proofs/types.ts'

export { flatten } from '../../proofs/segdata.ts'

/** A key that signs personal messages; where it lies is not our business. Addresses in lower case. */
export interface PersonalSigner {
  readonly address: Hex
  /** Over `\x19Ethereum Signed Message:\n<length>` and the message: 65 bytes, v 27 or 28. */
  signMessage(message: Uint8Array): Promise<Hex>
}

/** go-livepeer's one way to sign, for everything: the personal signature of the 32 bytes of keccak256. */
export async function signLivepeer(signer: PersonalSigner, message: Uint8Array): Promise<Uint8Array> {
  return hexToBytes(await signer.signMessage(keccak_256(message)))
}

/** Who signed a message in that way; undefined for anything but 65 bytes with a low s and v 27 or 28. */
export function recoverLivepeer(message: Uint8Array, signature: Uint8Array): Hex | undefined {
  return recoverAddress(personalDigest(message), bytesToHex(signature))
}

/** EIP-55: the form of an address that a request for information signs. */
export function checksummed(address: Hex): string {
  const digits = address.slice(2).toLowerCase()
  const hash = Buffer.from(keccak_256(Buffer.from(digits, 'ascii'))).toString('hex')
  const cased = [...digits].map((digit, i) => (Number.parseInt(hash[i] as string, 16) >= 8 ? digit.toUpperCase() : digit))
  return `0x${cased.join('')}`
}

/** What the caller of GetOrchestrator signs: its own address. The same for every node and for ever. */
export function callerMessage(address: Hex): Uint8Array {
  return Buffer.from(checksummed(address), 'utf8')
}

/** What a node's signature of a result covers: keccak256 of each rendition, in order, and nothing else. No evidence of anything: `Ping` signs it too. */
export function resultMessage(contentHashes: readonly Hex[]): Uint8Array {
  return Buffer.concat(contentHashes.map(hexToBytes))
}
