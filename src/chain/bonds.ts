import { MaxUint256 } from 'ethers'
import type { Hex } from '../../proofs/types.ts'
import { exact } from '../base/amounts.ts'
import { depositInterface, registryInterface, tokenInterface, verifierInterface } from './contracts.ts'
import { problem } from './rpc.ts'
import type { Site, Step } from './site.ts'
import type { Waiting } from './types.ts'

// Bonds of fishermen and deposits of orchestrators: what is there, and what may be done with it now. Each plan refuses, before anything is
// sent, what the chain would refuse. Amounts in wei of the token, times in Unix seconds of chain time.

/** A fisherman's bond. */
export interface BondView {
  address: Hex
  registered: boolean
  bond: bigint
  /** Counts for this much now: 0 before activation, after the wish to leave, and while it is held to be silent. */
  weight: bigint
  activeFromSec: number
  /** From then on the bond can be withdrawn; 0 while it did not ask to leave. */
  exitAtSec: number
  /** The chain took it out of the count because it anchored no heads of its log. */
  silent: boolean
  minBond: bigint
  exitSec: number
  activationSec: number
}

/** An orchestrator's security deposit. */
export interface DepositView {
  address: Hex
  /** Everything held, thawing included: what a conviction can reach. */
  amount: bigint
  /** On its way out, so no security any more; what was not withdrawn in time is none of it. */
  thawing: bigint
  /** The thawing part can be withdrawn from then on, and until then; while a case is open it cannot, and the end is put off. */
  thawedAtSec: number
  lapsesAtSec: number
  openCases: number
  thawSec: number
}

export interface Purse {
  tokens: bigint
  coins: bigint
  nowSec: number
}

/** What is to be sent, and what it means in one line. */
export interface BondPlan {
  steps: Step[]
  says: string
}

/** `activeFrom` of a member that was marked silent. */
const NEVER = 2n ** 64n - 1n

export async function purseOf(site: Site, address: Hex, options: Waiting): Promise<Purse> {
  const [tokens] = await site.reads.call(site.deployment.token, tokenInterface, 'balanceOf', [address])
  const coins = await site.balanceOf(address, options)
  return { tokens: tokens as bigint, coins, nowSec: (await site.head(options)).timestampSec }
}

export async function bondOf(site: Site, address: Hex): Promise<BondView> {
  const ask = (name: string, values: readonly unknown[] = []) =>
    site.reads.call(site.deployment.registry, registryInterface, name, values)
  const [bond, activeFrom, exitAt] = (await ask('accounts', [address])) as bigint[]
  const [weight, minBond, exitSec, activationSec] = await Promise.all(
    [ask('activeWeightOf', [address]), ask('minBond'), ask('exitSeconds'), ask('activationSeconds')].map(
      async (answer) => (await answer)[0] as bigint,
    ),
  )
  const silent = activeFrom === NEVER
  return {
    ...{ address, registered: activeFrom !== 0n, bond: bond ?? 0n, weight: weight ?? 0n, silent },
    ...{ activeFromSec: silent ? 0 : Number(activeFrom), exitAtSec: Number(exitAt), minBond: minBond ?? 0n },
    ...{ exitSec: Number(exitSec), activationSec: Number(activationSec) },
  }
}

export async function depositOf(site: Site, address: Hex): Promise<DepositView> {
  const { deposit } = site.deployment
  const ask = async (name: string, values: readonly unknown[] = []) =>
    (await site.reads.call(deposit, depositInterface, name, values))[0] as bigint
  const [amount = 0n, , thawedAt = 0n, freezes] = (await site.reads.call(deposit, depositInterface, 'accounts', [
    address,
  ])) as bigint[]
  const [security, thawSec, withdrawSec] = await Promise.all([
    ask('securityOf', [address]),
    ask('thawSeconds'),
    ask('WITHDRAW_SECONDS'),
  ])
  return {
    ...{ address, amount, thawing: amount - security, thawedAtSec: Number(thawedAt) },
    ...{ lapsesAtSec: Number(thawedAt + withdrawSec), openCases: Number(freezes), thawSec: Number(thawSec) },
  }
}

async function approval(site: Site, spender: Hex, amount: bigint, allow: bigint): Promise<Step[]> {
  const { token } = site.deployment
  const [known] = await site.reads.call(token, tokenInterface, 'allowance', [site.own(), spender])
  if ((known as bigint) >= amount) return []
  return [{ what: 'approve', to: token, data: tokenInterface.encodeFunctionData('approve', [spender, allow]) as Hex }]
}

export async function planBond(
  site: Site,
  init: { amount: bigint; blsPublicKey: Hex; proofOfPossession: Hex },
  options: Waiting,
): Promise<BondPlan> {
  const { registry, verifier } = site.deployment
  const { amount } = init
  const view = await bondOf(site, site.own())
  if (view.registered)
    throw problem(
      'bond-there',
      `${view.address} is bonded with ${lpt(view.bond)} already, and a bond cannot be raised: exit, withdraw, deposit again`,
    )
  if (amount < view.minBond)
    throw problem('bond-small', `${lpt(amount)} is too little: a fisherman bonds at least ${lpt(view.minBond)}`)
  await checkTokens(site, amount, options)
  const [openBond] = await site.reads.call(verifier, verifierInterface, 'openBond', [])
  const values = [amount, init.blsPublicKey, init.proofOfPossession]
  return {
    steps: [
      ...(await approval(site, registry, amount, amount)),
      // The bond of each case is taken from the same account; the verifier takes nothing else.
      ...(await approval(site, verifier, openBond as bigint, MaxUint256)),
      { what: 'register', to: registry, data: registryInterface.encodeFunctionData('register', values) as Hex },
    ],
    says: `bonds ${lpt(amount)} of ${view.address}, and lets the verifier take ${lpt(openBond as bigint)} for each case that it opens`,
  }
}

