import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { FaultClass, Hex } from '../../proofs/types.ts'
import { FishermanError, messageOf } from '../base/errors.ts'
import { keccakOf } from '../base/keccak.ts'
import type { BondPlan, Waits } from '../chain/bonds.ts'
import { type CaseHistory, readCases, withTimes } from '../chain/case-history.ts'
import { planAnswer, planAppeal, planExpire, planSettle } from '../chain/case-steps.ts'
import type { ScanProgress } from '../chain/follow.ts'
import { buildProof } from '../chain/proof.ts'
import { addressOfText, textHash } from '../chain/settings.ts'
import type { Site } from '../chain/site.ts'
import { checkSubmit, PENALTY_PPM, type SubmitStep, submitProof } from '../chain/submit.ts'
import type { Waiting } from '../chain/types.ts'
import { cacheFolder } from '../config/paths.ts'
import { MAX_REBUTTAL_BYTES, publishRebuttal } from '../feed/rebuttals.ts'
import { type PlaceFlags, withPlace } from './place.ts'
import { invalid, readProofFile } from './proof-file.ts'

export type { BondPlan } from '../chain/bonds.ts'
export type { CaseEvent, CaseHistory } from '../chain/case-history.ts'
export type { SubmitStep } from '../chain/submit.ts'
export type { CaseState } from '../chain/types.ts'

const STATES = ['open', 'answered', 'convicted', 'settled', 'expired', 'refunded', 'rejected', 'drawn']
const PPM = 1_000_000n

export interface CaseFilter {
  state?: string
  orchestrator?: string
}

export interface CaseReading {
  cases: CaseHistory[]
  /** Chain time, Unix seconds. */
  nowSec: number
}

/** Cases, newest first, each event with its time. */
export async function listCases(
  flags: PlaceFlags,
  filter: CaseFilter,
  deps: { onProgress?(progress: ScanProgress): void },
  options: Waiting,
): Promise<CaseReading> {
  const { state } = filter
  if (state !== undefined && !STATES.includes(state)) throw bad(`--state '${state}': must be one of ${STATES.join(', ')}`)
  const orchestrator = filter.orchestrator === undefined ? undefined : addressOfText('--orchestrator', filter.orchestrator)
  return await withPlace(
    flags,
    { key: 'unused' },
    async ({ site }) => {
      const all = await historyOf(site, deps, options)
      const wanted = all
        .filter((one) => state === undefined || one.case.state === state)
        .filter((one) => orchestrator === undefined || one.case.transcoder === orchestrator)
        .reverse()
      const timed = await withTimes(
        site,
        wanted.flatMap(({ events }) => events),
        options,
      )
      let next = 0
      const cases = wanted.map((one) => ({
        ...one,
        events: one.events.map(() => timed[next++] as CaseHistory['events'][number]),
      }))
      return { cases, nowSec: (await site.head(options)).timestampSec }
    },
    options,
  )
}

/** One case. Throws `case-none`. */
export async function showCase(
  flags: PlaceFlags,
  faultId: string | undefined,
  deps: { onProgress?(progress: ScanProgress): void },
  options: Waiting,
): Promise<{ found: CaseHistory; nowSec: number }> {
  const id = faultId === undefined ? undefined : faultIdOfText(faultId)
  return await withPlace(
    flags,
    { key: 'unused' },
    async ({ site }) => {
      const all = await historyOf(site, deps, options)
      const one = id === undefined ? all.at(-1) : all.find((candidate) => candidate.case.faultId === id)
      if (!one)
        throw new FishermanError({
          code: 'case-none',
          message:
            id === undefined
              ? 'there is no case yet'
              : `there is no case of fault ${id}; type fisherman case ls for those that are`,
          blame: 'ours',
        })
      const events = await withTimes(site, one.events, options)
      return { found: { ...one, events }, nowSec: (await site.head(options)).timestampSec }
    },
    options,
  )
}

function historyOf(site: Site, deps: { onProgress?(progress: ScanProgress): void }, options: Waiting): Promise<CaseHistory[]> {
  const { chainId, verifier } = site.deployment
  const spanFile = join(cacheFolder(), `cases-${chainId}-${verifier}.ndjson`)
  return readCases(site, { spanFile, ...(deps.onProgress ? { onProgress: deps.onProgress } : {}) }, options)
}

/** What a proof would do. Amounts in wei of the token. */
export interface ProofSummary {
  faultClass: FaultClass
  faultId: Hex
  transcoder: Hex
  /** What can be reached of the node now, and what the class takes of it before the contract's other limits. */
  stake: bigint
  takes: bigint
}

