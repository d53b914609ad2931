import { STATEMENT_KINDS } from '../../proofs/codec.ts'
import { OUTCOMES } from '../../proofs/types.ts'
import type { ActionResult, AlarmKind } from '../chain/types.ts'
import type { TrustFault } from '../court/trust.ts'

/** One metric as `/metrics` tells it. */
export interface MetricSpec {
  name: string
  kind: 'counter' | 'gauge' | 'histogram'
  help: string
  /** Label -> its values where the program knows them all, else what they are; each comes from a bounded set. */
  labels?: Readonly<Record<string, string | readonly string[]>>
  /** Upper bounds of a histogram's buckets, in the metric's unit. */
  buckets?: readonly number[]
}

/** Orchestrators that get series of their own at most, those under the most suspicion first: a feed list may be long, a scrape may not. */
export const ORCHESTRATORS_SHOWN = 200

/** Work that may be left undone, and what a member may have done to lose our trust. */
const DROPS = [
  ...(['sample', 'window', 'paused', 'sample-over-budget', 'replay-over-budget', 'check-failed'] as const),
  ...(['answer-unlike-its-seal', 'answer-not-drawn', 'fault-held-back'] as const),
  ...membersOf<`trust-${TrustFault}`>({
    'trust-copied': true,
    'trust-wrong-fingerprint': true,
    'trust-never-opened': true,
    'trust-framing': true,
  }),
]
export type Drop = (typeof DROPS)[number]

const ALARMS = membersOf<AlarmKind>({
  unbond: true,
  'transfer-bond': true,
  thawing: true,
  'signer-delegated': true,
  'signer-revoked': true,
})
/** What the daemon does on the chain by itself. */
const ACTIONS = ['open', 'reveal', 'convict', 'reject', 'draw', 'settle', 'expire', 'silent', 'anchor']
const STATUSES = membersOf<ActionResult['status']>({ mined: true, already: true, simulated: true, refused: true })

/** All members of a union, in this order: one that is forgotten here does not compile. */
function membersOf<T extends string>(all: Readonly<Record<T, true>>): T[] {
  return Object.keys(all) as T[]
}

/** The name that livepeer-exporter gives to the same thing. */
const ORCHESTRATOR = `address of the orchestrator, 0x and 40 lower-case hex digits; at most ${ORCHESTRATORS_SHOWN}, highest evidence score first`

/**
 * All metrics of our own. The program is built from this table and so is the reference, and dashboards and alerts are checked against it.
 * Amounts are in whole coins or tokens: Prometheus counts in doubles, which cannot hold wei.
 */
