import type { Hex } from '../../proofs/types.ts'
import { maxOf } from '../base/bigints.ts'
import { FishermanError } from '../base/errors.ts'
import type { CaseView, Intent, IntentSummary } from './types.ts'

// Pure: what we have spent and staked lately, told by the intents in the log and by the chain, and what that still allows. Nothing is
// counted in memory, so that a restart forgets nothing.

/** What the operator lets this program do at most. */
export interface Limits {
  /** Wei of the native coin for gas in any 24 hours. */
  gasPerDay: bigint
  /** Wei of the token locked in our open cases at one time. */
  bond: bigint
  /** Proofs that take stake (reveals and convictions) in any 24 hours: a fault of ours must not become a wave. */
  slashesPerDay: number
}

export interface Usage {
  /** Wei; what is under way counts at the most that it may cost. */
  gasWei: bigint
  bond: bigint
  slashes: number
}

/** What a transaction would add. */
export interface Plan {
  action: Intent['action']
  gasWei: bigint
  /** Wei of the token. */
  bond?: bigint
}

const DAY_MS = 86_400_000
const TAKING: readonly Intent['action'][] = ['reveal', 'convict']
const HOLDING: readonly CaseView['state'][] = ['open', 'answered']

/**
 * Of a day, and of all that can still be mined, whatever its age. `feeNow` in wei per gas is for new work: what waits in front of it is then
 * counted at the fee that it takes to get it mined by now.
 */
export function usageOf(
  intents: readonly IntentSummary[],
  cases: readonly CaseView[],
  me: Hex,
  nowMs: number,
  feeNow = 0n,
): Usage {
  const since = nowMs - DAY_MS
  const sent = intents.filter(({ variants }) => variants.length > 0)
  const counted = sent.filter(({ state, atMs, spentAtMs }) => state === 'signed' || (spentAtMs ?? atMs ?? 0) > since)
  const past = intents.flatMap((intent) => intent.past ?? []).filter(({ atMs }) => atMs > since)
  const known = new Set(cases.map(({ faultId }) => faultId))
  // A bond that is sent and not yet seen in a case is locked too.
  const coming = sent.filter(({ action, state, faultId }) => action === 'open' && isAlive(state) && !known.has(faultId))
  const held = cases.filter(({ opener, state }) => opener === me && HOLDING.includes(state))
  return {
    gasWei: sum([...counted.map((intent) => costOf(intent, feeNow)), ...past.map(({ wei }) => wei)]),
    bond: sum([...held, ...coming].map(({ bond }) => bond ?? 0n)),
    slashes: counted.filter(({ action, state }) => TAKING.includes(action) && isAlive(state)).length,
  }
}

/** Why gas of `moreWei` may not be offered now beside what is counted already; undefined where it may. */
export function refusalOfGas(limits: Limits, usage: Usage, moreWei: bigint): string | undefined {
  const gas = usage.gasWei + moreWei
  if (gas <= limits.gasPerDay) return undefined
  return `gas of the last 24 hours and this transaction would cost ${inCoins(gas)}, more than limits.gasPerDay (${inCoins(limits.gasPerDay)}); wait, or raise it`
}

/** Why a transaction may not be sent now, in one line that says what to do; undefined where it may. */
export function refusalByLimits(limits: Limits, usage: Usage, plan: Plan): string | undefined {
  const gas = refusalOfGas(limits, usage, plan.gasWei)
  if (gas !== undefined) return gas
  const bond = usage.bond + (plan.bond ?? 0n)
  if (plan.bond !== undefined && bond > limits.bond)
    return `bonds in open cases would be ${inCoins(bond)} tokens, more than limits.bond (${inCoins(limits.bond)}); wait for cases to end, or raise it`
  if (TAKING.includes(plan.action) && usage.slashes + 1 > limits.slashesPerDay)
    return `${usage.slashes} proofs were sent in the last 24 hours, and limits.slashesPerDay is ${limits.slashesPerDay}; wait, or look whether they are right and raise it`
  return undefined
}

/** May still be in a block, or is. */
function isAlive(state: Intent['state']): boolean {
  return state === 'signed' || state === 'mined'
}

function costOf({ state, spent, variants }: IntentSummary, feeNow: bigint): bigint {
  if (spent !== undefined) return spent
  // Fees only rise from one variant to the next.
  const dearest = variants.at(-1)
  return state === 'signed' && dearest ? mostOf({ ...dearest, maxFeePerGas: maxOf(dearest.maxFeePerGas, feeNow) }) : 0n
}

/** Wei that an offer costs at most. */
export function mostOf({ gasLimit, maxFeePerGas }: { gasLimit: bigint; maxFeePerGas: bigint }): bigint {
  return gasLimit * maxFeePerGas
}

function sum(values: readonly bigint[]): bigint {
  return values.reduce((a, b) => a + b, 0n)
}

/** 1500000000000000000 becomes 1.5; six digits are enough for people. */
function inCoins(wei: bigint): string {
  const micro = wei / 10n ** 12n
  return `${micro / 1_000_000n}.${String(micro % 1_000_000n).padStart(6, '0')}`.replace(/\.?0+$/, '')
}

/** Wei of a number as people write it: `0.05` of a coin or token. */
export function weiOf(amount: number): bigint {
  if (!Number.isFinite(amount) || amount < 0)
    throw new FishermanError({ code: 'bad-amount', message: `${amount} is no amount of a coin`, blame: 'ours' })
  const [whole = '0', fraction = ''] = amount.toFixed(9).split('.')
  return BigInt(whole) * 10n ** 18n + BigInt(fraction.padEnd(18, '0').slice(0, 18))
}
