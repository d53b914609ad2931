import { AbiCoder, keccak256 } from 'ethers'
import { FAULT_CLASSES, type FaultClass, type Hex, type Rendition, type TranscodeReceipt } from '../../proofs/types.ts'
import { registryInterface, verifierInterface } from './contracts.ts'
import type { AnchoredHead } from './types.ts'

// Pure: evidence -> calldata of the contracts.

const abi = AbiCoder.defaultAbiCoder()

/** keccak256(abi.encode("commit", sender, faultId, salt)): names nobody, and is of no use to another sender. */
export function commitmentOf(sender: Hex, faultId: Hex, salt: Hex): Hex {
  return keccak256(abi.encode(['string', 'address', 'bytes32', 'bytes32'], ['commit', sender, faultId, salt])) as Hex
}

export function commitData(commitment: Hex): Hex {
  return encode('commit', [commitment])
}

export function revealData(faultClass: FaultClass, evidence: Hex, salt: Hex): Hex {
  return encode('reveal', [FAULT_CLASSES[faultClass], evidence, salt])
}

/** What an accusation is about: a rendition that the node signed, and the version of the lines that it was judged by. */
export interface Accusation {
  faultClass: FaultClass
  receipt: TranscodeReceipt
  signature: Hex
  rendition: Rendition
  /** From the rendition to `renditionsRoot`. */
  path: readonly Hex[]
  verdictVersion: number
}

export function openData({ faultClass, receipt, signature, rendition, path, verdictVersion }: Accusation): Hex {
  return encode('open', [FAULT_CLASSES[faultClass], receipt, signature, rendition, path, verdictVersion])
}

export function answerData(faultId: Hex, rebuttalHash: Hex): Hex {
  return encode('answer', [faultId, rebuttalHash])
}

export function convictData(faultClass: FaultClass, evidence: Hex): Hex {
  return encode('convict', [FAULT_CLASSES[faultClass], evidence])
}

/** Votes with faultClass 0 reject a case, votes with 255 draw it. */
export function dismissData(action: 'reject' | 'draw', evidence: Hex): Hex {
  return encode(action, [evidence])
}

export function appealData(faultId: Hex, claimHash: Hex): Hex {
  return encode('fileAppeal', [faultId, claimHash])
}

/** All signers of the overturned conviction, ascending. */
export function penaliseData(faultId: Hex, signers: readonly Hex[]): Hex {
  return encode('penaliseSigners', [faultId, signers])
}

export function caseData(action: 'expire' | 'settle' | 'appeal', faultId: Hex): Hex {
  return encode(action, [faultId])
}

/** Calldata of the FishermanRegistry. */
export function anchorData({ epoch, size, root }: AnchoredHead): Hex {
  return registryInterface.encodeFunctionData('anchorHead', [epoch, size, root]) as Hex
}

export function silentData(member: Hex): Hex {
  return registryInterface.encodeFunctionData('markSilent', [member]) as Hex
}

/** Names one silence of one member, as a fault's id names a fault: after its next head it can be silent again. */
export function silenceIdOf(member: Hex, seenAtSec: number): Hex {
  return keccak256(abi.encode(['string', 'address', 'uint64'], ['silent', member, seenAtSec])) as Hex
}

function encode(name: string, values: readonly unknown[]): Hex {
  return verifierInterface.encodeFunctionData(name, values) as Hex
}
