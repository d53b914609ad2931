import { digestOf, faultIdOf, ZERO_HASH } from '../../proofs/digest.ts'
import type { Domain, Hex } from '../../proofs/types.ts'
import { sleep, withEither } from '../base/clock.ts'
import {
  anchorData,
  answerData,
  appealData,
  caseData,
  commitData,
  commitmentOf,
  dismissData,
  openData,
  penaliseData,
  revealData,
  silenceIdOf,
  silentData,
} from './build.ts'
import { amountTaken } from './cases.ts'
import { CASE_STATES, verifierInterface } from './contracts.ts'
import { type ChainFacts, next } from './engine.ts'
import { convictionData, proveData } from './proof.ts'
import type { Reads } from './reads.ts'
import { problem } from './rpc.ts'
import { STATUTE_ROUNDS } from './rules.ts'
import type { Sender, SendRequest } from './sender.ts'
import { stateOf } from './submit.ts'
import type { ActionResult, CaseView, Chain, Deployment, Head, IntentStore, Waiting } from './types.ts'

export interface ActionDeps {
  domain: Domain
  deployment: Deployment
  address: Hex | undefined
  sender: Pick<Sender, 'send'>
  intents: IntentStore
  reads: Reads
  head(): Head
  headAgeSec(): number
  caseOf(faultId: Hex): CaseView | undefined
  /** 32 unpredictable bytes. */
  randomSalt(): Hex
  /** Aborts when the chain is closed. */
  closed: AbortSignal
}

export interface ActionInit {
  send: 'live' | 'simulate'
  pollMs: number
  /** Seconds; an older head means that our node is behind, and what we would do may be wrong. */
  maxHeadAgeSec: number
}

type Actions = Pick<
  Chain,
  | 'openCase'
  | 'answer'
  | 'convict'
  | 'commitReveal'
  | 'dismiss'
  | 'expire'
  | 'fileAppeal'
  | 'settle'
  | 'appeal'
  | 'penalise'
  | 'anchorHead'
  | 'markSilent'
>

/** How a case ends that convicts nobody. */
const FAULTLESS: readonly CaseView['state'][] = ['rejected', 'drawn', 'expired']

/** Errors of the contracts that mean: the work is done, by us or by others. */
const DONE: Readonly<Partial<Record<SendRequest['action'], (error: string, state: CaseView['state'] | undefined) => boolean>>> = {
  open: (error) => error === 'AlreadyUsed' || error === 'AlreadyAccused',
  reveal: (error) => error === 'AlreadyUsed',
  commit: (error) => error === 'AlreadyCommitted',
  answer: (error, state) => error === 'NoOpenCase' && state !== undefined,
  convict: (error, state) => error === 'NoOpenCase' && (state === 'convicted' || state === 'settled' || state === 'refunded'),
  reject: (error, state) => error === 'NoOpenCase' && state === 'rejected',
  draw: (error, state) => error === 'NoOpenCase' && state === 'drawn',
  expire: (error, state) => error === 'NoOpenCase' && state !== undefined,
  fileAppeal: (error) => error === 'AlreadyAppealed',
  settle: (error, state) => error === 'NotConvicted' && (state === 'settled' || state === 'refunded'),
  anchor: (error) => error === 'HeadNotGrown',
  silent: (error) => error === 'NotSilent',
  appeal: (error, state) => error === 'NotConvicted' && state === 'refunded',
}

