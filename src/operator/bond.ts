import type { Hex } from '../../proofs/types.ts'
import { blsKeysOf } from '../attest/bls.ts'
import { FishermanError } from '../base/errors.ts'
import {
  type BondPlan,
  type BondView,
  bondOf,
  type DepositView,
  depositOf,
  type Purse,
  planBond,
  planBondExit,
  planBondWithdraw,
  planDeposit,
  planDepositWithdraw,
  planThaw,
  purseOf,
  type Waits,
} from '../chain/bonds.ts'
import { addressOfText, tokensOf } from '../chain/settings.ts'
import type { Site } from '../chain/site.ts'
import type { Waiting } from '../chain/types.ts'
import { type OpenPlace, type PlaceFlags, withPlace } from './place.ts'

export type { BondView, DepositView, Purse } from '../chain/bonds.ts'

export interface BondStatus {
  bond: BondView
  deposit: DepositView
  purse: Purse
}

/** Bond, deposit and funds of an address; of our key where none is given. */
export async function bondStatus(flags: PlaceFlags, address: string | undefined, options: Waiting): Promise<BondStatus> {
  const given = address === undefined ? undefined : addressOfText('--address', address)
  return await withPlace(
    flags,
    { key: given === undefined ? 'needed' : 'unused' },
    async ({ site }) => await statusOf(site, given ?? site.own(), options),
    options,
  )
}

async function statusOf(site: Site, address: Hex, options: Waiting): Promise<BondStatus> {
  return {
    bond: await bondOf(site, address),
    deposit: await depositOf(site, address),
    purse: await purseOf(site, address, options),
  }
}

export type BondAction = 'deposit' | 'exit' | 'withdraw'

export interface BondRequest {
  action: BondAction
  /** The security deposit of an orchestrator instead of the bond of a fisherman. */
  orchestrator: boolean
  /** Tokens, as a person types them. */
  amount?: string
}

export interface BondDeps {
  /** Whether what is about to be done shall be done. */
  confirm(plan: BondPlan): Promise<boolean>
  onSent(what: string, tx: Hex): void
  waits: Waits
}

export interface BondDone {
  txs: Hex[]
  status: BondStatus
}

/** Does it, one transaction after the other; undefined where `confirm` says no. */
export async function moveBond(
  flags: PlaceFlags,
  request: BondRequest,
  deps: BondDeps,
  options: Waiting,
): Promise<BondDone | undefined> {
  const amount = amountOf(request)
  return await withPlace(
    flags,
    { key: 'needed' },
    async (open) => {
      const plan = await planOf(open, request, amount, deps, options)
      if (!(await deps.confirm(plan))) return undefined
      const txs: Hex[] = []
      for (const step of plan.steps) {
        const { tx } = await open.site.perform(step, options)
        deps.onSent(step.what, tx)
        txs.push(tx)
      }
      return { txs, status: await statusOf(open.site, open.site.own(), options) }
    },
    options,
  )
}

async function planOf(
  { site, signer }: OpenPlace,
  { action, orchestrator }: BondRequest,
  amount: bigint | undefined,
  { waits }: BondDeps,
  options: Waiting,
): Promise<BondPlan> {
  if (action === 'exit') return orchestrator ? await planThaw(site, amount) : await planBondExit(site)
  if (action === 'withdraw')
    return orchestrator ? await planDepositWithdraw(site, waits, options) : await planBondWithdraw(site, waits, options)
  if (amount === undefined || !signer) throw bad('say how many tokens: fisherman bond deposit 250')
  if (orchestrator) return await planDeposit(site, amount, options)
  const { publicKey: blsPublicKey, proofOfPossession } = await blsKeysOf(signer)
  return await planBond(site, { amount, blsPublicKey, proofOfPossession }, options)
}

function amountOf({ action, orchestrator, amount }: BondRequest): bigint | undefined {
  if (amount === undefined) return undefined
  if (action === 'exit' && !orchestrator)
    throw bad('a fisherman leaves with its whole bond: type fisherman bond exit without an amount')
  const wei = tokensOf(amount)
  if (wei === undefined) throw bad(`'${amount}' is no amount of tokens; write 250 or 0.5, with at most 18 decimals`)
  return wei
}

function bad(message: string): FishermanError {
  return new FishermanError({ code: 'bad-usage', message, blame: 'ours' })
}
