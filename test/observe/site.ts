import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { EventRow } from '../../proofs/dataset.ts'
import type { Hex } from '../../proofs/types.ts'
import { systemClock } from '../../src/base/clock.ts'
import { startHttp } from '../../src/base/http.ts'
import { type IdleSpan, makeDataset } from '../../src/idle/dataset.ts'
import { createLogger } from '../../src/observe/logger.ts'
import { createMetrics } from '../../src/observe/metrics.ts'
import { type SiteDeps, siteRoutes } from '../../src/observe/site.ts'
import { openProofLog, type ProofLog } from '../../src/prooflog/log.ts'

/** Text that a careless page would run. */
export const HOSTILE = '<img src=x onerror="globalThis.pwned=1"><script>globalThis.pwned=1</script>'
export const NODE = `0x${'ab'.repeat(20)}`
export const OTHER = `0x${'1c'.repeat(20)}`
export const FAULT = `0x${'cd'.repeat(32)}`
export const REBUTTAL = `0x${'ba'.repeat(32)}`

/** A site over a real log on disk, behind a real server. */
export async function openSite(
  more: Partial<SiteDeps> = {},
): Promise<{ url: string; routes: ReturnType<typeof siteRoutes>; log: ProofLog; idleDir: string; stop(): Promise<void> }> {
  const folder = mkdtempSync(join(tmpdir(), 'fisherman-test-site-'))
  const log = await openProofLog({ folder: join(folder, 'log'), identity: 'site' }, { clock: systemClock })
  const tally = { receipts: 9, checked: 3, pass: 2, fail: 1, inconclusive: 0, withheld: 0, withheldAgreed: 0, evidenceScore: 4.5 }
  const routes = siteRoutes({
    ...{
      bundleDir: join(folder, 'bundles'),
      idleDir: join(folder, 'idle'),
      metrics: createMetrics(),
      log,
      clock: systemClock,
      version: '0',
    },
    ...{ logger: createLogger({ level: 'error', format: 'json' }), http: { host: '127.0.0.1' } },
    ready: () => undefined,
    summary: () => ({ address: null, mode: 'observe', peers: 1, checked: 3, waiting: 0 }),
    orchestrators: () => ({ [NODE]: tally }),
    peers: () => [
      { id: 'peer-1', address: '/ip4/127.0.0.1', agent: HOSTILE },
      {
        ...{ id: '12D3KooW'.padEnd(52, 'x'), address: '/ip4/192.0.2.7/tcp/4001', direction: 'outbound', agent: 'fisherman' },
        ...{ speaks: 'full', topics: 6, score: -1.25, latencyMs: 41.6, connectedAtMs: 1_700_000_000_000 },
      },
    ],
    network: () => ({ peer: 'me' }),
    isPublic: () => true,
    explain: async (digest) => (digest === FAULT ? { receiptDigest: digest, windowId: '1', renditions: [] } : undefined),
    evidenceHash: () => undefined,
    rebuttal: async (hash) => (hash === REBUTTAL ? HOSTILE : undefined),
    ...more,
  })
  const http = await startHttp({ host: '127.0.0.1', port: 0, routes })
  return {
    ...{ url: http.url, routes, log, idleDir: join(folder, 'idle') },
    async stop() {
      await http.stop()
      await log.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

const row = (address: string, ownBond: bigint) => ({
  ...{ address: address as Hex, ownBond, totalStake: 10n ** 20n, inPool: 1 as const, serviceUri: HOSTILE },
})

/** A dataset of two nodes in the folder that the site shows, and where it lies. */
export function publish(idleDir: string, round = 7n): string {
  const span: IdleSpan = {
    ...{ chainId: 42_161n, anchor: NODE as Hex, round, rounds: 1 },
    contracts: {
      bondingManager: NODE as Hex,
      roundsManager: NODE as Hex,
      ticketBroker: NODE as Hex,
      serviceRegistry: NODE as Hex,
    },
    ...{ fromBlock: 10n, fromBlockHash: FAULT as Hex, toBlock: 20n, toBlockHash: FAULT as Hex },
    ...{ stateBlock: 30n, stateBlockHash: FAULT as Hex },
  }
  const events: EventRow[] = [
    { kind: 'new-round', block: 10n, index: 0, round },
    { kind: 'reward', block: 11n, index: 0, transcoder: NODE as Hex, amount: 25n * 10n ** 17n },
    { kind: 'ticket', block: 12n, index: 3, sender: OTHER as Hex, recipient: OTHER as Hex, faceValue: 10n ** 15n },
  ]
  const evidence = [
    { address: OTHER as Hex, receipts: 9, pass: 40, fail: 0, inconclusive: 1, withheld: 0, unreceipted: 0, faults: 0, trips: 2 },
  ]
  const made = makeDataset({ span, events, state: [row(NODE, 0n), row(OTHER, 10n ** 19n)], evidence }, null)
  const folder = join(idleDir, `round-${round}`)
  mkdirSync(folder, { recursive: true })
  for (const [name, text] of [...made.files, ['manifest.json', made.manifest] as const]) writeFileSync(join(folder, name), text)
  return folder
}

/** Verdicts of one node, the last one a fail, and a case about it. */
export async function fill(log: ProofLog, count: number): Promise<void> {
  const reason = { code: 'frame-error', class: 'D2', value: 12, limit: 9, frame: 3, sees: 'replay' }
  for (let i = 0; i < count; i++) {
    const fails = i === count - 1
    await log.append('verdict', {
      ...{ sampleId: `0x${String(i).padStart(64, '0')}`, transcoder: NODE, streamId: HOSTILE, outcome: fails ? 'fail' : 'pass' },
      ...{ faultClass: fails ? 'D2' : null, answer: null },
      verdict: { reasons: fails ? [reason] : [], measures: { 'frame-error': fails ? 12 : 2, cell: 0.5, detail: 1.1 } },
    })
  }
  const about = { faultId: FAULT, faultClass: 'D2', transcoder: NODE }
  await log.append('case', { ...about, state: 'found' })
  await log.append('tx-seen', {
    faultId: FAULT,
    action: 'open',
    result: { tx: `0x${'ef'.repeat(32)}`, gasUsed: '21000', amount: '5' },
  })
  await log.append('case', { ...about, state: 'open' })
  await log.append('case', { ...about, state: 'answered', rebuttalHash: REBUTTAL })
}
