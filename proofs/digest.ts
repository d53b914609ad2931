import { keccak_256 } from '@noble/hashes/sha3.js'
import { AbiCoder, TypedDataEncoder } from 'ethers'
import { STRUCTS, tupleOf } from './structs.ts'
import {
  type Domain,
  FAULT_CLASSES,
  type FaultClass,
  type FrameFp,
  type Hex,
  OUTCOMES,
  type Outcome,
  type Profile,
  type Rendition,
  type StructName,
  type Structs,
} from './types.ts'
import { bytesToHex, hexToBytes, structWords, taggedWords } from './words.ts'

const abi = AbiCoder.defaultAbiCoder()
export const ZERO_HASH: Hex = `0x${'0'.repeat(64)}`

const typeHashes = new Map<StructName, Uint8Array>()

/** keccak256 of the struct's type as EIP-712 writes it. */
function typeHashOf(name: StructName): Uint8Array {
  const known = typeHashes.get(name)
  if (known) return known
  const type = `${name}(${STRUCTS[name].map((field) => `${field.type} ${field.name}`).join(',')})`
  const hash = keccak_256(Buffer.from(type))
  typeHashes.set(name, hash)
  return hash
}

/** The EIP-712 domain that every signature of the network is made under. */
export function typedDomain(domain: Domain): { name: string; version: string; chainId: bigint; verifyingContract: Hex } {
  return { name: 'LivepeerFisherman', version: '1', chainId: domain.chainId, verifyingContract: domain.anchor }
}

const separators = new Map<string, Uint8Array>()

function separatorOf(domain: Domain): Uint8Array {
  const key = `${domain.chainId}:${domain.anchor}`
  const known = separators.get(key)
  if (known) return known
  const separator = Buffer.from(TypedDataEncoder.hashDomain(typedDomain(domain)).slice(2), 'hex')
  separators.set(key, separator)
  return separator
}

function structHashBytes<N extends StructName>(name: N, value: Structs[N]): Uint8Array {
  return keccak_256(Buffer.concat([typeHashOf(name), structWords(name, value)]))
}

/** EIP-712 hashStruct: equal to Solidity's keccak256(abi.encode(TYPEHASH, fields...)). */
export function structHash<N extends StructName>(name: N, value: Structs[N]): Hex {
  return bytesToHex(structHashBytes(name, value))
}

const PREFIX = Uint8Array.of(0x19, 0x01)

/** EIP-712 digest: what is signed. */
export function digestOf<N extends StructName>(domain: Domain, name: N, value: Structs[N]): Hex {
  return bytesToHex(keccak_256(Buffer.concat([PREFIX, separatorOf(domain), structHashBytes(name, value)])))
}

/** Written in one piece: ethers adds its digits one by one, which takes a kilobyte for as long as the hash is held. */
function keccakOf(hex: Hex): Hex {
  return bytesToHex(keccak_256(hexToBytes(hex)))
}

/** keccak256(abi.encode(types, values)). */
export function abiHash(types: readonly string[], values: readonly unknown[]): Hex {
  const words = taggedWords(types, values)
  return words ? bytesToHex(keccak_256(words)) : keccakOf(abi.encode(types, values) as Hex)
}

export function profileHashOf(profile: Profile): Hex {
  return structHash('Profile', profile)
}

/** keccak256 of the concatenated profile hashes, in the order of the ladder. */
export function profilesHashOf(profiles: readonly Profile[]): Hex {
  return keccakOf(`0x${profiles.map((profile) => profileHashOf(profile).slice(2)).join('')}`)
}

/** Merkle leaf: double keccak of the ABI encoding, as OpenZeppelin's standard tree. */
export function leafHash(types: readonly string[], values: readonly unknown[]): Hex {
  return keccakOf(abiHash(types, values))
}

export function renditionLeaf(rendition: Rendition): Hex {
  return leafHash(
    STRUCTS.Rendition.map((field) => field.type),
    STRUCTS.Rendition.map((field) => rendition[field.name as keyof Rendition]),
  )
}

export function frameLeaf(frame: FrameFp): Hex {
  return leafHash(
    STRUCTS.FrameFp.map((field) => field.type),
    STRUCTS.FrameFp.map((field) => frame[field.name as keyof FrameFp]),
  )
}

/** Leaf of a window: position in the list sorted by digest, and the receipt's digest. */
export function windowLeaf(index: number, receiptDigest: Hex): Hex {
  return leafHash(['uint32', 'bytes32'], [index, receiptDigest])
}

