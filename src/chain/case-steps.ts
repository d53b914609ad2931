import type { Hex } from '../../proofs/types.ts'
import { exact } from '../base/amounts.ts'
import type { BondPlan, Waits } from './bonds.ts'
import { answerData, appealData, caseData } from './build.ts'
import { delegationInterface, oracleInterface, roundsInterface, tokenInterface, verifierInterface } from './contracts.ts'
import { problem } from './rpc.ts'
import type { Site, Step } from './site.ts'
import { stateOf } from './submit.ts'
import type { Waiting } from './types.ts'

// What anybody may do about a case that is there. Each refuses, before anything is sent, what the chain would refuse.

interface Found {
  state: string
  transcoder: Hex
  amount: bigint
  releaseAt: number
  expiresAt: number
  answerUntil: number
  overturned: boolean
  upheld: boolean
  appealed: boolean
}

async function find(site: Site, faultId: Hex): Promise<Found> {
  const { verifier } = site.deployment
  const state = await stateOf(site, faultId)
  if (state === 'none')
    throw problem('case-none', `there is no case of fault ${faultId}; type fisherman case ls for those that are`)
  const [found] = await site.reads.call(verifier, verifierInterface, 'caseOf', [faultId])
  const one = found as { transcoder: string; amount: bigint; releaseAt: bigint; expiresAt: bigint; answerUntil: bigint }
  const [appellant] = await site.reads.call(verifier, verifierInterface, 'appeals', [faultId])
  // The governor may have named another one since.
  const [oracle] = (await site.reads.call(verifier, verifierInterface, 'oracle', [])) as [Hex]
  const [overturned] = await site.reads.call(oracle, oracleInterface, 'isOverturned', [faultId])
  const [upheld] = await site.reads.call(oracle, oracleInterface, 'isUpheld', [faultId])
  return {
    ...{ state, transcoder: one.transcoder.toLowerCase() as Hex, amount: one.amount },
    ...{ releaseAt: Number(one.releaseAt), expiresAt: Number(one.expiresAt) },
    answerUntil: Number(one.answerUntil),
    ...{ overturned: overturned as boolean, upheld: upheld as boolean, appealed: BigInt(appellant as string) !== 0n },
  }
}

/** Pays out a conviction whose appeal window is over. */
export async function planSettle(site: Site, faultId: Hex, waits: Waits, options: Waiting): Promise<BondPlan> {
  const found = await find(site, faultId)
  mustBe(found, ['convicted'], 'settled')
  if (found.overturned)
    throw problem('case-overturned', `the oracle overturned this conviction; type fisherman case appeal ${faultId} to refund it`)
  const { timestampSec } = await site.head(options)
  if (timestampSec < found.releaseAt && !(found.appealed && found.upheld))
    throw problem('too-early', `this case can be settled ${waits(found.releaseAt, timestampSec)}: until then it may be appealed`)
  return {
    steps: [{ what: 'settle', to: site.deployment.verifier, data: caseData('settle', faultId) }],
    says: `pays out ${lpt(found.amount)} that were taken from ${found.transcoder}: a tenth to the finder, the rest to the treasury`,
  }
}

/** Ends a case that nobody decided in time. */
export async function planExpire(site: Site, faultId: Hex, waits: Waits, options: Waiting): Promise<BondPlan> {
  const found = await find(site, faultId)
  mustBe(found, ['open', 'answered'], 'expired')
  const { timestampSec } = await site.head(options)
  if (timestampSec < found.expiresAt) throw problem('too-early', `this case can be ended ${waits(found.expiresAt, timestampSec)}`)
  return {
    steps: [{ what: 'expire', to: site.deployment.verifier, data: caseData('expire', faultId) }],
    says: `ends the case against ${found.transcoder} without a conviction: the bond goes back, the deposit is free`,
  }
}

/** The accused's word: it stops nothing, but is shown beside the accusation, and its hash says that nobody changed it. */
export async function planAnswer(site: Site, faultId: Hex, rebuttalHash: Hex, options: Waiting): Promise<BondPlan> {
  const { verifier, delegation, rounds } = site.deployment
  const found = await find(site, faultId)
  mustBe(found, ['open'], 'answered')
  const { timestampSec } = await site.head(options)
  if (timestampSec >= found.answerUntil) throw problem('too-late', 'the time to answer this case is over; the votes decide now')
  const [round] = await site.reads.call(rounds, roundsInterface, 'currentRound', [])
  const [mayAnswer] = await site.reads.call(delegation, delegationInterface, 'isSigner', [found.transcoder, site.own(), round])
  if (mayAnswer !== true)
    throw problem(
      'case-not-ours',
      `only ${found.transcoder} and its delegates can answer this case, and ${site.own()} is none of them`,
    )
  return {
    steps: [{ what: 'answer', to: verifier, data: answerData(faultId, rebuttalHash) }],
    says: `puts the hash of your rebuttal, ${rebuttalHash}, beside the case; fishermen ask your feed for the words by it (--publish)`,
  }
}

/** Objects to a conviction with a bond, or refunds it once the oracle has overturned it. */
export async function planAppeal(site: Site, faultId: Hex, claimHash: Hex | undefined, options: Waiting): Promise<BondPlan> {
  const { verifier, token } = site.deployment
  const found = await find(site, faultId)
  mustBe(found, ['convicted'], 'appealed')
  if (found.overturned)
    return {
      steps: [{ what: 'refund', to: verifier, data: caseData('appeal', faultId) }],
      says: `refunds ${lpt(found.amount)} to ${found.transcoder}: the oracle overturned the conviction`,
    }
  const { timestampSec } = await site.head(options)
  if (found.appealed) throw problem('case-appealed', 'this conviction was appealed already; now the oracle must decide')
  if (timestampSec >= found.releaseAt) throw problem('too-late', 'the time to appeal this conviction is over; it can be settled')
  if (claimHash === undefined)
    throw problem('bad-usage', "say what is wrong with the conviction: --claim 'frame 12 of the rendition shows the source'")
  const [bond] = await site.reads.call(verifier, verifierInterface, 'appealBond', [])
  if (site.caps && (bond as bigint) > site.caps.bond)
    throw problem(
      'bond-cap',
      `an appeal takes a bond of ${lpt(bond as bigint)}, more than limits.bond (${lpt(site.caps.bond)}); raise it to appeal`,
    )
  const [tokens] = await site.reads.call(token, tokenInterface, 'balanceOf', [site.own()])
  if ((tokens as bigint) < (bond as bigint))
    throw problem(
      'token-small',
      `an appeal takes a bond of ${lpt(bond as bigint)}, ${site.own()} has ${lpt(tokens as bigint)}; send it the rest`,
    )
  return {
    steps: [...(await approval(site, bond as bigint)), { what: 'appeal', to: verifier, data: appealData(faultId, claimHash) }],
    says: `stakes ${lpt(bond as bigint)} of ${site.own()} on this conviction being wrong; they are lost unless the oracle overturns it`,
  }
}

async function approval(site: Site, amount: bigint): Promise<Step[]> {
  const { token, verifier } = site.deployment
  const [known] = await site.reads.call(token, tokenInterface, 'allowance', [site.own(), verifier])
  if ((known as bigint) >= amount) return []
  const data = tokenInterface.encodeFunctionData('approve', [verifier, amount]) as Hex
  return [{ what: 'approve', to: token, data }]
}

function mustBe({ state }: Found, states: readonly string[], what: string): void {
  if (!states.includes(state)) throw problem('case-state', `a case that is ${state} cannot be ${what}`)
}

function lpt(wei: bigint): string {
  return exact(wei, 'LPT')
}