/** What a fisherman (or an accused) does on chain. Every action may be repeated at any time: the fault's id makes it happen once. */
export function createActions(init: ActionInit, deps: ActionDeps): Actions {
  const { deployment, sender, reads } = deps

  async function act(
    request: Omit<SendRequest, 'to'>,
    { signal }: Waiting,
    to: Hex = deployment.verifier,
  ): Promise<ActionResult> {
    const age = deps.headAgeSec()
    if (age > init.maxHeadAgeSec)
      return refused(
        `our newest block is ${Math.round(age)} s old, more than ${init.maxHeadAgeSec}; wait for the RPC node or use another`,
      )
    const result = await withEither([signal, deps.closed], (either) => sender.send({ ...request, to }, { signal: either }))
    if (result.status === 'simulated') return { status: 'simulated', to, data: request.data, gas: result.gas }
    if (result.status === 'refused') {
      const { error, reason, args } = result.refusal
      const named = CASE_STATES[Number(args.state ?? 0)]
      const state = named === 'none' ? undefined : named
      return DONE[request.action]?.(error, state) ? { status: 'already' } : { status: 'refused', reason, error }
    }
    const { tx, gasUsed, blockNumber, logs } = result.receipt
    const amount = amountTaken(logs, deployment.verifier, request.faultId)
    return { status: 'mined', tx, gasUsed, blockNumber, ...(amount === undefined ? {} : { amount }) }
  }

  const ended = (faultId: Hex) => {
    const state = deps.caseOf(faultId)?.state
    return state === 'convicted' || state === 'settled' || state === 'refunded'
  }

  /** Waits until the chain's clock has passed `timestampSec`; eth_call and the next block then agree. */
  async function headAfter(timestampSec: number, signal: AbortSignal): Promise<void> {
    while (deps.head().timestampSec < timestampSec) await sleep(init.pollMs, signal)
  }

  /** Asks the engine what is next until the proof is brought, or there is nothing more to do. */
  async function commitReveal(request: Parameters<Actions['commitReveal']>[0], options: Waiting): Promise<ActionResult> {
    const { faultClass, faultId, evidence } = request
    const from = deps.address
    if (!from) return refused('no key is loaded; start with a keystore to send transactions')
    const built = proveData(deps.domain, faultClass, evidence, ZERO_HASH)
    if (!built.ok) return refused(`the evidence proves nothing: ${built.reason}`, 'NoProof')
    if (built.claim.faultId !== faultId) return refused(`the evidence proves another fault, ${built.claim.faultId}`, 'NoProof')
    let isCommitted = false
    for (;;) {
      const salt = (await deps.intents.load(`${faultId}:commit`))?.salt
      const since = salt === undefined ? 0 : await committedAt(from, commitmentOf(from, faultId, salt))
      if (isCommitted && since === 0) return refused('the commitment disappeared in a reorganisation; try again', 'NotCommitted')
      const facts = {
        faultClass,
        view: deps.caseOf(faultId),
        proof: true,
        round: built.round,
        committedAtSec: since || undefined,
      }
      const step = next(facts, await chainFacts(from))
      if ('done' in step)
        return step.phase === 'expired' ? refused('its statute of 14 rounds is over', 'StatuteExpired') : { status: 'already' }
      if ('waitUntilSec' in step) {
        if (step.waitUntilSec === undefined || deps.caseOf(faultId)) return { status: 'already' }
        const untilSec = step.waitUntilSec
        await withEither([options.signal, deps.closed], (either) => headAfter(untilSec, either))
      } else if (step.do === 'commit') {
        // A reveal of before the last restart used it up, perhaps in a block that our events have not reached: a commitment more would stand for
        // nothing. Asked after the commitment was, so that a reveal between the two is seen.
        if (since === 0 && (await stateOf(deps, faultId)) !== 'none') return { status: 'already' }
        // One that never came to the chain is sent again; one that ran out needs another salt.
        const own = salt !== undefined && since === 0 ? salt : deps.randomSalt()
        const data = commitData(commitmentOf(from, faultId, own))
        const commit = await act({ faultId, action: 'commit', data, salt: own }, options)
        if (commit.status !== 'mined' && commit.status !== 'already') return commit
        isCommitted = true
      } else if (step.do === 'reveal' && salt !== undefined)
        return act({ faultId, action: 'reveal', data: revealData(faultClass, evidence, salt) }, options)
      else return { status: 'already' }
    }
  }

  async function chainFacts(me: Hex): Promise<ChainFacts> {
    const [min, max, round] = await Promise.all([constant('minCommitAge'), constant('maxCommitAge'), reads.round()])
    const ages = { minCommitAgeSec: Number(min), maxCommitAgeSec: Number(max) }
    return { me, nowSec: deps.head().timestampSec, round, statuteRounds: BigInt(STATUTE_ROUNDS), ...ages, leaving: false }
  }

  async function committedAt(from: Hex, commitment: Hex): Promise<number> {
    return Number((await reads.call(deployment.verifier, verifierInterface, 'committedAt', [from, commitment]))[0] as bigint)
  }

  const constants = new Map<string, bigint>()
  async function constant(name: 'minCommitAge' | 'maxCommitAge'): Promise<bigint> {
    const known = constants.get(name)
    if (known !== undefined) return known
    const [value] = await reads.call(deployment.verifier, verifierInterface, name, [])
    if (typeof value !== 'bigint') throw problem('rpc-garbage', `the verifier's ${name} is no number`)
    constants.set(name, value)
    return value
  }

  return {
    async openCase(accusation, options) {
      const { faultClass, receipt } = accusation
      const receiptDigest = digestOf(deps.domain, 'TranscodeReceipt', receipt)
      if (faultClass === 'O1' || faultClass === 'O2') return refused(`class ${faultClass} needs no case; reveal its proof`)
      const faultId = faultIdOf(faultClass, receipt.transcoder, receiptDigest)
      const known = deps.caseOf(faultId)
      // A case that convicted nobody can be followed by one about other inputs; the chain knows which were judged.
      if (known && !FAULTLESS.includes(known.state)) return { status: 'already' }
      // Asked each time: it is a parameter that may change.
      const [bond] = await reads.call(deployment.verifier, verifierInterface, 'openBond', [])
      return act({ faultId, action: 'open', bond: bond as bigint, data: openData(accusation) }, options)
    },
    async answer({ faultId, rebuttalHash }, options) {
      return act({ faultId, action: 'answer', data: answerData(faultId, rebuttalHash) }, options)
    },
    async convict({ faultClass, faultId, evidence }, options) {
      if (ended(faultId)) return { status: 'already' }
      const built = convictionData(deps.domain, faultClass, evidence)
      if (!built.ok) return refused(`the votes convict nobody: ${built.reason}`, 'NoProof')
      if (built.claim.faultId !== faultId) return refused(`the votes are about another fault, ${built.claim.faultId}`, 'NoProof')
      return act({ faultId, action: 'convict', data: built.data }, options)
    },
    commitReveal,
    dismiss: ({ action, faultId, evidence }, options) => act({ faultId, action, data: dismissData(action, evidence) }, options),
    fileAppeal: ({ faultId, claimHash }, options) =>
      act({ faultId, action: 'fileAppeal', data: appealData(faultId, claimHash) }, options),
    penalise: ({ faultId, signers }, options) =>
      act({ faultId, action: 'penalise', data: penaliseData(faultId, signers) }, options),
    expire: (faultId, options) => act({ faultId, action: 'expire', data: caseData('expire', faultId) }, options),
    settle: (faultId, options) => act({ faultId, action: 'settle', data: caseData('settle', faultId) }, options),
    anchorHead: (head, options) =>
      act({ faultId: head.root, action: 'anchor', data: anchorData(head) }, options, deployment.registry),
    markSilent: ({ address, seenAtSec }, options) =>
      act(
        { faultId: silenceIdOf(address, seenAtSec), action: 'silent', data: silentData(address) },
        options,
        deployment.registry,
      ),
    appeal: (faultId, options) => act({ faultId, action: 'appeal', data: caseData('appeal', faultId) }, options),
  }
}

function refused(reason: string, error?: string): ActionResult {
  return error === undefined ? { status: 'refused', reason } : { status: 'refused', reason, error }
}