/** ABI encoding of one struct as a tuple: what contracts decode. */
export function abiOf<N extends StructName>(name: N, value: Structs[N]): Hex {
  return abi.encode([tupleOf(name)], [value]) as Hex
}

// Ids: keccak256(abi.encode(tag, ...)), tag = the name. Contracts recompute every one of them.

export function sampleIdOf(receiptDigest: Hex, rendition: number, windowId: bigint): Hex {
  return abiHash(['string', 'bytes32', 'uint16', 'uint64'], ['sampleId', receiptDigest, rendition, windowId])
}

export interface SealInput {
  fisherman: Hex
  sampleId: Hex
  beacon: Hex
  fingerprint: Hex
  outcome: Outcome
  salt: Hex
}

export function sealOf(input: SealInput): Hex {
  return abiHash(
    ['string', 'address', 'bytes32', 'bytes32', 'bytes32', 'uint8', 'bytes32'],
    ['seal', input.fisherman, input.sampleId, input.beacon, input.fingerprint, outcomeNumber(input.outcome), input.salt],
  )
}

export interface EvidenceInput {
  receiptDigest: Hex
  rendition: number
  sourceHash: Hex
  contentHash: Hex
  profileHash: Hex
  verdictVersion: number
}

/** Names the inputs of a verdict, never its measures: two honest machines agree on it bit for bit. */
export function evidenceHashOf(input: EvidenceInput): Hex {
  return abiHash(
    ['string', 'bytes32', 'uint16', 'bytes32', 'bytes32', 'bytes32', 'uint32'],
    [
      'evidenceHash',
      input.receiptDigest,
      input.rendition,
      input.sourceHash,
      input.contentHash,
      input.profileHash,
      input.verdictVersion,
    ],
  )
}

/** Hash of the evidence of an O class: class and bytes. */
export function objectiveEvidenceHash(faultClass: FaultClass, evidence: Hex): Hex {
  return abiHash(['string', 'uint8', 'bytes'], ['evidenceHash', FAULT_CLASSES[faultClass], evidence])
}

/** Id of a fault on one receipt: every class but O1 and O2. */
export function faultIdOf(faultClass: Exclude<FaultClass, 'O1' | 'O2'>, transcoder: Hex, receiptDigest: Hex): Hex {
  return abiHash(['string', 'uint8', 'address', 'bytes32'], ['faultId', FAULT_CLASSES[faultClass], transcoder, receiptDigest])
}

/** Id of an equivocation: `about` is the order's hash, or a window's id padded to 32 bytes for two roots of one window. */
export function equivocationIdOf(transcoder: Hex, about: Hex): Hex {
  return abiHash(['string', 'uint8', 'address', 'bytes32'], ['faultId', FAULT_CLASSES.O1, transcoder, about])
}

/** Id of a reuse (O2): two receipts, by their digests; the lower is first, so that the pair has one id. */
export function reuseIdOf(transcoder: Hex, lower: Hex, higher: Hex): Hex {
  return abiHash(['string', 'uint8', 'address', 'bytes32', 'bytes32'], ['faultId', FAULT_CLASSES.O2, transcoder, lower, higher])
}

/** Binds a vote to the work of its signer: the fingerprint is over frames drawn for this address alone. */
export function workCommitOf(signer: Hex, fingerprint: Hex): Hex {
  return abiHash(['string', 'address', 'bytes32'], ['workCommit', signer, fingerprint])
}

/** Frames that a fisherman must hash for a sample: i-th = keccak256(abi.encode(beacon, sampleId, fisherman, i)) mod frames. */
export function drawnFrames(beacon: Hex, sampleId: Hex, fisherman: Hex, frames: number, count = 8): number[] {
  if (!Number.isInteger(frames) || frames < 1) throw new RangeError(`cannot draw from ${frames} frames`)
  return Array.from({ length: count }, (_, i) =>
    Number(BigInt(abiHash(['bytes32', 'bytes32', 'address', 'uint256'], [beacon, sampleId, fisherman, i])) % BigInt(frames)),
  )
}

/** fingerprint = keccak256(abi.encode(uint32[] frames, bytes32[] pdq)). */
export function fingerprintOf(frames: readonly number[], pdq: readonly Hex[]): Hex {
  return abiHash(['uint32[]', 'bytes32[]'], [frames, pdq])
}

export function outcomeNumber(outcome: Outcome): number {
  return OUTCOMES.indexOf(outcome)
}
