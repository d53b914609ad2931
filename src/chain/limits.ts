import type { Hex } from '../../proofs/types.ts'
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

export function usageOf(intents: readonly IntentSummary[], cases: readonly CaseView[], me: Hex, nowMs: number): Usage {
  const since = nowMs - DAY_MS
  const sent = intents.filter(({ variants }) => variants.length > 0)
  const recent = sent.filter(({ atMs }) => (atMs ?? 0) > since)
  const past = intents.flatMap((intent) => intent.past ?? []).filter(({ atMs }) => atMs > since)
  const known = new Set(cases.map(({ faultId }) => faultId))
  // A bond that is sent and not yet seen in a case is locked too.
  const coming = sent.filter(({ action, state, faultId }) => action === 'open' && isAlive(state) && !known.has(faultId))
  const held = cases.filter(({ opener, state }) => opener === me && HOLDING.includes(state))
  return {
    gasWei: sum([...recent.map(costOf), ...past.map(({ wei }) => wei)]),
    bond: sum([...held, ...coming].map(({ bond }) => bond ?? 0n)),
    slashes: recent.filter(({ action, state }) => TAKING.includes(action) && isAlive(state)).length,
  }
}

/** Why a transaction may not be sent now, in one line that says what to do; undefined where it may. */
export function refusalByLimits(limits: Limits, usage: Usage, plan: Plan): string | undefined {
  const gas = usage.gasWei + plan.gasWei
  if (gas > limits.gasPerDay)
    return `gas of the last 24 hours and this transaction would cost ${inCoins(gas)}, more than limits.gasPerDay (${inCoins(limits.gasPerDay)}); wait, or raise it`
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

function costOf({ state, spent, variants }: IntentSummary): bigint {
  if (spent !== undefined) return spent
  // Fees only rise from one variant to the next.
  const dearest = variants.at(-1)
  return state === 'signed' && dearest ? dearest.gasLimit * dearest.maxFeePerGas : 0n
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
