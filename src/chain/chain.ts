import { setMaxListeners } from 'node:events'
import { hexlify, randomBytes } from 'ethers'
import type { Hex } from '../../proofs/types.ts'
import { type Clock, repeat } from '../base/clock.ts'
import { messageOf } from '../base/errors.ts'
import type { Logger } from '../base/log.ts'
import { createWriteAhead, type WriteAhead } from '../base/write-ahead.ts'
import { createActions } from './actions.ts'
import { convictingTransactions, createCaseBook } from './cases.ts'
import { createCursor } from './cursor.ts'
import { memoryIntents } from './intents.ts'
import { createReads } from './reads.ts'
import { createRpc, problem, type Rpc } from './rpc.ts'
import { createSender } from './sender.ts'
import type { Chain, Deployment, HeadEvent, IntentStore, TransactionSigner } from './types.ts'
import { bytes, parseLogs, parseReceipt, toQuantity } from './wire.ts'

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
  /** Seconds. Default 60. */
  maxHeadAgeSec?: number
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
}

/** Blocks of one log query: public nodes refuse much longer spans. */
const LOG_SPAN = 5000n

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
      maxFeePerGas: init.maxFeePerGas ?? 100_000_000_000n,
    },
    { rpc, clock, log, intents, signer: deps.signer, writeAhead: deps.writeAhead ?? createWriteAhead() },
  )
  const watched = [deployment.verifier, deployment.registry, deployment.delegation]
  let scannedTo = deployment.deployBlock - 1n
  let trouble: string | undefined
  let unannounced: HeadEvent | undefined
  let changed = { registry: false, delegation: false }

  /** Brings cases and caches to the head. What fails is tried again from the same block at the next poll. */
  async function scan(): Promise<void> {
    const head = cursor.head().number
    while (scannedTo < head) {
      const from = scannedTo + 1n
      const to = from + LOG_SPAN - 1n < head ? from + LOG_SPAN - 1n : head
      const filter = { address: watched, fromBlock: toQuantity(from), toBlock: toQuantity(to) }
      const logs = parseLogs(await rpc.send('eth_getLogs', [filter], { signal }))
      if (logs.some((one) => one.blockNumber < from || one.blockNumber > to))
        throw problem('rpc-garbage', 'the RPC node answered with logs of other blocks than asked for; use another RPC URL')
      const steps = logs.filter((one) => one.address === deployment.verifier)
      for (const tx of convictingTransactions(steps)) {
        const receipt = parseReceipt(await rpc.send('eth_getTransactionReceipt', [tx], { signal }))
        if (receipt) book.setGas(tx, receipt.gasUsed)
      }
      book.add(steps)
      changed.registry ||= logs.some((one) => one.address === deployment.registry)
      changed.delegation ||= logs.some((one) => one.address === deployment.delegation)
      scannedTo = to
    }
    reads.newHead(changed)
    changed = { registry: false, delegation: false }
  }

  async function poll(): Promise<void> {
    const event = await cursor.poll(signal)
    if (event?.rewoundTo !== undefined) {
      log.warn('Blocks were taken back', { rewoundTo: event.rewoundTo, head: event.head.number })
      book.rewind(event.rewoundTo)
      if (event.rewoundTo < scannedTo) scannedTo = event.rewoundTo
      reads.newHead({ registry: true, delegation: true })
    }
    if (event) unannounced = merged(unannounced, event)
    if (unannounced) await scan()
    if (trouble !== undefined) log.info('The chain can be followed again', { head: cursor.head().number })
    trouble = undefined
    const announce = unannounced
    unannounced = undefined
    if (!announce) return
    for (const listener of listeners) {
      try {
        listener(announce)
      } catch (error) {
        log.warn('A listener for new blocks failed', { error: messageOf(error) })
      }
    }
  }

  const address = (await deps.signer?.getAddress())?.toLowerCase() as Hex | undefined
  const cursor = await opening(rpc, async () => {
    await checkCode(rpc, deployment, signal)
    return createCursor({ deployBlock: deployment.deployBlock, signal }, { rpc, clock })
  })
  await opening(rpc, scan)
  const loop = repeat(pollMs, poll, {
    signal,
    onError: (error) => {
      const text = messageOf(error)
      // The same trouble every half second is said once.
      if (text !== trouble) log.warn('Cannot follow the chain', { error: text })
      trouble = text
    },
  })

  const actions = createActions(
    { send, pollMs, maxHeadAgeSec: init.maxHeadAgeSec ?? 60 },
    {
      domain: { chainId: deployment.chainId, anchor: deployment.anchor },
      deployment,
      address,
      sender,
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
    onHead(listener) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
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
    isConvicted: (faultId) => ['convicted', 'settled'].includes(book.get(faultId)?.state ?? ''),
    cases: book.list,
    ...actions,
    async close() {
      stop.abort()
      await loop
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
