import type { Claim } from '../../proofs/check.ts'
import { FAULT_CLASSES, type FaultClass, type Hex } from '../../proofs/types.ts'
import { sleep } from '../base/clock.ts'
import { commitData, commitmentOf, revealData } from './build.ts'
import { amountTaken } from './cases.ts'
import { CASE_STATES, verifierInterface } from './contracts.ts'
import { convictionData } from './proof.ts'
import { problem } from './rpc.ts'
import type { Site, Step } from './site.ts'
import type { Waiting } from './types.ts'
import type { Receipt } from './wire.ts'

// A proof that a person brings by hand: looked at, tried, then sent. The contract takes each fault once, and the salt of the commitment is
// derived from key and fault, so that a command that was broken off goes on where it was.

export interface SubmitInit {
  faultClass: FaultClass
  evidence: Hex
  claim: Claim
}

export interface SubmitDeps {
  /** 32 bytes that only the key's owner can make; the same for the same words. */
  secret(words: string): Promise<Hex>
  onStep(step: SubmitStep): void
  pollMs?: number
}

export type SubmitStep =
  | { step: 'committed'; tx: Hex | undefined; revealFromSec: number }
  /** Seconds of chain time until the reveal. */
  | { step: 'waiting'; leftSec: number }
  | { step: 'sent'; tx: Hex }

export interface Submitted {
  tx: Hex
  gasUsed: bigint
  /** Wei of the token. */
  amount: bigint
}

/** Seconds before a commitment's end at which no reveal is begun. */
const EXPIRY_MARGIN_SEC = 60
/** Commitments that expired are passed over; nobody has this many of one fault. */
const MAX_COMMITMENTS = 50

/** Refuses, without sending anything, what the chain would refuse. */
export async function checkSubmit(site: Site, { faultClass, evidence, claim }: SubmitInit, options: Waiting): Promise<void> {
  await checkUnpaused(site)
  const state = await stateOf(site, claim.faultId)
  const isVote = faultClass.startsWith('D')
  if (state !== 'none' && !(isVote && (state === 'open' || state === 'answered')))
    throw problem('case-used', `this fault was brought already, its case is ${state}; type fisherman case show ${claim.faultId}`)
  if (isVote && state === 'none')
    throw problem('case-none', `no case of fault ${claim.faultId} is open; a member's daemon opens it before votes can convict`)
  const step = isVote ? convictionStep(site, faultClass, evidence) : revealStep(site, faultClass, evidence, ZERO)
  const refusal = await site.refusalOf(step, options)
  // Without a commitment an O class is refused last of all, for that alone.
  if (refusal && !(refusal.error === 'NotCommitted' && !isVote))
    throw problem('chain-refused', `nothing was sent, the chain would refuse this proof: ${refusal.reason}`)
}

/** Commits, waits, reveals; for a D class brings the votes. Call `checkSubmit` before. */
export async function submitProof(site: Site, init: SubmitInit, deps: SubmitDeps, options: Waiting): Promise<Submitted> {
  const { faultClass, evidence, claim } = init
  if (faultClass.startsWith('D'))
    return done(site, claim, await sendLast(site, convictionStep(site, faultClass, evidence), deps, options))
  const { verifier } = site.deployment
  const [minAge, maxAge] = await Promise.all([constant(site, 'minCommitAge'), constant(site, 'maxCommitAge')])
  for (let i = 0; i < MAX_COMMITMENTS; i++) {
    const salt = await deps.secret(`commitment ${i} to ${claim.faultId}`)
    const commitment = commitmentOf(site.own(), claim.faultId, salt)
    let since = await committedAt(site, commitment)
    const { timestampSec } = await site.head(options)
    if (since !== 0 && timestampSec > since + maxAge - EXPIRY_MARGIN_SEC) continue
    let tx: Hex | undefined
    if (since === 0) {
      tx = (await site.perform({ what: 'commit', to: verifier, data: commitData(commitment) }, options)).tx
      since = await committedAt(site, commitment)
      if (since === 0)
        throw problem('case-commit-lost', 'the commitment disappeared in a reorganisation; type the same command again')
    }
    const revealFromSec = since + minAge
    deps.onStep({ step: 'committed', tx, revealFromSec })
    await untilChainTime(site, revealFromSec, deps, options)
    return done(site, claim, await sendLast(site, revealStep(site, faultClass, evidence, salt), deps, options))
  }
  throw problem('case-commits', `${MAX_COMMITMENTS} commitments to this fault have expired; use another key`)
}

