import { setMaxListeners } from 'node:events'
import { hexlify, randomBytes } from 'ethers'
import type { Hex } from '../../proofs/types.ts'
import { type Clock, repeat } from '../base/clock.ts'
import { messageOf } from '../base/errors.ts'
import type { Logger } from '../base/log.ts'
import { createWriteAhead, type WriteAhead } from '../base/write-ahead.ts'
import { createActions } from './actions.ts'
import { createAlarms } from './alarms.ts'
import { convictingTransactions, createCaseBook } from './cases.ts'
import { createConfirmations } from './confirmations.ts'
import { createCursor } from './cursor.ts'
import { createEventFollower } from './follow.ts'
import { createGate } from './gate.ts'
import { createHealth } from './health.ts'
import { memoryIntents } from './intents.ts'
import { type Limits, usageOf } from './limits.ts'
import { controllerOf } from './livepeer.ts'
import { createReads } from './reads.ts'
import { createRpc, isGarbage, problem, type Rpc } from './rpc.ts'
import { createSender } from './sender.ts'
import { openSpanFile } from './span-file.ts'
import { createStakeWatch, type StakeWatch } from './stake-watch.ts'
import type { Chain, Deployment, HeadEvent, IntentStore, TransactionSigner } from './types.ts'
import { bytes, type Log, parseReceipt } from './wire.ts'

export interface ChainInit {
  rpcUrls: readonly string[]
  deployment: Deployment
  /** `simulate` (mode dry-run) logs the exact transaction and signs nothing. Default `live`. */
  send?: 'live' | 'simulate'
  /** Blocks before a transaction counts as mined, its own included. Default 1. */
  confirmations?: number
  /** Milliseconds between two questions for the newest block. Default 500: half of a block of the local network. */
  pollMs?: number
  rpcTimeoutMs?: number
  resubmitMs?: number
  giveUpMs?: number
  /** Wei per gas. Default 100 gwei. */
  maxFeePerGas?: bigint
  /** What may be spent and staked; no limits by default. */
  limits?: Limits
  /** Seconds. Default 60. */
  maxHeadAgeSec?: number
  /** File that keeps what was read of the chain's events, so that a restart goes on there; nothing is kept without. */
  spanFile?: string
  /** Milliseconds between two comparisons of all RPC endpoints, and two looks for what is final by now. Default 10,000. */
  compareMs?: number
  /** Stops polling, like close(). */
  signal?: AbortSignal
}

export interface ChainDeps {
  clock: Clock
  log: Logger
  intents?: IntentStore
  signer?: TransactionSigner
  /** Writes intents before they are acted on; by default nothing refuses. */
  writeAhead?: WriteAhead
  /** Why nothing may be sent at all now, in one line: the operator's kill switch. */
  halted?(): string | undefined
}

/** Milliseconds between two log lines about a long scan. */
const PROGRESS_MS = 5_000
const PROGRESS_BLOCKS = 1_000n

/**
 * Connects, checks that the chain and the contracts are the ones of the deployment, reads all events since its first block, and follows
 * the head from then on. Throws FishermanError with one line that says what to do.
 */