export const CATALOG = {
  buildInfo: {
    name: 'fisherman_build_info',
    kind: 'gauge',
    help: 'Always 1; what runs here is in the labels',
    labels: {
      version: 'of the program',
      verdict_version: 'of the verdict',
      network: 'preset',
      mode: 'observe, attest, dry-run, active',
    },
  },
  ready: { name: 'fisherman_ready', kind: 'gauge', help: '1 while /readyz says ready, else 0' },
  signing: {
    name: 'fisherman_signing',
    kind: 'gauge',
    help: '1 while answers may be signed; 0 without a key, while waiting for our last head, or stopped',
  },
  signingStopped: {
    name: 'fisherman_signing_stopped',
    kind: 'gauge',
    help: '1 once signing has stopped for good: the key signs somewhere else, or the folder is an older copy',
  },

  receipts: { name: 'fisherman_receipts_total', kind: 'counter', help: 'Receipts seen in feeds since the start' },
  drawn: {
    name: 'fisherman_samples_drawn_total',
    kind: 'counter',
    help: 'Samples that this fisherman was drawn for since the start',
  },
  verdicts: {
    name: 'fisherman_verdicts_total',
    kind: 'counter',
    help: 'Verdicts since the start',
    labels: { outcome: OUTCOMES },
  },
  checkSeconds: {
    name: 'fisherman_check_duration_seconds',
    kind: 'histogram',
    help: 'Wall seconds of a check, fetching included',
    labels: { depth: ['check', 'prove'] },
    // A 2 s segment takes about 1 s at check and 7 s at prove on two cores; a slow feed may take 3 x 15 s a blob.
    buckets: [0.5, 1, 2, 4, 8, 15, 30, 60, 120],
  },
  verdictDelay: {
    name: 'fisherman_verdict_delay_seconds',
    kind: 'histogram',
    help: 'Seconds of chain time from a finished segment to our verdict on it',
    // Windows are 60 s and tranches end after six minutes on public networks.
    buckets: [5, 15, 30, 60, 120, 300, 600, 1800, 7200],
  },
  orchestratorVerdicts: {
    name: 'fisherman_orchestrator_verdicts',
    kind: 'gauge',
    help: 'Verdicts of our own on one orchestrator, by the whole log',
    labels: { orchestrator: ORCHESTRATOR, outcome: OUTCOMES },
  },
  evidenceScore: {
    name: 'fisherman_orchestrator_evidence_score',
    kind: 'gauge',
    help: 'Evidence against one orchestrator (CUSUM); 14 is the alarm',
    labels: { orchestrator: ORCHESTRATOR },
  },
  dropped: {
    name: 'fisherman_dropped_total',
    kind: 'counter',
    help: 'Work that was left undone, by what it was',
    labels: { what: DROPS },
  },
  waiting: { name: 'fisherman_samples_waiting', kind: 'gauge', help: 'Samples that wait for a check' },
  running: { name: 'fisherman_checks_running', kind: 'gauge', help: 'Checks that run now' },
  budget: {
    name: 'fisherman_budget_used_ratio',
    kind: 'gauge',
    help: "Share of a day's budget that is spent; 0 without a limit",
    labels: { resource: 'seconds, bytes' },
  },
  feedErrors: {
    name: 'fisherman_feed_errors_total',
    kind: 'counter',
    help: 'Feed and beacon answers that could not be used, by code',
    labels: { code: 'a code of ours' },
  },
  feeds: { name: 'fisherman_feeds', kind: 'gauge', help: 'Feeds that are followed' },
  hardwareJobs: {
    name: 'fisherman_hardware_jobs_total',
    kind: 'counter',
    help: 'Work given to graphics cards',
    labels: { backend: 'nvidia, vaapi, qsv, videotoolbox', result: 'ok, failed' },
  },

  logEntries: { name: 'fisherman_log_entries', kind: 'gauge', help: 'Entries of the proof log' },
  logWritable: {
    name: 'fisherman_log_writable',
    kind: 'gauge',
    help: '1 while the proof log can be written; 0 stops all signing',
  },
  diskFree: { name: 'fisherman_disk_free_bytes', kind: 'gauge', help: 'Free bytes where the data folder lies' },

  peers: { name: 'fisherman_peers', kind: 'gauge', help: 'Connected peers', labels: { direction: 'inbound, outbound' } },
  foreign: {
    name: 'fisherman_foreign_peers_total',
    kind: 'counter',
    help: 'Peers that belong to another network or verdict version',
  },
  clockAhead: {
    name: 'fisherman_peers_clock_ahead_seconds',
    kind: 'gauge',
    help: "Median lead of peers' clocks over ours; far from 0 says that our clock is wrong",
  },
  statements: {
    name: 'fisherman_statements_total',
    kind: 'counter',
    help: 'Statements of our own and of others',
    labels: { direction: ['sent', 'received'], kind: STATEMENT_KINDS },
  },
  gossip: {
    name: 'fisherman_gossip_messages_total',
    kind: 'counter',
    help: 'Gossip messages by what the rules said',
    labels: { kind: STATEMENT_KINDS, result: 'accepted, ignored, rejected' },
  },
  heldBack: {
    name: 'fisherman_gossip_held_back_total',
    kind: 'counter',
    help: "Statements of ours that waited so as to stay within others' limits",
  },
  repaired: { name: 'fisherman_gossip_repaired_total', kind: 'counter', help: 'Statements that gossip lost and a pull brought' },
  banned: {
    name: 'fisherman_peers_banned_total',
    kind: 'counter',
    help: 'Peers that were cut off, by reason',
    labels: { reason: 'a code of ours' },
  },
  bundlesServed: { name: 'fisherman_bundle_bytes_served_total', kind: 'counter', help: 'Bytes of evidence given to members' },

  members: { name: 'fisherman_members', kind: 'gauge', help: 'Registered fishermen' },
  cases: {
    name: 'fisherman_cases',
    kind: 'gauge',
    help: 'Cases on the chain',
    labels: { state: 'open, answered, convicted, settled, expired, refunded, rejected, drawn' },
  },
  ownCases: { name: 'fisherman_own_open_cases', kind: 'gauge', help: 'Open cases with our bond' },
  headAge: { name: 'fisherman_chain_head_age_seconds', kind: 'gauge', help: 'Age of the newest block by the wall clock' },
  headNumber: { name: 'fisherman_chain_head_number', kind: 'gauge', help: 'Number of the newest block' },
  chainTrouble: {
    name: 'fisherman_chain_trouble',
    kind: 'gauge',
    help: '1 while the chain cannot be followed, or its endpoints disagree',
  },
  transactions: {
    name: 'fisherman_transactions_total',
    kind: 'counter',
    help: 'Chain actions since the start',
    labels: { action: ACTIONS, status: STATUSES },
  },
  alarms: {
    name: 'fisherman_alarms_total',
    kind: 'counter',
    help: 'Moves of stake or keys by suspects since the start',
    labels: { kind: ALARMS },
  },
  balance: {
    name: 'fisherman_account_balance_coins',
    kind: 'gauge',
    help: 'Native coins of our account; absent without a key that may send',
  },
  gasDay: {
    name: 'fisherman_gas_spent_day_coins',
    kind: 'gauge',
    help: 'Native coins for gas in the last 24 hours, what is under way at its most',
  },
  gasLimit: { name: 'fisherman_gas_limit_day_coins', kind: 'gauge', help: 'limits.gasPerDay' },
  slashesDay: { name: 'fisherman_slashes_day', kind: 'gauge', help: 'Proofs that take stake, sent in the last 24 hours' },
  bondLocked: { name: 'fisherman_bond_locked_tokens', kind: 'gauge', help: 'Tokens locked as bonds of our open cases' },
  taken: {
    name: 'fisherman_stake_taken_tokens',
    kind: 'gauge',
    help: 'Tokens taken from orchestrators by cases that we found, overturned ones left out',
  },
  earned: { name: 'fisherman_rewards_tokens', kind: 'gauge', help: "The finder's share of those that are settled: 10 %" },
} as const satisfies Record<string, MetricSpec>

export type MetricKey = keyof typeof CATALOG

/** Labels of every series that a metric may have; none where it has no labels, or the values of one are not known before they come. */
export function knownSeries({ labels = {} }: MetricSpec): Record<string, string>[] {
  let series: Record<string, string>[] = [{}]
  for (const [label, values] of Object.entries(labels))
    series = typeof values === 'string' ? [] : series.flatMap((one) => values.map((value) => ({ ...one, [label]: value })))
  return Object.keys(labels).length === 0 ? [] : series
}

/** The reference of all metrics, in Markdown. */
export function metricsReference(): string {
  const rows = Object.values<MetricSpec>(CATALOG).map(({ name, kind, help, labels = {} }) => {
    const told = Object.entries(labels).map(
      ([label, values]) => `\`${label}\`: ${typeof values === 'string' ? values : values.join(', ')}`,
    )
    return `| \`${name}\` | ${kind} | ${help} | ${told.join('; ')} |`
  })
  return ['| name | kind | what it says | labels |', '|---|---|---|---|', ...rows].join('\n')
}