async function sendLast(site: Site, step: Step, deps: SubmitDeps, options: Waiting): Promise<Receipt> {
  const receipt = await site.perform(step, options)
  deps.onStep({ step: 'sent', tx: receipt.tx })
  return receipt
}

function done(site: Site, claim: Claim, { tx, gasUsed, logs }: Receipt): Submitted {
  return { tx, gasUsed, amount: amountTaken(logs, site.deployment.verifier, claim.faultId) ?? 0n }
}

/** Waits until the newest block is old enough for the next one to be. */
async function untilChainTime(site: Site, atSec: number, deps: SubmitDeps, options: Waiting): Promise<void> {
  for (;;) {
    const leftSec = atSec - (await site.head(options)).timestampSec
    if (leftSec <= 0) return
    deps.onStep({ step: 'waiting', leftSec })
    await sleep(deps.pollMs ?? 500, options.signal)
  }
}

const ZERO: Hex = `0x${'00'.repeat(32)}`

function revealStep(site: Site, faultClass: FaultClass, evidence: Hex, salt: Hex): Step {
  return { what: `reveal ${faultClass}`, to: site.deployment.verifier, data: revealData(faultClass, evidence, salt) }
}

function convictionStep(site: Site, faultClass: FaultClass, evidence: Hex): Step {
  const built = convictionData(site.domain, faultClass, evidence)
  if (!built.ok) throw problem('proof-invalid', `these votes convict nobody: ${built.reason}`)
  return { what: `convict ${faultClass}`, to: site.deployment.verifier, data: built.data }
}

async function committedAt(site: Site, commitment: Hex): Promise<number> {
  const values = [site.own(), commitment]
  return Number((await site.reads.call(site.deployment.verifier, verifierInterface, 'committedAt', values))[0])
}

async function constant(site: Site, name: 'minCommitAge' | 'maxCommitAge'): Promise<number> {
  return Number((await site.reads.call(site.deployment.verifier, verifierInterface, name, []))[0])
}

/** Throws `chain-paused` with who can end it. */
export async function checkUnpaused(site: Site): Promise<void> {
  const ask = async (name: string) => (await site.reads.call(site.deployment.verifier, verifierInterface, name, []))[0]
  if ((await ask('paused')) === true)
    throw problem(
      'chain-paused',
      `new proofs are paused by the guardian ${String(await ask('guardian')).toLowerCase()}; try again once that is over`,
    )
}

/** State of a case as the contract has it; `none` where there is none. */
export async function stateOf(site: Pick<Site, 'reads' | 'deployment'>, faultId: Hex): Promise<(typeof CASE_STATES)[number]> {
  const [found] = await site.reads.call(site.deployment.verifier, verifierInterface, 'caseOf', [faultId])
  return CASE_STATES[Number((found as { state: bigint }).state)] ?? 'none'
}

/** What a class may take of a stake, in ppm; the contract's limits may lower it. */
export const PENALTY_PPM: Readonly<Record<FaultClass, bigint>> = Object.fromEntries(
  Object.keys(FAULT_CLASSES).map((name) => [
    name,
    name === 'O5' || name.startsWith('D') ? 10_000n : name === 'O6' ? 5_000n : 30_000n,
  ]),
) as Record<FaultClass, bigint>
