import { Interface } from 'ethers'
import * as abis from '../../proofs/contracts/abi.ts'
import type { Hex } from '../../proofs/types.ts'

export const verifierInterface = new Interface(abis.FishermanVerifierAbi)
export const faultVerifierInterface = new Interface(abis.FaultVerifierAbi)
export const registryInterface = new Interface(abis.FishermanRegistryAbi)
export const depositInterface = new Interface(abis.SecurityDepositAbi)
export const delegationInterface = new Interface(abis.SignerDelegationAbi)
export const roundsInterface = new Interface(abis.IRoundsManagerAbi)
export const serviceRegistryInterface = new Interface(abis.LocalServiceRegistryAbi)
export const tokenInterface = new Interface(abis.TestTokenAbi)
export const anchorInterface = new Interface(abis.ReceiptAnchorAbi)
export const oracleInterface = new Interface(abis.MultisigDecoderOracleAbi)

const ALL = [
  verifierInterface,
  faultVerifierInterface,
  registryInterface,
  depositInterface,
  delegationInterface,
  tokenInterface,
  oracleInterface,
]

/** `CaseState` of the contract, by number. */
export const CASE_STATES = [
  ...(['none', 'open', 'answered', 'convicted', 'settled', 'expired', 'refunded', 'rejected', 'drawn'] as const),
]

/** A contract's refusal in words. */
export interface Refusal {
  /** Name of the custom error; `Error` for a text, `Panic` for a fault of the contract, `Unknown` for anything else. */
  error: string
  /** Name and arguments in one line. */
  reason: string
  args: Readonly<Record<string, unknown>>
}

/** Decodes the data of a revert with the errors of all our contracts. */
export function decodeRefusal(data: string | null | undefined): Refusal {
  if (!data || !/^0x([0-9a-fA-F]{2})+$/.test(data))
    return { error: 'Unknown', reason: 'reverted without a reason (malformed evidence, or no such contract)', args: {} }
  for (const candidate of ALL) {
    try {
      const parsed = candidate.parseError(data)
      if (!parsed) continue
      const args = Object.fromEntries(parsed.fragment.inputs.map((input, i) => [input.name || `${i}`, parsed.args[i] as unknown]))
      const text = Object.entries(args).map(([name, value]) => `${name} ${String(value)}`)
      return { error: parsed.name, reason: text.length ? `${parsed.name} (${text.join(', ')})` : parsed.name, args }
    } catch {
      // Arguments that do not decode: an error of another contract with the same selector.
    }
  }
  return { error: 'Unknown', reason: `reverted with unknown error ${data.slice(0, 10)}`, args: {} }
}

export function lower(address: string): Hex {
  return address.toLowerCase() as Hex
}
