import type { Hex } from '../../proofs/types.ts'
import type { Clock } from '../base/clock.ts'
import type { Logger } from '../base/log.ts'
import { depositInterface, lower, serviceRegistryInterface } from './contracts.ts'
import { createCursor } from './cursor.ts'
import { createEventFollower, type ScanProgress } from './follow.ts'
import {
  bondingInterface,
  controllerOf,
  livepeerRoundsInterface,
  resolveLivepeer,
  serviceInterface,
  topicOf,
} from './livepeer.ts'
import { createMulticall, type Multicall, type View, type ViewResult } from './multicall.ts'
import { walkPool } from './pool.ts'
import type { Rpc } from './rpc.ts'
import { openSpanFile } from './span-file.ts'
import type { Deployment } from './types.ts'
import { countWindow } from './window.ts'
import { toQuantity } from './wire.ts'

/** One orchestrator. Amounts in wei of the token; undefined is "not told here", never zero. */
export interface OrchestratorRow {
  address: Hex
  /** Livepeer's pool: own and delegated stake. Without Livepeer the deposit. */
  totalStake: bigint
  /** Own bond with what it has earned on it; undefined where there is no Livepeer. */
  ownBond?: bigint
  /** Security deposit: without what was taken, and without what is on its way out. */
  deposit: bigint
  /** What is on its way out; a conviction reaches it until it has left. */
  thawing: bigint
  /** An open case holds the deposit. */
  frozen: boolean
  /** What a conviction can reach: own bond and deposit. */
  slashable: bigint
  serviceUri: string
  lastRewardRound?: bigint
  /** In the window: calls of reward(), winning tickets paid to it. */
  rewardCalls?: number
  tickets?: number
  /**
   * It took inflation and no ticket was redeemed. No proof of anything: tickets are a lottery, and whether its service URI answers is not
   * looked at here.
   */
  rewardedWithoutTickets?: boolean
}

export interface OrchestratorTable {
  /** Where the rows come from: Livepeer's pool, or who has a security deposit. */
  source: 'livepeer' | 'deposits'
  block: bigint
  round?: bigint
  /** Rounds and blocks that reward calls and tickets are counted in. */
  window?: { rounds: number; fromBlock: bigint; toBlock: bigint; newRounds: number }
  /** Largest total stake first. */
  rows: OrchestratorRow[]
}

export interface TableInit {
  deployment: Deployment
  /** Rounds to look back, and seconds of one. */
  rounds: number
  roundSec: number
  /** Keeps the events of the window, so that the next look reads only what is new. */
  spanFile?: string
}

export interface TableDeps {
  rpc: Rpc
  clock: Clock
  log: Logger
  onProgress?(progress: ScanProgress): void
}

/** Reads the table of all orchestrators at one block. */
export async function readOrchestrators(init: TableInit, deps: TableDeps, signal: AbortSignal): Promise<OrchestratorTable> {
  const multicall = createMulticall(deps)
  const controller = controllerOf(init.deployment)
  const table = controller
    ? await livepeerTable(controller, multicall, init, deps, signal)
    : await depositTable(multicall, init, deps, signal)
  table.rows.sort((a, b) =>
    a.totalStake === b.totalStake ? (a.address < b.address ? -1 : 1) : a.totalStake < b.totalStake ? 1 : -1,
  )
  return table
}