export async function createChain(init: ChainInit, deps: ChainDeps): Promise<Chain> {
  const { deployment } = init
  const { clock, log } = deps
  const pollMs = init.pollMs ?? 500
  const stop = new AbortController()
  const signal = init.signal ? AbortSignal.any([stop.signal, init.signal]) : stop.signal
  // Each request in flight listens; a burst of them is no leak.
  setMaxListeners(0, signal)
  const rpc = createRpc(
    {
      rpcUrls: init.rpcUrls,
      chainId: deployment.chainId,
      ...(init.rpcTimeoutMs === undefined ? {} : { timeoutMs: init.rpcTimeoutMs }),
    },
    { log },
  )
  const intents = deps.intents ?? memoryIntents()
  const book = createCaseBook()
  const reads = createReads(deployment, { rpc })
  const listeners = new Set<(event: HeadEvent) => void>()
  const send = init.send ?? 'live'
  const sender = createSender(
    {
      chainId: deployment.chainId,
      send,
      confirmations: init.confirmations ?? 1,
      pollMs,
      resubmitMs: init.resubmitMs ?? 24_000,
      giveUpMs: init.giveUpMs ?? 600_000,
      // Read at each use: the operator may change it while this runs.
      get maxFeePerGas() {
        return init.maxFeePerGas ?? 100_000_000_000n
      },
      ...(init.limits ? { limits: init.limits } : {}),
    },
    {
      ...{ rpc, clock, log, intents, signer: deps.signer, writeAhead: deps.writeAhead ?? createWriteAhead() },
      cases: book.list,
      ...(deps.halted ? { halted: deps.halted } : {}),
    },
  )
  const confirmations = createConfirmations({ rpc })
  const alarms = createAlarms({
    contractOf(address) {
      if (address === deployment.deposit) return 'deposit'
      if (address === deployment.delegation) return 'delegation'
      return address === stake?.bondingManager() ? 'bonding' : undefined
    },
    cases: book.list,
    raise: ({ kind, transcoder, because, tx }) =>
      log.warn('A suspect moves what could be taken from it', { kind, transcoder, because, tx }),
  })
  let stake: StakeWatch | undefined
  let trouble: string | undefined
  let unannounced: HeadEvent | undefined
  let changed = { registry: false, delegation: false }
  let toldAtMs = clock.monotonicMs()
  const watched = [deployment.verifier, deployment.registry, deployment.delegation, deployment.deposit]
  const follower = createEventFollower(
    {
      filter: { address: watched },
      from: deployment.deployBlock,
    },
    {
      rpc,
      ...(init.spanFile === undefined ? {} : { store: openSpanFile(init.spanFile, `${deployment.chainId}:${watched.join()}`) }),
      hashAt: (block) => cursor.hashAt(block),
      finalized: () => confirmations.current().finalized,
      take,
      onProgress({ from, at, to }) {
        // A few blocks at the head are no news.
        if (to - from < PROGRESS_BLOCKS || clock.monotonicMs() - toldAtMs < PROGRESS_MS) return
        toldAtMs = clock.monotonicMs()
        log.info('Reading the events of the chain', { percent: Number((100n * (at - from + 1n)) / (to - from + 1n)), at, to })
      },
      onStoreTrouble: (error) => log.warn('What was read of the chain cannot be kept', { error: messageOf(error) }),
    },
  )

  /** Folds the events of new blocks; all that can fail comes first, so that nothing is folded twice. */
  async function take(logs: readonly Log[]): Promise<void> {
    const steps = logs.filter((one) => one.address === deployment.verifier)
    // Together, so that they travel in batches: a start reads those of all convictions that are not on disk.
    const receipts = await Promise.all(
      convictingTransactions(steps).map(async (tx) =>
        parseReceipt(await rpc.send('eth_getTransactionReceipt', [tx], { signal })),
      ),
    )
    for (const receipt of receipts) if (receipt) book.setGas(receipt.tx, receipt.gasUsed)
    book.add(steps)
    alarms.add(logs)
    changed.registry ||= logs.some((one) => one.address === deployment.registry)
    changed.delegation ||= logs.some((one) => one.address === deployment.delegation)
  }

  /** Brings cases and caches to the head. What fails is tried again from the same block at the next poll. */
  async function scan(): Promise<void> {
    const head = cursor.head().number
    await follower.scan(head, signal)
    book.settle(confirmations.current().finalized)
    await stake?.scan(head, signal)
    alarms.look()
    reads.newHead(changed)
    changed = { registry: false, delegation: false }
  }

  /** Takes back what blocks above this one did; returns the block that all goes on from. */
  async function rewind(to: bigint, head: bigint): Promise<bigint> {
    if (confirmations.rewind(to))
      log.error('Blocks that were final were taken back; is this another chain?', { rewoundTo: to, head })
    else log.warn('Blocks were taken back', { rewoundTo: to, head })
    let point = await follower.rewind(to, signal)
    // Final blocks that were taken back: of their cases only the outcome is held.
    if (point < book.finalTo()) point = await follower.rewind(deployment.deployBlock - 1n, signal)
    const stakePoint = await stake?.rewind(to, signal)
    book.rewind(point)
    alarms.rewind({ own: point, bonding: stakePoint ?? point })
    reads.newHead({ registry: true, delegation: true })
    return point < to ? point : to
  }

  let undone: HeadEvent | undefined

  async function poll(): Promise<void> {
    const event = await cursor.poll(signal)
    if (event) undone = merged(undone, event)
    if (undone) {
      // Kept until it is done: a rewind that fails half-way is begun again.
      const { head, rewoundTo } = undone
      const point = rewoundTo === undefined ? undefined : await rewind(rewoundTo, head.number)
      unannounced = merged(unannounced, point === undefined ? { head } : { head, rewoundTo: point })
      undone = undefined
    }
    if (unannounced) await scan()
    await gate.refresh(cursor.head().number, signal)
    const conflict = gate.conflict()
    if (conflict !== undefined) tell(conflict)
    else if (trouble !== undefined) {
      log.info('The chain can be followed again', { head: cursor.head().number })
      trouble = undefined
    }
    const announce = unannounced
    unannounced = undefined
    if (!announce) return
    // What our transactions came to is looked at by itself: it must not hold up the head.
    sender.attend(announce, signal).catch(untold)
    health?.refresh(signal).catch(untold)
    for (const listener of listeners) {
      try {
        listener(announce)
      } catch (error) {
        log.warn('A listener for new blocks failed', { error: messageOf(error) })
      }
    }
  }

  function untold(error: unknown): void {
    if (!signal.aborted) log.warn('Our own transactions and account cannot be looked at', { error: messageOf(error) })
  }

  /** The same trouble every half second is said once. */
  function tell(text: string): void {
    if (text !== trouble) log.warn('Cannot follow the chain', { error: text })
    trouble = text
  }

  const address = (await deps.signer?.getAddress())?.toLowerCase() as Hex | undefined
  const cursor = await opening(rpc, async () => {
    await checkCode(rpc, deployment, signal)
    return createCursor({ deployBlock: deployment.deployBlock, signal }, { rpc, clock })
  })
  const gate = createGate({ compareMs: init.compareMs ?? 10_000 }, { rpc, clock, log, confirmations })
  await opening(rpc, async () => {
    const head = cursor.head().number
    await gate.refresh(head, signal)
    await follower.resume(signal)
    const controller = controllerOf(deployment)
    if (controller)
      stake = await createStakeWatch(
        { controller, head, signal },
        { rpc, log, hashAt: cursor.hashAt, finalized: () => confirmations.current().finalized, take: alarms.add },
      )
    await scan()
  })
  const health =
    address === undefined || send !== 'live' ? undefined : createHealth({ address, deployment }, { rpc, reads, clock })
  await opening(rpc, async () => {
    await health?.refresh(signal)
    await sender.attend({ head: cursor.head() }, signal)
  })
  const loop = repeat(pollMs, poll, {
    signal,
    onError: (error) => {
      tell(messageOf(error))
      if (isGarbage(error)) rpc.turnTo()
    },
  })

  const actions = createActions(
    { send, pollMs, maxHeadAgeSec: init.maxHeadAgeSec ?? 60 },
    {
      domain: { chainId: deployment.chainId, anchor: deployment.anchor },
      deployment,
      address,
      sender: { send: async (request, options) => (await gate.refusal(options.signal)) ?? sender.send(request, options) },
      intents,
      reads,
      head: cursor.head,
      headAgeSec: cursor.headAgeSec,
      caseOf: book.get,
      closed: signal,
      randomSalt: () => hexlify(randomBytes(32)) as Hex,
    },
  )

  return {
    domain: { chainId: deployment.chainId, anchor: deployment.anchor },
    deployment,
    address,
    head: cursor.head,
    nowSec: cursor.nowSec,
    headAgeSec: cursor.headAgeSec,
    trouble: () => trouble,
    blocked: () => deps.halted?.() ?? health?.problem(),
    account: () =>
      address && {
        balanceWei: health?.balance(),
        usage: usageOf(intents.all(), book.list(), address, clock.nowMs()),
        limits: init.limits,
      },
    onHead(listener) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    confirmations: confirmations.current,
    levelOf: confirmations.levelOf,
    onAlarm: alarms.onAlarm,
    alarms: alarms.list,
    suspect: alarms.suspect,
    unsuspect: alarms.unsuspect,
    round: reads.round,
    async beaconAt(timestampSec, options) {
      const header = await cursor.firstAt(timestampSec, options.signal)
      return header && { hash: header.hash, blockNumber: header.number }
    },
    members: reads.members,
    deposit: reads.deposit,
    isSigner: reads.isSigner,
    serviceUri: reads.serviceUri,
    anchoredHead: reads.anchoredHead,
    silentMembers: () => reads.silentMembers(cursor.head().timestampSec),
    isConvicted: (faultId) => ['convicted', 'settled'].includes(book.get(faultId)?.state ?? ''),
    cases: book.list,
    ...actions,
    async close() {
      stop.abort()
      await loop
      await follower
        .flush()
        .catch((error: unknown) => log.warn('What was read of the chain cannot be kept', { error: messageOf(error) }))
      rpc.close()
    },
  }
}

/** Two events that listeners hear as one: the newest head, and the deepest point that was gone back to. */
function merged(known: HeadEvent | undefined, event: HeadEvent): HeadEvent {
  const depths = [known?.rewoundTo, event.rewoundTo].filter((depth) => depth !== undefined)
  const [first, second] = depths
  if (first === undefined) return event
  return { head: event.head, rewoundTo: second !== undefined && second < first ? second : first }
}

/** A connection that fails at start is closed again, so that nothing keeps the process alive. */
async function opening<T>(rpc: Rpc, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    rpc.close()
    throw error
  }
}

async function checkCode(rpc: Rpc, deployment: Deployment, signal: AbortSignal): Promise<void> {
  const names = ['anchor', 'verifier', 'faultVerifier', 'registry', 'deposit', 'delegation', 'rounds'] as const
  const codes = await Promise.all(names.map((name) => rpc.send('eth_getCode', [deployment[name], 'latest'], { signal })))
  names.forEach((name, i) => {
    if (bytes(codes[i], 'contract code') !== '0x') return
    throw problem(
      'chain-no-contract',
      `there is no contract at ${deployment[name]} (${name}) on chain ${deployment.chainId}; check the deployment file and the network`,
    )
  })
}
