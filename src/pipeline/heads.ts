import { encodeStatement, type Statement } from '../../proofs/codec.ts'
import type { Hex, LogHead } from '../../proofs/types.ts'
import type { Attester } from '../attest/attester.ts'
import type { Guard, GuardedHead } from '../attest/guard.ts'
import { repeat, sleep } from '../base/clock.ts'
import { messageOf } from '../base/errors.ts'
import type { Logger } from '../base/log.ts'
import type { Gossip } from '../gossip/index.ts'
import type { ProofLog } from '../prooflog/log.ts'

// One key signs in one place, and never from an older copy of its folder. The log's own head tells: peers keep the last one that we signed and
// return it; we sign when a bonded one of them returned a head that our log still begins with, and stop for good when one turns up that it
// does not begin with.

export type SigningState = 'observing' | 'waiting' | 'signing' | 'stopped'

export interface HeadWatch {
  state(): SigningState
  /** Why nothing is signed now, in one sentence; undefined while it may be. */
  refusal(): string | undefined
  /** Runs work as soon as signing is allowed; never, where it never is. */
  onSigning(work: () => Promise<void>): void
  /** A valid head of anybody's log. */
  hear(statement: Statement<'head'>): Promise<void>
  /** Tells peers the last head before we go, so that a later start from an older copy is noticed. Never throws. */
  farewell(): Promise<void>
  /** Begins to ask and to announce. Resolves when the first decision that needs nobody else is made. */
  start(gossip: Pick<Gossip, 'askHeads' | 'publish'>): Promise<void>
}

/** Heads of logs that stand on the chain, where nobody can take them back. */
export interface HeadAnchor {
  /** The last head of our key there; undefined where none is. */
  last(): Promise<GuardedHead | undefined>
  /** Puts a grown head of ours there. */
  put(head: GuardedHead): Promise<void>
}

export interface HeadWatchInit {
  /** The operator's word that this key signs nowhere else. */
  firstStart: boolean
  /** Milliseconds between two announcements of a grown log, and between two questions while we wait. */
  announceEveryMs: number
  askEveryMs: number
  /** Milliseconds between two heads on the chain. */
  anchorEveryMs: number
}

export interface HeadWatchDeps {
  log: ProofLog
  /** Undefined without a key: then there is nothing to watch over. */
  key: { attester: Attester; guard: Guard } | undefined
  isMember(address: Hex): boolean
  nowSec(): number
  logger: Logger
  signal: AbortSignal
  /** Keeps heads of others, and our own. */
  keep(statement: Statement<'head'>, bytes: Uint8Array): void
  anchor: HeadAnchor
}

/** Announcements of a twin that we wait through before we sign: it has told everybody by then that it is there. */
const SETTLE_ANNOUNCEMENTS = 2
/** A log that does not grow is announced again after so many times: peers that came later keep its head too. */
const REPEAT_ANNOUNCEMENTS = 10
/** Milliseconds after a first start in which longer histories begin a new life instead of ending this one. */
const GRACE_MS = 60_000