export async function planBondExit(site: Site): Promise<BondPlan & { waitSec: number }> {
  const view = await bondOf(site, site.own())
  if (!view.registered) throw problem('bond-none', `${view.address} has no bond`)
  if (view.exitAtSec !== 0)
    throw problem('bond-exiting', `${view.address} is leaving already; type fisherman bond status to see until when`)
  const data = registryInterface.encodeFunctionData('requestExit') as Hex
  return {
    steps: [{ what: 'exit', to: site.deployment.registry, data }],
    says: `asks for ${lpt(view.bond)} of ${view.address} back: it votes no more from now on; what it voted on may hold the bond longer than usual`,
    waitSec: view.exitSec,
  }
}

/** `tooEarly` makes the sentence about how long it still takes. */
export async function planBondWithdraw(site: Site, tooEarly: Waits, options: Waiting): Promise<BondPlan> {
  const view = await bondOf(site, site.own())
  if (!view.registered) throw problem('bond-none', `${view.address} has no bond`)
  if (view.exitAtSec === 0)
    throw problem(
      'bond-not-exiting',
      `${view.address} did not ask to leave; type fisherman bond exit first, the wait is ${view.exitSec} s`,
    )
  await due(site, view.exitAtSec, lpt(view.bond), tooEarly, options)
  const data = registryInterface.encodeFunctionData('withdraw') as Hex
  return {
    steps: [{ what: 'withdraw', to: site.deployment.registry, data }],
    says: `pays ${lpt(view.bond)} out to ${view.address}`,
  }
}

export async function planDeposit(site: Site, amount: bigint, options: Waiting): Promise<BondPlan> {
  if (amount === 0n) throw problem('deposit-zero', 'the amount must be more than nothing')
  await checkTokens(site, amount, options)
  const { deposit } = site.deployment
  return {
    steps: [
      ...(await approval(site, deposit, amount, amount)),
      { what: 'deposit', to: deposit, data: depositInterface.encodeFunctionData('deposit', [amount]) as Hex },
    ],
    says: `adds ${lpt(amount)} to the security deposit of ${site.own()}`,
  }
}

/** All that is not thawing yet where no amount is given. */
export async function planThaw(site: Site, amount: bigint | undefined): Promise<BondPlan & { waitSec: number }> {
  const view = await depositOf(site, site.own())
  const free = view.amount - view.thawing
  const asked = amount ?? free
  if (view.amount === 0n) throw problem('deposit-none', `${view.address} has no security deposit`)
  if (asked === 0n || asked > free)
    throw problem(
      'deposit-small',
      `${lpt(asked)} cannot be asked back: ${lpt(free)} of ${view.address} are deposited and not thawing`,
    )
  const again = view.thawing === 0n ? '' : `; the ${lpt(view.thawing)} that thaw already wait anew with it`
  return {
    steps: [{ what: 'thaw', to: site.deployment.deposit, data: depositInterface.encodeFunctionData('thaw', [asked]) as Hex }],
    says: `asks for ${lpt(asked)} of the deposit of ${view.address} back${again}`,
    waitSec: view.thawSec,
  }
}

export async function planDepositWithdraw(site: Site, tooEarly: Waits, options: Waiting): Promise<BondPlan> {
  const view = await depositOf(site, site.own())
  if (view.thawing === 0n)
    throw problem(
      'deposit-not-thawing',
      `nothing of the deposit of ${view.address} thaws; type fisherman bond exit --orchestrator first${view.thawedAtSec === 0 ? '' : ' (what thawed before was not withdrawn in time)'}`,
    )
  if (view.openCases > 0)
    throw problem(
      'deposit-frozen',
      `the deposit of ${view.address} is held while a case is open (${view.openCases}); type fisherman case ls to see it`,
    )
  await due(site, view.thawedAtSec, lpt(view.thawing), tooEarly, options)
  return {
    steps: [{ what: 'withdraw', to: site.deployment.deposit, data: depositInterface.encodeFunctionData('withdraw') as Hex }],
    says: `pays ${lpt(view.thawing)} out to ${view.address}`,
  }
}

/** From when on it is possible, and how long that is from now, in words. */
export type Waits = (atSec: number, nowSec: number) => string

async function due(site: Site, atSec: number, what: string, tooEarly: Waits, options: Waiting): Promise<void> {
  const { timestampSec } = await site.head(options)
  if (timestampSec < atSec) throw problem('too-early', `${what} can be withdrawn ${tooEarly(atSec, timestampSec)}`)
}

async function checkTokens(site: Site, amount: bigint, options: Waiting): Promise<void> {
  const { tokens } = await purseOf(site, site.own(), options)
  if (tokens < amount)
    throw problem('token-small', `${site.own()} has ${lpt(tokens)}, ${lpt(amount - tokens)} less than needed; send it the rest`)
}

function lpt(wei: bigint): string {
  return exact(wei, 'LPT')
}
