import { statfsSync } from 'node:fs'
import { STATEMENT_KINDS } from '../../proofs/codec.ts'
import type { Hex, Outcome } from '../../proofs/types.ts'
import { OUTCOMES } from '../../proofs/types.ts'
import { median } from '../base/median.ts'
import type { CaseView } from '../chain/types.ts'
import type { Gossip } from '../gossip/index.ts'
import { ORCHESTRATORS_SHOWN } from '../observe/catalog.ts'
import type { Reading, Readings } from '../observe/metrics.ts'
import type { HardwareCount } from '../transcode/hardware/bench.ts'
import type { Bench } from './bench.ts'
import type { SigningState } from './heads.ts'
import type { NodeTally } from './tally.ts'

export interface ReadingsInit {
  version: string
  verdictVersion: number
  network: string
  dataDir: string
  /** What the operator's budget allows a day; none is no limit. */
  budget: { secondsPerDay?: number | undefined; bytesPerDay?: number | undefined }
}

export interface ReadingsDeps {
  bench: Pick<Bench, 'mode' | 'chain' | 'log' | 'queue' | 'tally' | 'budget' | 'address'>
  gossip(): Pick<Gossip, 'peers' | 'counters'> | undefined
  ready(): string | undefined
  signing(): SigningState
  members(): number
  feeds(): number
  hardware(): readonly HardwareCount[]
  clocksAhead(): readonly { seconds: number }[]
}

const HOLDING: readonly CaseView['state'][] = ['open', 'answered']
const STATES: readonly CaseView['state'][] = [
  'open',
  'answered',
  'convicted',
  'settled',
  'expired',
  'refunded',
  'rejected',
  'drawn',
]
/** The contract's share for who found a fault: FINDER_PPM of FishermanVerifier. */
const FINDER_SHARE = 0.1

/** What `/metrics` asks of the daemon at each scrape; all of it lies in memory, but for the free space of the disk. */
export function createReadings(init: ReadingsInit, deps: ReadingsDeps): () => Readings {
  const { bench } = deps
  return () => ({
    buildInfo: [{ labels: labelsOf(init, bench.mode), value: 1 }],
    ready: deps.ready() === undefined ? 1 : 0,
    signing: deps.signing() === 'signing' ? 1 : 0,
    signingStopped: deps.signing() === 'stopped' ? 1 : 0,
    ...ofNodes(bench.tally.nodes()),
    waiting: bench.queue.size(),
    running: bench.queue.running(),
    budget: ofBudget(init.budget, bench.budget.spent(bench.chain.nowSec())),
    feeds: deps.feeds(),
    hardwareJobs: deps.hardware().flatMap(ofHardware),
    logEntries: bench.log.head().size,
    logWritable: bench.log.trouble() === undefined ? 1 : 0,
    ...diskFree(init.dataDir),
    ...ofGossip(deps.gossip()),
    clockAhead: median(deps.clocksAhead().map(({ seconds }) => seconds)),
    members: deps.members(),
    ...ofChain(bench),
  })
}

function labelsOf({ version, verdictVersion, network }: ReadingsInit, mode: string): Record<string, string> {
  return { version, verdict_version: String(verdictVersion), network, mode }
}

function ofNodes(nodes: Readonly<Record<Hex, NodeTally>>): Readings {
  const shown = (Object.entries(nodes) as [Hex, NodeTally][])
    .sort(([a, x], [b, y]) => y.evidenceScore - x.evidenceScore || (a < b ? -1 : 1))
    .slice(0, ORCHESTRATORS_SHOWN)
  return {
    evidenceScore: shown.map(([orchestrator, { evidenceScore }]) => ({ labels: { orchestrator }, value: evidenceScore })),
    orchestratorVerdicts: shown.flatMap(([orchestrator, node]) =>
      OUTCOMES.map((outcome: Outcome) => ({ labels: { orchestrator, outcome }, value: node[outcome] })),
    ),
  }
}

function ofBudget(limits: ReadingsInit['budget'], spent: { seconds: number; bytes: number }): Reading[] {
  return [
    { labels: { resource: 'seconds' }, value: limits.secondsPerDay === undefined ? 0 : spent.seconds / limits.secondsPerDay },
    { labels: { resource: 'bytes' }, value: limits.bytesPerDay === undefined ? 0 : spent.bytes / limits.bytesPerDay },
  ]
}

function ofHardware({ backend, jobs, failures }: HardwareCount): Reading[] {
  return [
    { labels: { backend, result: 'ok' }, value: jobs - failures },
    { labels: { backend, result: 'failed' }, value: failures },
  ]
}

function diskFree(folder: string): Readings {
  try {
    const { bavail, bsize } = statfsSync(folder)
    return { diskFree: bavail * bsize }
  } catch {
    // Said by the alert on its absence; the other numbers matter more now.
    return {}
  }
}

const RESULTS = ['accepted', 'ignored', 'rejected']

function ofGossip(gossip: ReturnType<ReadingsDeps['gossip']>): Readings {
  const peers = gossip?.peers() ?? []
  const counts = Object.entries(gossip?.counters() ?? {})
  const sum = (wanted: (name: string) => boolean) => counts.reduce((total, [name, n]) => (wanted(name) ? total + n : total), 0)
  return {
    peers: ['inbound', 'outbound'].map((direction) => ({
      labels: { direction },
      value: new Set(peers.filter((peer) => peer.direction === direction).map(({ id }) => id)).size,
    })),
    gossip: RESULTS.flatMap((result) =>
      STATEMENT_KINDS.map((kind) => ({
        labels: { kind, result },
        value: sum((name) => name === `${result}.${kind}` || name.startsWith(`${result}.${kind}.`)),
      })),
    ),
    heldBack: sum((name) => name.startsWith('held-back.')),
    repaired: sum((name) => name === 'pull.repaired'),
    foreign: sum((name) => name === 'banned.foreign'),
    banned: counts
      .filter(([name]) => name.startsWith('banned.'))
      .map(([name, value]) => ({ labels: { reason: name.slice('banned.'.length) }, value })),
    bundlesServed: sum((name) => name === 'bundles.served-bytes'),
  }
}

function ofChain({ chain, address }: ReadingsDeps['bench']): Readings {
  const cases = chain.cases()
  const account = chain.account()
  const ours = cases.filter(({ finder }) => finder !== undefined && finder === address)
  const sumOf = (...states: CaseView['state'][]) =>
    ours.reduce((total, one) => (states.includes(one.state) ? total + coins(one.amount ?? 0n) : total), 0)
  return {
    headAge: chain.headAgeSec(),
    headNumber: Number(chain.head().number),
    chainTrouble: chain.trouble() === undefined ? 0 : 1,
    cases: STATES.map((state) => ({ labels: { state }, value: cases.filter((one) => one.state === state).length })),
    ownCases: cases.filter(({ opener, state }) => opener === address && HOLDING.includes(state)).length,
    ...(account?.balanceWei === undefined ? {} : { balance: coins(account.balanceWei) }),
    ...(account
      ? { gasDay: coins(account.usage.gasWei), slashesDay: account.usage.slashes, bondLocked: coins(account.usage.bond) }
      : {}),
    ...(account?.limits ? { gasLimit: coins(account.limits.gasPerDay) } : {}),
    taken: sumOf('convicted', 'settled'),
    earned: sumOf('settled') * FINDER_SHARE,
  }
}

/** Whole coins of wei, as exactly as a double can. */
function coins(wei: bigint): number {
  return Number(wei) / 1e18
}
