import { AbiCoder, keccak256 } from 'ethers'
import { FAULT_CLASSES, type FaultClass, type Hex, type TranscodeReceipt } from '../../proofs/types.ts'
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

export function openData(faultClass: FaultClass, receipt: TranscodeReceipt, signature: Hex, evidenceHash: Hex): Hex {
  return encode('open', [FAULT_CLASSES[faultClass], receipt, signature, evidenceHash])
}

export function answerData(faultId: Hex, rebuttalHash: Hex): Hex {
  return encode('answer', [faultId, rebuttalHash])
}

export function convictData(faultClass: FaultClass, evidence: Hex): Hex {
  return encode('convict', [FAULT_CLASSES[faultClass], evidence])
}

export function caseData(action: 'expire' | 'settle' | 'appeal', faultId: Hex): Hex {
  return encode(action, [faultId])
}

/** Calldata of the FishermanRegistry. */
export function anchorData({ epoch, size, root }: AnchoredHead): Hex {
  return registryInterface.encodeFunctionData('anchorHead', [epoch, size, root]) as Hex
}

function encode(name: string, values: readonly unknown[]): Hex {
  return verifierInterface.encodeFunctionData(name, values) as Hex
}