export function createHeadWatch(init: HeadWatchInit, deps: HeadWatchDeps): HeadWatch {
  const { log, key, logger, signal } = deps
  let state: SigningState = key ? 'waiting' : 'observing'
  let gossip: Pick<Gossip, 'askHeads' | 'publish'> | undefined
  let announced: LogHead | undefined
  let lastSignedAt = 0n
  /** Announcements left out since nothing was new. */
  let quiet = 0
  let inGrace = false
  const waiting: (() => Promise<void>)[] = []

  const WAITING =
    'no bonded peer has returned the last head of our log yet, so nothing is signed; a key that signs for the first time needs --first-start'
  const HELP = 'Look for the other daemon or the newer folder; if there is none, start once with --first-start'

  function failed(error: unknown): void {
    if (!signal.aborted) logger.warn('Heads could not be exchanged', { reason: messageOf(error) })
  }

  /** How a head of our own key fits our log. */
  async function fits(head: GuardedHead, epoch: bigint): Promise<'ours' | 'older' | 'foreign'> {
    if (head.epoch !== epoch) return head.epoch < epoch ? 'older' : 'foreign'
    if (head.size > BigInt(log.head().size)) return 'foreign'
    return (await log.rootAt(Number(head.size))) === head.root ? 'ours' : 'foreign'
  }

  async function stop(reason: string): Promise<void> {
    if (!key || state === 'stopped') return
    state = 'stopped'
    waiting.length = 0
    logger.error('Nothing is signed any more', { reason })
    await key.guard.stop(reason)
  }

  /** A head that our log does not begin with: another history of our key exists. */
  async function foreign({ epoch, size }: Pick<LogHead, 'epoch' | 'size'>, who: string): Promise<void> {
    if (!key) return
    if (inGrace) {
      logger.warn('An older life of this key is known, a new one begins', {
        known: who,
        epoch: epoch + 1n,
        entriesOfTheOld: size,
      })
      await key.guard.begin(epoch + 1n)
      announced = undefined
      return
    }
    await stop(
      `this key signs elsewhere, or this folder is an older copy: ${who} a head of ${size} entries (life ${epoch}) that is not of our log of ${log.head().size} (life ${key.guard.epoch()}). ${HELP}`,
    )
  }

  async function judge(body: GuardedHead, who = 'peers hold'): Promise<boolean> {
    if (!key || state === 'stopped') return false
    const fit = await fits(body, key.guard.epoch())
    if (fit === 'foreign') await foreign(body, who)
    return fit !== 'foreign'
  }

  /**
   * The head on the chain is hours old, and an older copy of the folder may begin with it too: it can stop us, but only peers, who heard the
   * last head, can let us begin.
   */
  async function judgeAnchored(): Promise<boolean> {
    const head = await deps.anchor.last().catch(failed)
    return !head || (await judge(head, 'the chain holds'))
  }

  async function anchor(): Promise<void> {
    if (!key || state !== 'signing' || log.trouble() !== undefined || !(await judgeAnchored())) return
    const { size, root } = log.head()
    const head = { epoch: key.guard.epoch(), size: BigInt(size), root }
    await key.guard.admitHead(head)
    await deps.anchor.put(head)
  }

  /** From when signing begins: a round that came while we still waited would be missed for almost a day. */
  function keepAnchored(): void {
    void repeat(init.anchorEveryMs, anchor, { signal, onError: failed })
  }

  /** Did a bonded peer return a head of ours, and nobody one that is not? */
  async function ask(): Promise<boolean> {
    if (!key || !gossip) return false
    const returned = await gossip.askHeads(key.attester.address, { signal })
    let vouched = false
    for (const { keeper, head } of returned) {
      if (!head) continue
      if (!(await judge(head.body))) return false
      vouched ||= deps.isMember(keeper) && keeper !== key.attester.address
    }
    return vouched
  }

  async function begin(reason: string): Promise<void> {
    if (!key || state !== 'waiting') return
    // Our own history grows by an entry that no twin has, before anything else is said.
    await log.append('start', { epoch: key.guard.epoch().toString(), reason })
    if (state !== 'waiting') return
    state = 'signing'
    logger.info('Signing starts', { reason, epoch: key.guard.epoch() })
    await announce()
    for (const work of waiting.splice(0))
      work().catch((error: unknown) => logger.warn('Work of an earlier run failed', { reason: messageOf(error) }))
  }

  async function announce(): Promise<void> {
    if (!key || !gossip || state !== 'signing' || log.trouble() !== undefined) return
    const { size, root } = log.head()
    const epoch = key.guard.epoch()
    const isTold = announced && announced.epoch === epoch && announced.size >= BigInt(size)
    if (isTold && ++quiet < REPEAT_ANNOUNCEMENTS) return
    quiet = 0
    const now = BigInt(Math.floor(deps.nowSec()))
    // Peers take one head a second, and the newer one.
    const signedAt = lastSignedAt >= now ? lastSignedAt + 1n : now
    const body: LogHead = { fisherman: key.attester.address, epoch, size: BigInt(size), root, signedAt }
    const statement = await key.attester.head(body)
    lastSignedAt = signedAt
    deps.keep(statement, encodeStatement(statement as never))
    const { recipients } = await gossip.publish(statement as never)
    // Nobody heard it: once more next time.
    announced = recipients > 0 ? body : undefined
  }

  /** Asks until a bonded peer vouches, waits until a twin would have spoken, and asks again. */
  async function wait(): Promise<void> {
    logger.info('Observing until a bonded peer returns the last head of our log; a first start needs --first-start', {})
    while (state === 'waiting' && !signal.aborted) {
      if (await ask()) {
        await sleep(SETTLE_ANNOUNCEMENTS * init.announceEveryMs, signal)
        if (await ask()) return await begin('a bonded peer returned our last head')
      }
      await sleep(init.askEveryMs, signal)
    }
  }

  /** The operator vouches for it. What was stopped, or does not fit what this key signed before, begins a new life. */
  async function firstStart(guard: Guard): Promise<void> {
    const stopped = guard.stopped()
    const last = guard.head()
    if (stopped !== undefined || (last && (await fits(last, guard.epoch())) === 'foreign')) {
      logger.warn('A new life of this key begins by --first-start', {
        epoch: guard.epoch() + 1n,
        before: stopped ?? 'an older log',
      })
      await guard.begin(guard.epoch() + 1n)
    }
    inGrace = true
    await judgeAnchored()
    await begin('--first-start')
    setTimeout(() => {
      inGrace = false
    }, GRACE_MS).unref()
    await ask()
  }

  return {
    state: () => state,
    refusal() {
      if (state === 'signing') return undefined
      if (state === 'observing') return 'there is no key'
      return state === 'waiting' ? WAITING : key?.guard.stopped()
    },
    onSigning(work) {
      if (state === 'waiting') waiting.push(work)
      else if (state === 'signing') work().catch(failed)
    },
    async hear(statement) {
      const { body } = statement
      if (body.fisherman !== key?.attester.address) deps.keep(statement, encodeStatement(statement as never))
      else await judge(body)
    },
    async farewell() {
      await announce().catch(failed)
    },
    async start(network) {
      gossip = network
      if (!key) return
      const { guard } = key
      if (init.firstStart) {
        await firstStart(guard)
        keepAnchored()
      } else {
        const stopped = guard.stopped()
        const last = guard.head()
        if (stopped !== undefined) {
          state = 'stopped'
          logger.error('Nothing is signed any more', { reason: stopped })
        } else if (last && (await fits(last, guard.epoch())) === 'foreign')
          await stop(
            `the proof log is older than what this key signed: a head of ${last.size} entries is not of our log of ${log.head().size}. ${HELP}`,
          )
        else if (await judgeAnchored()) wait().then(keepAnchored, failed)
      }
      const everyMs = init.announceEveryMs
      void repeat(everyMs, announce, { signal, onError: failed })
      // Also while we sign: a twin whose gossip does not reach us is known to those who keep heads.
      void repeat(10 * everyMs, async () => void (state === 'signing' && (await ask())), { signal, onError: failed })
    },
  }
}
