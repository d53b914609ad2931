import type { AnyStatement, Statement } from '../../../proofs/codec.ts'
import { bytesToHex } from '../../../proofs/signature.ts'
import { type Domain, faultClassName, VERDICT_VERSION } from '../../../proofs/types.ts'
import type { Clock } from '../../base/clock.ts'
import { FishermanError, messageOf } from '../../base/errors.ts'
import type { Logger } from '../../base/log.ts'
import { createGossip, type Gossip } from '../../gossip/index.ts'
import { idOf } from '../../gossip/validate.ts'
import { createDoubts } from './doubts.ts'
import { checkBundle } from './evidence.ts'
import { createPlaces } from './places.ts'
import { type Standing, standingOf } from './standing.ts'
import { openWatchState, type WatchState } from './state.ts'
import type { WatchCounts, WatchEvent, WatchedProof, WatchOptions } from './types.ts'
import { untilDone } from './until-done.ts'

export interface FollowInit extends Omit<WatchOptions, 'chainId' | 'anchor' | 'signal' | 'onEvent'> {
  domain: Domain
  scratchDir: string
  searchPath: string
}

export interface FollowDeps {
  clock: Clock
  onEvent(event: WatchEvent): void
  /** Takes one proof at a time; it counts as shown when this resolves. */
  show(proof: WatchedProof): Promise<void>
}

const PULL_EVERY_MS = 5_000

/** Follows until the signal fires, or until it has caught up where `once` is set. Throws what stops it: no peer, a state that cannot be written. */
export async function follow(
  init: FollowInit,
  deps: FollowDeps,
  counts: WatchCounts,
  { signal }: { signal: AbortSignal },
): Promise<void> {
  if (init.peers.length === 0)
    throw new FishermanError({
      code: 'no-peers',
      message: 'say whom to follow: at least one address of a fisherman',
      blame: 'ours',
    })
  const state = openWatchState(init.stateFile, init.domain)
  try {
    if (init.since) state.rewind('cursor' in init.since ? init.since.cursor : 0)
    await followWith(init, deps, counts, state, signal)
  } finally {
    state.close()
  }
}

async function followWith(
  init: FollowInit,
  deps: FollowDeps,
  counts: WatchCounts,
  state: WatchState,
  outer: AbortSignal,
): Promise<void> {
  const { domain } = init
  const ending = new AbortController()
  const signal = AbortSignal.any([outer, ending.signal])
  let failure: unknown
  let showing = false
  const standings = new WeakMap<object, Standing>()
  const standing = (statement: Statement<'fraud-proof'>): Standing => {
    const known = standings.get(statement) ?? standingOf(domain, statement)
    standings.set(statement, known)
    return known
  }
  const doubts = createDoubts({ counts, clock: deps.clock, tell: deps.onEvent })
  let gossip: Gossip | undefined
  const places = createPlaces(state, { isIdle: () => !showing && failure === undefined && gossip?.counters().queued === 0 })

  async function take(statement: AnyStatement, bytes: Uint8Array, from: 'gossip' | 'pull'): Promise<void> {
    if (statement.kind !== 'fraud-proof') return
    if (signal.aborted) throw signal.reason
    showing = true
    try {
      const proof = await describe(statement, bytes, from)
      if (proof) {
        await deps.show(proof)
        state.shown(proof.id, proof.faultId)
        counts.proofs++
        counts[proof.verified === 'yes' ? 'verified' : 'unconfirmed']++
        if (proof.bundle?.state === 'contradicts') counts.contradicted++
      }
    } catch (error) {
      // Whatever comes after it would be shown without it.
      if (!outer.aborted) failure ??= error
      ending.abort(error)
      throw error
    } finally {
      showing = false
    }
    queueMicrotask(places.settle)
  }

  async function describe(
    statement: Statement<'fraud-proof'>,
    bytes: Uint8Array,
    from: 'gossip' | 'pull',
  ): Promise<WatchedProof | undefined> {
    const { body } = statement
    const id = idOf(bytes)
    const { since, bundles } = init
    if (since && 'atMs' in since && Number(body.observedAt) * 1000 < since.atMs) {
      state.skipped(id)
      return undefined
    }
    const { scratchDir, searchPath } = init
    const now = { nowMs: deps.clock.monotonicMs }
    const bundle = bundles && (await checkBundle(body, { ...bundles, scratchDir, searchPath }, now, { signal }))
    const { faultId, transcoder, reporter, receiptDigest, evidenceHash } = body
    return {
      cursor: state.next(),
      id,
      faultClass: faultClassName(body.faultClass) as WatchedProof['faultClass'],
      ...{ faultId, transcoder, reporter, receiptDigest, evidenceHash },
      observedAt: Number(body.observedAt),
      expiresAt: Number(body.expiresAt),
      report: state.reportsOf(faultId) + 1,
      ...standing(statement),
      from,
      ...(bundle ? { bundle } : {}),
      payload: bytesToHex(bytes),
    }
  }

  const log = noticesOnly((event) => void (signal.aborted || deps.onEvent(event)))
  gossip = await createGossip(
    {
      ...{ domain, verdictVersion: VERDICT_VERSION, follow: 'fraud-proofs', agent: 'fisherman-watch' },
      // Nobody needs to reach us, and nobody needs to know us again.
      listen: [],
      bootstrap: [...init.peers],
      pullEveryMs: init.pullEveryMs ?? PULL_EVERY_MS,
      windowSeconds: 60,
    },
    {
      clock: deps.clock,
      // An expired report proves what it proves: history is not judged by today's date.
      nowSec: () => 0,
      log,
      // There is no chain to ask, and `standingOf` tells what only it could say.
      view: { isMember: () => true, isSignerOf: () => true, ready: () => true },
      store: { since: async () => [], has: state.knows },
      deliver: take,
      // What stands alone and is fresh goes on; the rest would make us a megaphone for anybody who can make three keys.
      relays: (statement) =>
        statement.kind === 'fraud-proof' &&
        standing(statement).verified === 'yes' &&
        Number(statement.body.expiresAt) * 1000 > deps.clock.nowMs(),
      onRefused: doubts.hear,
      places,
    },
  )
  try {
    await untilDone(init, { ...{ clock: deps.clock, onEvent: deps.onEvent }, gossip, places, doubts, counts }, signal)
  } catch (error) {
    if (failure === undefined && !outer.aborted) throw error
  } finally {
    ending.abort(new Error('the watch has ended'))
    await gossip.stop()
  }
  if (failure !== undefined) throw failure
}

/** What the network room would log for an operator; a follower hears what may be his to repair. */
function noticesOnly(tell: (event: WatchEvent) => void): Logger {
  const notice = (message: string, fields: Readonly<Record<string, unknown>> = {}) => {
    const told = Object.entries(fields).map(([name, value]) => `${name} ${messageOf(value)}`)
    tell({ type: 'notice', message: told.length > 0 ? `${message} (${told.join(', ')})` : message })
  }
  return { debug: () => undefined, info: () => undefined, warn: notice, error: notice }
}
