import type { StatementKind } from '../../proofs/codec.ts'
import { isFishermanError, messageOf } from '../base/errors.ts'
import type { Logger } from '../base/log.ts'
import type { Counters } from './counters.ts'
import type { Outcome } from './outcome.ts'
import { createParking } from './parking.ts'
import { type Cursor, MAX_PULL_ENTRIES, type PullEntry, type PullRequest, START } from './pull-frames.ts'
import { cursorOf, type Page } from './pull-server.ts'
import { createBoundedMap } from './seen.ts'

/** Pages taken from one peer in a row, before the others have their turn. */
const PAGES_A_ROUND = 4
/** Failures in a row after which the link is given up and dialled anew. */
const MAX_FAILURES = 3
/** Peers whose place in their log we remember across reconnects. */
const MAX_PEERS = 1_024

/** Our places in peers' logs, kept across restarts. Where there are none every log is read from its beginning. */
export interface PullPlaces {
  of(peerId: string): Cursor | undefined
  /**
   * Everything before the cursor was looked at and is delivered, or waits in the queue. `waits` says that something is held back to be tried
   * again: whoever forgets what is in memory must not go on from here.
   */
  reached(peerId: string, cursor: Cursor, page: { more: boolean; waits: boolean }): void
}

export interface PullerDeps {
  kinds: ReadonlySet<StatementKind>
  places?: PullPlaces | undefined
  clock: { nowMs(): number }
  counters: Counters
  log: Logger
  /** Asks the peer for a page; the network lives behind it. */
  page(peerId: string, request: PullRequest, options: { signal: AbortSignal }): Promise<Page>
  intake: {
    receive(kind: StatementKind, bytes: Uint8Array, from: 'pull'): Promise<Outcome>
    waitForRoom(kind: StatementKind, options: { signal: AbortSignal }): Promise<void>
  }
  /** Nothing is pulled before there is a view of the chain to judge it by. */
  ready(): boolean
  /** The peer broke a rule that honest software cannot break. */
  punish(peerId: string, reason: 'invalid-statement' | 'violation'): void
  /** The link is of no use: hang up and dial again. */
  giveUp(peerId: string): void
}

export interface Puller {
  /** One round with one peer: what it kept since our cursor. Never throws. */
  round(peerId: string, options: { signal: AbortSignal }): Promise<void>
}

/**
 * Repairs what gossip lost: a message sent during a partition, one ignored because we were busy, all that happened while we were away. Each peer's
 * log has its own numbers, so each has its own cursor; a statement known from another peer costs one look-up.
 */
export function createPuller(deps: PullerDeps): Puller {
  const { counters, log } = deps
  const cursors = createBoundedMap<Cursor>(MAX_PEERS)
  const failures = createBoundedMap<number>(MAX_PEERS)
  const parking = createParking(deps.clock)

  /** False where the page must not go on: the peer lied, or its signer is over the quota. */
  async function take(peerId: string, entry: PullEntry, signal: AbortSignal): Promise<boolean> {
    await deps.intake.waitForRoom(entry.kind, { signal })
    const outcome = await deps.intake.receive(entry.kind, entry.bytes, 'pull')
    counters.add('pull.received')
    if (outcome.answer === 'ignore' && outcome.refusal.code === 'quota') return false
    if (outcome.answer === 'ignore' && outcome.refusal.passing) {
      counters.add(parking.park(peerId, entry) ? 'pull.parked' : 'pull.parking-full')
      return true
    }
    parking.remove(peerId, entry)
    if (outcome.answer === 'accept') counters.add('pull.repaired')
    if (outcome.answer !== 'reject') return true
    log.warn('a peer serves invalid statements', { peer: peerId, kind: entry.kind, code: outcome.refusal.code })
    deps.punish(peerId, 'invalid-statement')
    return false
  }

  async function turn(peerId: string, signal: AbortSignal): Promise<void> {
    for (const entry of parking.of(peerId)) if (!(await take(peerId, entry, signal))) return
    let resets = 0
    for (let pages = 0; pages < PAGES_A_ROUND; pages++) {
      const cursor = cursors.get(peerId) ?? deps.places?.of(peerId) ?? START
      const { header, entries } = await deps.page(peerId, { cursor, kinds: deps.kinds, limit: MAX_PULL_ENTRIES }, { signal })
      failures.delete(peerId)
      if (header.status === 'busy') return
      if (header.status === 'reset') {
        counters.add('pull.reset')
        cursors.set(peerId, START)
        if (++resets > 1) return
        continue
      }
      let previous: PullEntry | undefined
      for (const entry of entries) {
        if (!(await take(peerId, entry, signal))) {
          if (previous) cursors.set(peerId, cursorOf(previous))
          return
        }
        previous = entry
      }
      cursors.set(peerId, header.cursor)
      deps.places?.reached(peerId, header.cursor, { more: header.more, waits: parking.of(peerId).length > 0 })
      if (!header.more) return
    }
  }

  return {
    async round(peerId, { signal }) {
      if (!deps.ready()) return
      try {
        await turn(peerId, signal)
      } catch (error) {
        if (signal.aborted) return
        const violated = isFishermanError(error) && error.code === 'pull-violation'
        counters.add(violated ? 'pull.violation' : 'pull.failed')
        log.debug('a pull failed', { peer: peerId, error: messageOf(error) })
        if (violated) return deps.punish(peerId, 'violation')
        const count = (failures.get(peerId) ?? 0) + 1
        failures.set(peerId, count)
        if (count < MAX_FAILURES) return
        failures.delete(peerId)
        deps.giveUp(peerId)
      }
    },
  }
}
