import { setMaxListeners } from 'node:events'
import { hexlify, randomBytes } from 'ethers'
import type { Hex } from '../../proofs/types.ts'
import { repeat } from '../base/clock.ts'
import { messageOf } from '../base/errors.ts'
import { createWriteAhead } from '../base/write-ahead.ts'
import { createActions } from './actions.ts'
import { createCaseBook } from './cases.ts'
import { createConfirmations } from './confirmations.ts'
import { createCursor } from './cursor.ts'
import { createGate } from './gate.ts'
import { createHealth } from './health.ts'
import type { ChainDeps, ChainInit } from './init.ts'
import { memoryIntents } from './intents.ts'
import { usageOf } from './limits.ts'
import { checkCode, opening } from './opening.ts'
import { createPoll } from './poll.ts'
import { createReads } from './reads.ts'
import { createRpc, isGarbage } from './rpc.ts'
import { createScan } from './scan.ts'
import { createSender } from './sender.ts'
import type { Chain } from './types.ts'

export type { ChainDeps, ChainInit } from './init.ts'

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
  const confirmations = createConfirmations({ rpc })
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

  const address = (await deps.signer?.getAddress())?.toLowerCase() as Hex | undefined
  const health =
    address === undefined || send !== 'live' ? undefined : createHealth({ address, deployment }, { rpc, reads, clock })
  const gate = createGate({ compareMs: init.compareMs ?? 10_000 }, { rpc, clock, log, confirmations })
  const { cursor, scan } = await opening(rpc, async () => {
    await checkCode(rpc, deployment, signal)
    const cursor = await createCursor({ deployBlock: deployment.deployBlock, signal }, { rpc, clock })
    await gate.refresh(cursor.head().number, signal)
    const scan = createScan(
      { deployment, spanFile: init.spanFile, signal },
      { rpc, clock, log, cursor, confirmations, book, reads },
    )
    await scan.start()
    await health?.refresh(signal)
    await sender.attend({ head: cursor.head() }, signal)
    return { cursor, scan }
  })
  const poll = createPoll({
    ...{ log, cursor, scan, gate },
    attend: async (event) => void (await Promise.all([sender.attend(event, signal), health?.refresh(signal)])),
  })
  const loop = repeat(pollMs, () => poll.look(signal), {
    signal,
    onError: (error) => {
      poll.tell(messageOf(error))
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
    trouble: poll.trouble,
    blocked: () => deps.halted?.() ?? health?.problem(),
    account: () =>
      address && {
        balanceWei: health?.balance(),
        usage: usageOf(intents.all(), book.list(), address, clock.nowMs()),
        limits: init.limits,
      },
    onHead: poll.onHead,
    confirmations: confirmations.current,
    levelOf: confirmations.levelOf,
    onAlarm: scan.alarms.onAlarm,
    alarms: scan.alarms.list,
    suspect: scan.alarms.suspect,
    unsuspect: scan.alarms.unsuspect,
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
      await scan.flush()
      rpc.close()
    },
  }
}
