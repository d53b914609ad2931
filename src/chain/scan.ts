import { minOf } from '../base/bigints.ts'
import type { Clock } from '../base/clock.ts'
import { messageOf } from '../base/errors.ts'
import type { Logger } from '../base/log.ts'
import { type AlarmBook, createAlarms } from './alarms.ts'
import { type CaseBook, convictingTransactions } from './cases.ts'
import type { ConfirmationWatch } from './confirmations.ts'
import type { Cursor } from './cursor.ts'
import { createEventFollower } from './follow.ts'
import { controllerOf } from './livepeer.ts'
import type { Reads } from './reads.ts'
import type { Rpc } from './rpc.ts'
import { openSpanFile } from './span-file.ts'
import { createStakeWatch, type StakeWatch } from './stake-watch.ts'
import type { Deployment } from './types.ts'
import { type Log, parseReceipt } from './wire.ts'

/** Milliseconds between two log lines about a long scan. */
const PROGRESS_MS = 5_000
const PROGRESS_BLOCKS = 1_000n

export interface ScanInit {
  deployment: Deployment
  /** File that keeps what was read of the chain's events. */
  spanFile?: string | undefined
  signal: AbortSignal
}

export interface ScanDeps {
  rpc: Rpc
  clock: Clock
  log: Logger
  cursor: Cursor
  confirmations: ConfirmationWatch
  book: CaseBook
  reads: Reads
}

/** Cases, alarms and caches as the events of our chain have them. */
export interface Scan {
  readonly alarms: AlarmBook
  /** Takes up what an earlier run read, and everything up to the head. */
  start(): Promise<void>
  /** Brings all to the head. What fails is tried again from the same block at the next call. */
  toHead(): Promise<void>
  /** Takes back what blocks above this one did; returns the block that all goes on from. */
  rewind(to: bigint, head: bigint): Promise<bigint>
  /** Writes down what was read and is not on disk. */
  flush(): Promise<void>
}

export function createScan(init: ScanInit, deps: ScanDeps): Scan {
  const { deployment, signal } = init
  const { rpc, clock, log, cursor, confirmations, book, reads } = deps
  const finalized = () => confirmations.current().finalized
  let stake: StakeWatch | undefined
  let changed = { registry: false, delegation: false }
  let toldAtMs = clock.monotonicMs()
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
  const watched = [deployment.verifier, deployment.registry, deployment.delegation, deployment.deposit]
  const store = init.spanFile === undefined ? undefined : openSpanFile(init.spanFile, `${deployment.chainId}:${watched.join()}`)
  const follower = createEventFollower(
    { filter: { address: watched }, from: deployment.deployBlock },
    {
      ...{ rpc, hashAt: cursor.hashAt, finalized, take },
      ...(store ? { store } : {}),
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

  async function toHead(): Promise<void> {
    const head = cursor.head().number
    await follower.scan(head, signal)
    book.settle(finalized())
    await stake?.scan(head, signal)
    alarms.look()
    reads.newHead(changed)
    changed = { registry: false, delegation: false }
  }

  return {
    ...{ alarms, toHead },
    async start() {
      await follower.resume(signal)
      const controller = controllerOf(deployment)
      if (controller) {
        const head = cursor.head().number
        stake = await createStakeWatch(
          { controller, head, signal },
          { rpc, log, hashAt: cursor.hashAt, finalized, take: alarms.add },
        )
      }
      await toHead()
    },
    async rewind(to, head) {
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
      return minOf(point, to)
    },
    async flush() {
      await follower
        .flush()
        .catch((error: unknown) => log.warn('What was read of the chain cannot be kept', { error: messageOf(error) }))
    },
  }
}