async function livepeerTable(
  controller: Hex,
  multicall: Multicall,
  init: TableInit,
  deps: TableDeps,
  signal: AbortSignal,
): Promise<OrchestratorTable> {
  const livepeer = await resolveLivepeer(controller, multicall, signal)
  // The window may begin long before our own contracts.
  const cursor = await createCursor({ deployBlock: 0n, signal }, deps)
  const head = cursor.head()
  const block = toQuantity(head.number)
  const view = (to: Hex, contract: View['contract'], name: string, ...values: unknown[]): View => ({ to, contract, name, values })
  const [roundResult] = await multicall.read([view(livepeer.roundsManager, livepeerRoundsInterface, 'currentRound')], {
    signal,
    block,
  })
  const round = roundResult?.[0] as bigint | undefined
  const nodes = await walkPool(livepeer.bondingManager, multicall, block, signal)
  const bonding = (name: string, ...values: unknown[]) => view(livepeer.bondingManager, bondingInterface, name, ...values)
  const each = (node: Hex): View[] => [
    bonding('transcoderTotalStake', node),
    bonding('getTranscoder', node),
    bonding('getDelegator', node),
    bonding('pendingStake', node, round ?? 0n),
    view(livepeer.serviceRegistry, serviceInterface, 'getServiceURI', node),
    view(init.deployment.deposit, depositInterface, 'accounts', node),
    view(init.deployment.deposit, depositInterface, 'securityOf', node),
  ]
  const width = 7
  const answers = await multicall.read(nodes.flatMap(each), { signal, block })

  const since = head.timestampSec - init.rounds * init.roundSec
  const fromBlock = (await cursor.firstAt(since, signal))?.number ?? head.number
  const counts = await countWindow(
    { ...livepeer, fromBlock, toBlock: head.number },
    { chainId: init.deployment.chainId, ...(init.spanFile === undefined ? {} : { spanFile: init.spanFile }) },
    { ...deps, hashAt: cursor.hashAt },
    signal,
  )
  const rows = nodes.map((address, i): OrchestratorRow => {
    const [total, transcoder, delegator, pending, uri, account, security] = answers.slice(i * width, (i + 1) * width)
    // What is earned and not claimed yet is claimed by a slash, so it can be taken too.
    const ownBond = (pending?.[0] ?? delegator?.[0] ?? 0n) as bigint
    const deposit = depositOf(account, security)
    const rewardCalls = counts.rewards.get(address) ?? 0
    const tickets = counts.tickets.get(address) ?? 0
    return {
      address,
      totalStake: (total?.[0] ?? 0n) as bigint,
      ownBond,
      ...deposit,
      slashable: ownBond + deposit.deposit + deposit.thawing,
      serviceUri: textOf(uri),
      lastRewardRound: (transcoder?.[0] ?? 0n) as bigint,
      rewardCalls,
      tickets,
      rewardedWithoutTickets: rewardCalls > 0 && tickets === 0,
    }
  })
  const window = { rounds: init.rounds, fromBlock, toBlock: head.number, newRounds: counts.rounds }
  return { source: 'livepeer', block: head.number, ...(round === undefined ? {} : { round }), window, rows }
}

/** Without Livepeer: everybody who ever put up a deposit. */
async function depositTable(
  multicall: Multicall,
  { deployment, spanFile }: TableInit,
  deps: TableDeps,
  signal: AbortSignal,
): Promise<OrchestratorTable> {
  const cursor = await createCursor({ deployBlock: deployment.deployBlock, signal }, deps)
  const head = cursor.head()
  const nodes = new Set<Hex>()
  const follower = createEventFollower(
    { filter: { address: [deployment.deposit], topics: [topicOf(depositInterface, 'Deposited')] }, from: deployment.deployBlock },
    {
      ...deps,
      ...(spanFile === undefined ? {} : { store: openSpanFile(spanFile, `${deployment.chainId}:${deployment.deposit}`) }),
      hashAt: cursor.hashAt,
      finalized: () => head.number,
      async take(logs) {
        for (const { topics } of logs) if (topics[1]) nodes.add(lower(`0x${topics[1].slice(26)}`))
      },
    },
  )
  await follower.resume(signal)
  await follower.scan(head.number, signal)
  await follower.flush()
  const list = [...nodes]
  const views = list.flatMap((node): View[] => [
    { to: deployment.deposit, contract: depositInterface, name: 'accounts', values: [node] },
    { to: deployment.deposit, contract: depositInterface, name: 'securityOf', values: [node] },
    { to: deployment.serviceRegistry, contract: serviceRegistryInterface, name: 'getServiceURI', values: [node] },
  ])
  const answers = await multicall.read(views, { signal, block: toQuantity(head.number) })
  const rows = list.map((address, i): OrchestratorRow => {
    const deposit = depositOf(answers[3 * i], answers[3 * i + 1])
    return {
      address,
      totalStake: deposit.deposit,
      ...deposit,
      slashable: deposit.deposit + deposit.thawing,
      serviceUri: textOf(answers[3 * i + 2]),
    }
  })
  return { source: 'deposits', block: head.number, rows }
}

function depositOf(account: ViewResult, security: ViewResult): Pick<OrchestratorRow, 'deposit' | 'thawing' | 'frozen'> {
  const [amount = 0n, , , freezes = 0n] = (account ?? []) as readonly bigint[]
  const deposit = (security?.[0] ?? 0n) as bigint
  return { deposit, thawing: amount - deposit, frozen: freezes > 0n }
}

/** Anybody may write anything into the registry: cut to what fits a line, without control characters. */
function textOf(result: ViewResult): string {
  return String(result?.[0] ?? '')
    .replace(/\p{C}/gu, '')
    .slice(0, 200)
}