export interface SubmitDone extends ProofSummary {
  tx: Hex
  gasUsed: bigint
  amount: bigint
}

/** Checks a proof here and on the chain, then brings it; undefined where `confirm` says no. */
export async function submitCase(
  flags: PlaceFlags,
  file: string,
  deps: { confirm(summary: ProofSummary): Promise<boolean>; onStep(step: SubmitStep): void },
  options: Waiting,
): Promise<SubmitDone | undefined> {
  return await withPlace(
    flags,
    { key: 'any' },
    async ({ site, signer }) => {
      if (!signer) throw bad('a key is needed')
      const { faultClass, evidence, domain } = await readProofFile(file, site.domain)
      const own = site.domain
      if (domain && (domain.chainId !== own.chainId || domain.anchor !== own.anchor))
        throw invalid(
          file,
          `it is of chain ${domain.chainId}, anchor ${domain.anchor}, this deployment is ${own.chainId}, ${own.anchor}`,
        )
      const proof = buildProof(own, faultClass, evidence)
      if (!proof.ok) throw invalid(file, proof.reason)
      const init = { faultClass, evidence, claim: proof.claim }
      await checkSubmit(site, init, options)
      const { amount: stake } = await site.reads.deposit(proof.claim.transcoder)
      const { faultId, transcoder } = proof.claim
      const summary = { faultClass, faultId, transcoder, stake, takes: (stake * PENALTY_PPM[faultClass]) / PPM }
      if (!(await deps.confirm(summary))) return undefined
      const secret = async (words: string) => `0x${Buffer.from(await signer.derive(words)).toString('hex')}` as Hex
      return { ...summary, ...(await submitProof(site, init, { secret, onStep: deps.onStep }, options)) }
    },
    options,
  )
}

export interface CaseStepDone {
  txs: Hex[]
}

/** `answer`, `appeal`, `settle` or `expire`; undefined where `confirm` says no. */
export async function stepCase(
  flags: PlaceFlags,
  request: {
    action: 'answer' | 'appeal' | 'settle' | 'expire'
    faultId: string
    claim?: string
    rebuttal?: string
    publish?: string
  },
  deps: { confirm(plan: BondPlan): Promise<boolean>; onSent(what: string, tx: Hex): void; waits: Waits },
  options: Waiting,
): Promise<CaseStepDone | undefined> {
  const id = faultIdOfText(request.faultId)
  const rebuttal = request.action === 'answer' ? await rebuttalOf(request.rebuttal) : undefined
  return await withPlace(
    flags,
    // Only the accused itself may answer.
    { key: request.action === 'answer' ? 'needed' : 'any' },
    async ({ site }) => {
      const { action, claim } = request
      const plan =
        rebuttal !== undefined
          ? await planAnswer(site, id, rebuttal.hash, options)
          : action === 'settle'
            ? await planSettle(site, id, deps.waits, options)
            : action === 'expire'
              ? await planExpire(site, id, deps.waits, options)
              : await planAppeal(site, id, claim === undefined ? undefined : textHash(claim), options)
      if (!(await deps.confirm(plan))) return undefined
      // Before its hash can be seen: whoever asks for the words then finds them.
      if (rebuttal && request.publish !== undefined) await publishRebuttal(request.publish, rebuttal.hash, rebuttal.bytes)
      const txs: Hex[] = []
      for (const step of plan.steps) {
        const { tx } = await site.perform(step, options)
        deps.onSent(step.what, tx)
        txs.push(tx)
      }
      return { txs }
    },
    options,
  )
}

async function rebuttalOf(file: string | undefined): Promise<{ hash: Hex; bytes: Uint8Array }> {
  if (file === undefined) throw bad('say what is wrong with the accusation in a file: --rebuttal FILE')
  const bytes = await readFile(file).catch((cause: unknown) => {
    throw bad(`cannot read ${file} (${messageOf(cause)})`)
  })
  if (bytes.length === 0 || bytes.length > MAX_REBUTTAL_BYTES)
    throw bad(`${file} has ${bytes.length} bytes; a rebuttal has 1 to ${MAX_REBUTTAL_BYTES}`)
  return { hash: await keccakOf(bytes), bytes }
}

function faultIdOfText(text: string): Hex {
  if (!/^0x[0-9a-fA-F]{64}$/.test(text))
    throw bad(`'${text}' is no fault id: 0x and 64 hex digits, as fisherman case ls prints it`)
  return text.toLowerCase() as Hex
}

function bad(message: string): FishermanError {
  return new FishermanError({ code: 'bad-usage', message, blame: 'ours' })
}
