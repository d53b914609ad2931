import type { LogDescription } from 'ethers'
import { type EventRow, MAX_TEXT, type StateRow } from '../../proofs/dataset.ts'
import type { Hex } from '../../proofs/types.ts'
import type { Clock } from '../base/clock.ts'
import { FishermanError } from '../base/errors.ts'
import { createConfirmations } from './confirmations.ts'
import { lower } from './contracts.ts'
import { createCursor } from './cursor.ts'
import { createEventFollower, type ScanProgress } from './follow.ts'
import {
  bondingInterface,
  brokerInterface,
  controllerOf,
  type LivepeerAddresses,
  livepeerRoundsInterface,
  resolveLivepeer,
  serviceInterface,
  topicOf,
} from './livepeer.ts'
import { createMulticall, type Multicall, type View } from './multicall.ts'
import { walkPool } from './pool.ts'
import { problem, type Rpc } from './rpc.ts'
import { openSpanFile } from './span-file.ts'
import type { Deployment } from './types.ts'
import { type Header, type Log, parseHeader, toQuantity } from './wire.ts'

/** Events of whole rounds, and orchestrators as they stand now. */
export interface RoundEvents {
  contracts: Pick<LivepeerAddresses, 'bondingManager' | 'roundsManager' | 'ticketBroker' | 'serviceRegistry'>
  /** Last round that is over, and how many began in the span. */
  round: bigint
  rounds: number
  from: Header
  /** Last block before the next round began. */
  to: Header
  /** Block of the state. */
  at: Header
  events: EventRow[]
  state: StateRow[]
}

export interface RoundEventsInit {
  deployment: Deployment
  /** Whole rounds to look back at most. */
  rounds: number
  roundSec: number
  /** Keeps the events, so that the next look reads only what is new. */
  spanFile?: string
  maxEvents?: number
}

export interface RoundEventsDeps {
  rpc: Rpc
  clock: Clock
  onProgress?(progress: ScanProgress): void
}

/** 90 rounds of 100 nodes are 9,000 rewards and some thousand others; this is a contract that floods us, or far too long a span. */
const MAX_EVENTS = 300_000
/** A round begins late where nobody calls for it: the search for its beginning goes back by so many rounds more. */
const SPARE_ROUNDS = 3

/** Reads the events of the last whole rounds: what is not final yet is left for later, so that nothing published is taken back. */
export async function readRoundEvents(init: RoundEventsInit, deps: RoundEventsDeps, signal: AbortSignal): Promise<RoundEvents> {
  const { rpc } = deps
  const controller = controllerOf(init.deployment)
  if (!controller)
    throw new FishermanError({
      code: 'idle-no-livepeer',
      message: "Livepeer's contracts are not on this chain: nobody mints or redeems here; use a network that has them",
      blame: 'ours',
    })
  const multicall = createMulticall({ rpc })
  const livepeer = await resolveLivepeer(controller, multicall, signal)
  const cursor = await createCursor({ deployBlock: 0n, signal }, deps)
  const head = cursor.head()
  const confirmations = createConfirmations({ rpc })
  await confirmations.refresh(head.number, signal)
  const final = confirmations.current().finalized
  const since = head.timestampSec - (init.rounds + SPARE_ROUNDS) * init.roundSec
  const first = (await cursor.firstAt(since, signal))?.number ?? head.number
  const rows: EventRow[] = []
  const limit = init.maxEvents ?? MAX_EVENTS
  const addresses = [
    ...new Set([livepeer.bondingManager, livepeer.roundsManager, livepeer.ticketBroker, livepeer.serviceRegistry]),
  ]
  if (first <= final) {
    const follower = createEventFollower(
      { filter: { address: addresses, topics: Object.keys(READERS) as Hex[] }, from: first },
      {
        ...deps,
        ...(init.spanFile === undefined
          ? {}
          : { store: openSpanFile(init.spanFile, ['idle', init.deployment.chainId, ...addresses].join()) }),
        hashAt: cursor.hashAt,
        finalized: () => final,
        async take(logs) {
          for (const log of logs) {
            const row = log.blockNumber < first || log.blockNumber > final ? undefined : rowOf(log, livepeer)
            if (row) rows.push(row)
          }
          if (rows.length > limit)
            throw problem('idle-too-many', `there are more than ${limit} events in ${init.rounds} rounds; ask for fewer --rounds`)
        },
      },
    )
    await follower.resume(signal)
    await follower.scan(final, signal)
    await follower.flush()
  }
  const { events, round, rounds, nextBlock } = wholeRounds(rows, init.rounds)
  const header = async (number: bigint): Promise<Header> => {
    const found = parseHeader(await rpc.send('eth_getBlockByNumber', [toQuantity(number), false], { signal }))
    if (!found) throw problem('rpc-lies', `the RPC node has no block ${number}, though it told events of it; use another RPC URL`)
    return found
  }
  const [from, to, at] = await Promise.all([header(events[0]?.block ?? 0n), header(nextBlock - 1n), header(head.number)])
  const named = new Set<Hex>()
  for (const row of events)
    if (row.kind === 'reward') named.add(row.transcoder)
    else if (row.kind === 'ticket') named.add(row.recipient)
  const state = await readState(livepeer, named, { multicall, block: toQuantity(head.number), signal })
  const { bondingManager, roundsManager, ticketBroker, serviceRegistry } = livepeer
  const contracts = { bondingManager, roundsManager, ticketBroker, serviceRegistry }
  return { contracts, round, rounds, from, to, at, events, state }
}

