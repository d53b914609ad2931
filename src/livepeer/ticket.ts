import { keccak_256 } from '@noble/hashes/sha3.js'
import { personalDigestOfHash } from '../../proofs/segdata.ts'
import { bytesToHex, hexToBytes, recoverAddress } from '../../proofs/signature.ts'
import type { Hex } from '../../proofs/types.ts'
import { maxOf } from '../base/bigints.ts'
import type { PersonalSigner } from './signing.ts'
import type { ExpirationParams, TicketParams } from './types.ts'

// Livepeer pays by lottery tickets: each wins its whole face value with a small probability, and is worth the product of both. All of
// this is pure; layouts are those of go-livepeer's `pm/ticket.go` and of the contract that redeems.

/** L1 blocks for which a node keeps its parameters (pm/recipient.go). */
export const PARAMS_LIFE_BLOCKS = 40n

export interface Ticket {
  readonly params: TicketParams
  readonly sender: Hex
  readonly senderNonce: number
  readonly expirationParams: ExpirationParams | undefined
}

/** What the sender signs, and what the contract computes again. */
export function ticketHash({ params, sender, senderNonce, expirationParams }: Ticket): Hex {
  const packed = Buffer.concat([
    hexToBytes(params.recipient),
    hexToBytes(sender),
    word(params.faceValueWei),
    word(params.winProb),
    word(BigInt(senderNonce)),
    hexToBytes(params.recipientRandHash),
    auxData(expirationParams),
  ])
  return bytesToHex(keccak_256(packed))
}

/** Round and block hash of when the parameters were made; nothing at all where both are zero. */
function auxData(made: ExpirationParams | undefined): Uint8Array {
  if (!made || (made.creationRound === 0n && /^0x0*$/.test(made.creationRoundBlockHash))) return new Uint8Array()
  return Buffer.concat([word(made.creationRound), hexToBytes(made.creationRoundBlockHash)])
}

function word(value: bigint): Uint8Array {
  return hexToBytes(`0x${BigInt.asUintN(256, value).toString(16).padStart(64, '0')}`)
}

/** The personal signature of the hash itself: unlike all other messages, it is not hashed once more. */
export async function signTicket(signer: PersonalSigner, ticket: Ticket): Promise<Uint8Array> {
  return hexToBytes(await signer.signMessage(hexToBytes(ticketHash(ticket))))
}

export function ticketSender(ticket: Ticket, signature: Uint8Array): Hex | undefined {
  return recoverAddress(personalDigestOfHash(ticketHash(ticket)), bytesToHex(signature))
}

/** The draw: nobody knows its result before both the signature and the recipient's number are there. */
export function winsTicket(signature: Uint8Array, recipientRand: Uint8Array, winProb: bigint): boolean {
  const rand = Buffer.alloc(32)
  rand.set(recipientRand, 32 - recipientRand.length)
  return BigInt(bytesToHex(keccak_256(Buffer.concat([signature, rand])))) < winProb
}

/** Wei that a ticket is worth on average, rounded down. */
export function expectedValueWei({ faceValueWei, winProb }: Pick<TicketParams, 'faceValueWei' | 'winProb'>): bigint {
  return (faceValueWei * winProb) >> 256n
}

export function isExpired({ expirationBlock }: Pick<TicketParams, 'expirationBlock'>, l1Block: bigint): boolean {
  return l1Block >= expirationBlock
}

/** Tickets that bring a credit up to a fee; a node wants a credit of one ticket at least before it works. */
export function ticketsFor(feeWei: bigint, creditWei: bigint, evWei: bigint): bigint {
  const wanted = maxOf(feeWei, evWei)
  return creditWei >= wanted ? 0n : (wanted - creditWei + evWei - 1n) / evWei
}

/** What the contract holds for a sender. */
export interface SenderFunds {
  readonly depositWei: bigint
  readonly reserveWei: bigint
  /** Of the reserve, what this recipient took already in this round. */
  readonly claimedWei: bigint
  /** Orchestrators among which a reserve is divided. */
  readonly poolSize: bigint
  /** From this round on the sender may withdraw; 0 where it did not ask to. */
  readonly withdrawRound: bigint
}

/** Why a winning ticket could not be paid in full; undefined where it could. */
export function fundsProblem(faceValueWei: bigint, funds: SenderFunds): string | undefined {
  const { depositWei, reserveWei, claimedWei, poolSize, withdrawRound } = funds
  if (depositWei === 0n && reserveWei === 0n) return 'the payer has neither deposit nor reserve in the TicketBroker'
  if (withdrawRound > 0n) return `the payer asked to withdraw in round ${withdrawRound}; nodes take no tickets of it`
  const share = poolSize > 0n ? reserveWei / poolSize : 0n
  const claimable = share > claimedWei ? share - claimedWei : 0n
  if (faceValueWei > depositWei + claimable)
    return `a ticket has a face value of ${faceValueWei} wei; deposit (${depositWei}) and share of the reserve (${claimable}) cannot pay it`
  return undefined
}
