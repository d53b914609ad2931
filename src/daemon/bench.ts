import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { type AnyStatement, encodeStatement } from '../../proofs/codec.ts'
import { bytesToHex } from '../../proofs/signature.ts'
import type { Hex } from '../../proofs/types.ts'
import type { Attester } from '../attest/attester.ts'
import { sleep } from '../base/clock.ts'
import { FishermanError, messageOf } from '../base/errors.ts'
import { createQueue } from '../base/queue.ts'
import type { Chain } from '../chain/types.ts'
import { PLACES, programPath } from '../config/paths.ts'
import { createCourt } from '../court/court.ts'
import { createBlobCache } from '../fetch/blobs.ts'
import { idOf } from '../gossip/validate.ts'
import { createMetrics } from '../observe/metrics.ts'
import type { Bench } from '../pipeline/bench.ts'
import { createBundleDesk } from '../pipeline/bundle-desk.ts'
import { createCaseEvidence } from '../pipeline/case-evidence.ts'
import { createLedger } from '../pipeline/ledger.ts'
import { windowsToKeep } from '../pipeline/network.ts'
import { createScoreBook, type ScoreBook } from '../pipeline/score-book.ts'
import { createTally } from '../pipeline/tally.ts'
import { openTallyFile } from '../pipeline/tally-file.ts'
import { openTrustFile } from '../pipeline/trust-file.ts'
import { createEvidenceStore } from '../prooflog/evidence.ts'
import type { About } from '../prooflog/log.ts'
import { type BudgetLimits, createBudget } from '../sample/budget.ts'
import type { Frame } from './frame.ts'
import type { Store } from './store.ts'
import { openDrand, type Tools } from './tools.ts'

/** Checks that may wait for their bytes while another one is judged. */
const FETCHING = 3

/** The bench, and the parts of it that more than the pipeline needs. */
export interface Built {
  readonly bench: Bench
  readonly desk: ReturnType<typeof createBundleDesk>
  readonly scores: ScoreBook
}

/** Puts together what the stages of the pipeline work with. `budget` is read at each check; `online` says whether we reach others. */
export async function buildBench(
  frame: Frame,
  parts: Store & Tools & { chain: Chain; budget: BudgetLimits; online(): boolean },
): Promise<Built> {
  const { config, logger, clock, closers, params, domain, at, signal, late } = frame
  const { log, writeAhead, identity, chain, judge, program } = parts
  const metrics = createMetrics()
  closers.add(
    'alarms',
    chain.onAlarm(({ kind }) => metrics.alarm(kind)),
  )
  const kept = await openTallyFile(at('tally.json'), { log: logger, proofLog: log })
  closers.add('tally', () => kept.close())
  const tally = createTally(kept)
  const scores = createScoreBook()
  const keepWindows = windowsToKeep(config.network)
  const queue = createQueue({
    // The judge runs `ffmpegJobs` at once; the others fetch meanwhile, so that a slow feed holds up nobody else's check.
    concurrency: config.ffmpegJobs + FETCHING,
    limit: config.maxWaiting,
    onError: (error) => logger.error('Check failed', { reason: messageOf(error) }),
    onDrop: () => metrics.dropped('sample'),
  })
  const authorize = (request: Parameters<Attester['blobRequest']>[0]) => authorizeBy(identity?.attester, request)
  const blobs = await createBlobCache(
    { folder: at('cache'), quotaBytes: config.cacheBytes },
    { clock, nowSec: chain.nowSec, authorize },
  )
  const trust = await openTrustFile(at('trust.json'), { log: logger })
  closers.add('trust', () => trust.close())
  const evidence = createEvidenceStore({ folder: at(PLACES.bundles) }, { log, nowMs: clock.nowMs })
  const desk = createBundleDesk(
    { scratchDir: at('scratch'), searchPath: programPath() },
    { evidence, authorize, nowMs: clock.nowMs },
  )
  const caseEvidence = createCaseEvidence(
    { scratchDir: at('scratch'), urls: config.evidenceUrls, quotaBytes: config.evidenceBytes },
    { evidence, desk, blobs, log: logger, fetchBundle: async (...args) => await late.gossip?.fetchBundle(...args) },
  )
  const bench: Bench = {
    ...{ domain, mode: config.mode, params, clock, logger, metrics, chain, log, writeAhead, judge, blobs, queue },
    ...{ ledger: createLedger({ keepWindows }), tally, scores, trust, signal, evidence, caseEvidence, keepWindows, program },
    address: identity?.attester.address,
    get identity() {
      return late.heads?.state() === 'signing' ? identity : undefined
    },
    // The watch is there before any stage asks.
    onSigning: (work) => late.heads?.onSigning(work),
    court: createCourt(params.court),
    ...(config.network === 'local' ? {} : { drand: openDrand(config, { clock, log: logger, metrics }) }),
    budget: createBudget(parts.budget),
    bundleDir: at(PLACES.bundles),
    rebuttalDir: at(PLACES.rebuttals),
    evidenceBytes: config.evidenceBytes,
    online: parts.online,
    paused: () => existsSync(at(PLACES.pause)),
    randomHash: () => bytesToHex(randomBytes(32)),
    later(ms, what, work) {
      const run = async () => {
        await sleep(ms, signal)
        await work()
      }
      run().catch((error: unknown) => {
        if (!signal.aborted) logger.error('Work failed', { what, reason: messageOf(error) })
      })
    },
    async say(statement) {
      const bytes = encodeStatement(statement)
      const record = () => log.appendStatement('sent', statement.kind, idOf(bytes), bytes, aboutOf(statement))
      await writeAhead.run('say', statement.kind, record, async (entry) => {
        // It was said before.
        if (!entry) return
        tally.statement('sent')
        metrics.statement('sent', statement.kind)
        await late.gossip?.publish(statement)
      })
    },
  }
  return { bench, desk, scores }
}

/** What an entry about a statement can be found by. */
export function aboutOf({ body }: AnyStatement): About {
  const { transcoder, faultId } = body as { transcoder?: Hex; faultId?: Hex }
  return { ...(transcoder ? { transcoder } : {}), ...(faultId ? { faultId } : {}) }
}

async function authorizeBy(
  attester: Attester | undefined,
  request: Parameters<Attester['blobRequest']>[0],
): Promise<{ address: Hex; signature: Hex }> {
  if (!attester) throw new FishermanError({ code: 'no-key', message: 'bytes can only be asked for with a key', blame: 'ours' })
  return { address: attester.address, signature: await attester.blobRequest(request) }
}