/** Cuts to whole rounds: from the beginning of one to the block before the beginning of another. */
function wholeRounds(
  rows: readonly EventRow[],
  most: number,
): { events: EventRow[]; round: bigint; rounds: number; nextBlock: bigint } {
  const begins = rows.filter((row) => row.kind === 'new-round')
  const next = begins.at(-1)
  const whole = begins.slice(0, -1).slice(-most)
  const [first, last] = [whole[0], whole.at(-1)]
  if (!next || !first || !last)
    throw new FishermanError({
      code: 'idle-no-round',
      message: 'no whole round is final yet: two beginnings of rounds are needed; wait, or ask for more --rounds',
      blame: 'ours',
    })
  // What happened earlier in the block in which a round begins belongs to the round before; that block opens one span and never closes one.
  const events = rows.filter(
    ({ block, index }) => block < next.block && (block > first.block || (block === first.block && index >= first.index)),
  )
  return { events, round: last.round, rounds: whole.length, nextBlock: next.block }
}

async function readState(
  { bondingManager, serviceRegistry }: LivepeerAddresses,
  named: ReadonlySet<Hex>,
  { multicall, block, signal }: { multicall: Multicall; block: Hex; signal: AbortSignal },
): Promise<StateRow[]> {
  const pool = new Set(await walkPool(bondingManager, multicall, block, signal))
  const nodes = [...new Set([...pool, ...named])].sort()
  const bonding = (name: string, ...values: unknown[]): View => ({ to: bondingManager, contract: bondingInterface, name, values })
  const answers = await multicall.read(
    nodes.flatMap((node) => [
      bonding('transcoderTotalStake', node),
      bonding('getDelegator', node),
      { to: serviceRegistry, contract: serviceInterface, name: 'getServiceURI', values: [node] },
    ]),
    { signal, block },
  )
  return nodes.map((address, i): StateRow => {
    const [total, delegator, uri] = answers.slice(3 * i, 3 * i + 3)
    return {
      ...{ address, ownBond: (delegator?.[0] ?? 0n) as bigint, totalStake: (total?.[0] ?? 0n) as bigint },
      ...{ inPool: pool.has(address) ? 1 : 0, serviceUri: plain(String(uri?.[0] ?? '')) },
    }
  })
}

/** Anybody may write anything into the registry: no control characters, no half of a character, cut. */
function plain(text: string): string {
  return text
    .replace(/\p{C}/gu, '')
    .slice(0, MAX_TEXT)
    .replace(/[\ud800-\udbff]$/, '')
}

type Contract = keyof RoundEvents['contracts']
interface Reader {
  contract: Contract
  parse(log: Log): LogDescription | null
  row(args: LogDescription['args']): Record<string, unknown>
}

const INTERFACES = {
  ...{ bondingManager: bondingInterface, roundsManager: livepeerRoundsInterface },
  ...{ ticketBroker: brokerInterface, serviceRegistry: serviceInterface },
}
const reader = (contract: Contract, event: string, row: Reader['row']): [Hex, Reader] => {
  const from = INTERFACES[contract]
  return [topicOf(from, event), { contract, row, parse: ({ topics, data }) => from.parseLog({ topics, data }) }]
}
const who = (value: unknown): Hex => lower(value as string)

/** How each event becomes a row, by its first topic; an event counts only from the contract that it belongs to. */
const READERS: Readonly<Record<Hex, Reader>> = Object.fromEntries([
  reader('roundsManager', 'NewRound', (a) => ({ kind: 'new-round', round: a.round })),
  reader('bondingManager', 'Reward', (a) => ({ kind: 'reward', transcoder: who(a.transcoder), amount: a.amount })),
  reader('ticketBroker', 'WinningTicketRedeemed', (a) => ({
    ...{ kind: 'ticket', sender: who(a.sender), recipient: who(a.recipient), faceValue: a.faceValue },
  })),
  reader('serviceRegistry', 'ServiceURIUpdate', (a) => ({
    ...{ kind: 'service-uri', transcoder: who(a.addr), uri: plain(a.serviceURI as string) },
  })),
  reader('bondingManager', 'TranscoderUpdate', (a) => ({ kind: 'transcoder-update', transcoder: who(a.transcoder) })),
  reader('bondingManager', 'TranscoderActivated', (a) => ({
    ...{ kind: 'activated', transcoder: who(a.transcoder), round: a.activationRound },
  })),
  reader('bondingManager', 'TranscoderDeactivated', (a) => ({
    ...{ kind: 'deactivated', transcoder: who(a.transcoder), round: a.deactivationRound },
  })),
  reader('bondingManager', 'Bond', (a) => ({
    ...{ kind: 'bond', delegator: who(a.delegator), delegate: who(a.newDelegate), added: a.additionalAmount },
  })),
  reader('bondingManager', 'Unbond', (a) => ({
    ...{ kind: 'unbond', delegator: who(a.delegator), delegate: who(a.delegate), amount: a.amount },
  })),
])

function rowOf(log: Log, livepeer: LivepeerAddresses): EventRow | undefined {
  const found = READERS[log.topics[0] ?? '0x']
  if (!found || livepeer[found.contract] !== log.address) return undefined
  try {
    const event = found.parse(log)
    return event ? ({ block: log.blockNumber, index: log.logIndex, ...found.row(event.args) } as unknown as EventRow) : undefined
  } catch {
    // A text that is no UTF-8: its owner wrote it so, and nothing else of it is needed.
    return undefined
  }
}
