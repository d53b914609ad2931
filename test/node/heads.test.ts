import { cp, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { decodeStatement } from '../../proofs/codec.ts'
import type { LogHead } from '../../proofs/types.ts'
import { createAttester } from '../../src/attest/attester.ts'
import { openGuard } from '../../src/attest/guard.ts'
import { createSigner } from '../../src/attest/keys.ts'
import { systemClock } from '../../src/base/clock.ts'
import { createWriteAhead } from '../../src/base/write-ahead.ts'
import { type HeadStore, openHeadStore } from '../../src/gossip/head-store.ts'
import { createGossip, type Gossip } from '../../src/gossip/index.ts'
import { createHeadWatch, type HeadWatch } from '../../src/pipeline/heads.ts'
import { openProofLog, type ProofLog } from '../../src/prooflog/log.ts'
import { MEMBERS, MemoryStore, STRANGER, silent, view } from '../gossip/world.ts'
import { addressOf, DOMAIN, hash } from '../helpers/fixtures.ts'
import { until } from './net.ts'

// Real logs, guards and nodes over TCP: what a key's own history, kept by others, protects it from.

const [ALICE, BOB] = MEMBERS as [(typeof MEMBERS)[0], (typeof MEMBERS)[0]]
let dir: string
const running: Fisher[] = []

interface Fisher {
  folder: string
  log: ProofLog
  watch: HeadWatch
  gossip: Gossip
  heads: HeadStore
  errors: string[]
  attester: ReturnType<typeof createAttester>
  epoch(): bigint
  stop(): Promise<void>
}

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'fisherman-test-heads-'))
})
afterEach(async () => {
  await Promise.all(running.splice(0).map((fisher) => fisher.stop()))
  await rm(dir, { recursive: true, force: true })
})

/** What a chain would hold of one key. */
interface Anchored {
  head?: Pick<LogHead, 'epoch' | 'size' | 'root'>
}

async function start(
  who: typeof ALICE,
  name: string,
  options: { firstStart?: boolean; bootstrap?: Fisher[]; anchored?: Anchored; anchorEveryMs?: number } = {},
): Promise<Fisher> {
  const folder = join(dir, name)
  const stopping = new AbortController()
  const { signal } = stopping
  const errors: string[] = []
  const logger = {
    ...silent,
    error: (_: string, fields?: Readonly<Record<string, unknown>>) => errors.push(String(fields?.reason)),
  }
  const signer = createSigner(who)
  const log = await openProofLog({ folder: join(folder, 'proofs'), identity: signer.address }, { clock: systemClock })
  const guard = await openGuard(join(folder, 'guard'), signer.address)
  let watch: HeadWatch | undefined
  const writeAhead = createWriteAhead({ refuses: (step) => (step === 'sign' ? watch?.refusal() : undefined) })
  const attester = createAttester({ domain: DOMAIN }, { signer, guard, writeAhead })
  const heads = await openHeadStore(join(folder, 'heads.json'), { log: logger })
  const nowSec = () => Date.now() / 1000
  watch = createHeadWatch(
    {
      firstStart: options.firstStart ?? false,
      announceEveryMs: 300,
      askEveryMs: 100,
      anchorEveryMs: options.anchorEveryMs ?? 200,
    },
    {
      ...{ log, key: { attester, guard }, isMember: view.isMember, nowSec, logger, signal, keep: heads.keep },
      anchor: {
        last: async () => options.anchored?.head,
        put: async (head) => {
          if (options.anchored) options.anchored.head = head
        },
      },
    },
  )
  const hearing = watch
  const gossip = await createGossip(
    {
      ...{ domain: DOMAIN, verdictVersion: 1, listen: ['/ip4/127.0.0.1/tcp/0'], windowSeconds: 4, pullEveryMs: 500 },
      bootstrap: (options.bootstrap ?? []).flatMap((peer) => peer.gossip.addresses()),
      identityFile: join(folder, `peer-${Math.random()}.json`),
    },
    {
      ...{ clock: systemClock, nowSec, log: silent, view, store: new MemoryStore() },
      heads: {
        last: heads.last,
        sign: async (body) => ({ signer: signer.address, signature: await attester.headReturn(body) }),
      },
      async deliver(statement) {
        if (statement.kind === 'head') await hearing.hear(statement)
      },
    },
  )
  await watch.start(gossip)
  const fisher: Fisher = {
    ...{ folder, log, watch, gossip, heads, errors, attester, epoch: guard.epoch },
    async stop() {
      stopping.abort(new Error('stop'))
      if (running.includes(fisher)) running.splice(running.indexOf(fisher), 1)
      await gossip.stop()
      await heads.close()
      await wait(20)
      await guard.close()
      await log.close()
    },
  }
  running.push(fisher)
  return fisher
}

/** Entries of the longest log of this fisherman that the keeper holds a head of. */
function keptSize(keeper: Fisher, of: typeof ALICE): number {
  const bytes = keeper.heads.last(addressOf(of))
  return bytes ? Number((decodeStatement('head', bytes).body as LogHead).size) : 0
}
const epochKept = (keeper: Fisher) =>
  (decodeStatement('head', keeper.heads.last(addressOf(ALICE)) as Uint8Array).body as LogHead).epoch
const isKept = (keeper: Fisher, of: typeof ALICE) => keptSize(keeper, of) > 0
const isUpToDate = (keeper: Fisher, fisher: Fisher) => until(() => keptSize(keeper, ALICE) === fisher.log.head().size)
const say = (fisher: Fisher, n: number) =>
  fisher.attester.vote({
    ...{ faultId: hash(n), faultClass: 18, transcoder: addressOf(STRANGER), receiptDigest: hash(1), rendition: 0 },
    ...{ evidenceHash: hash(2), workCommit: hash(3), finder: addressOf(BOB), verdictVersion: 1, deadline: 9n },
  })

describe('one key, one place', () => {
  it('observes without a peer, and says what to do', async () => {
    const alone = await start(ALICE, 'a')
    await wait(500)
    expect(alone.watch.state()).toBe('waiting')
    expect(alone.watch.refusal()).toMatch(/--first-start/)
    await expect(say(alone, 1)).rejects.toMatchObject({ code: 'not-acting' })
  })

  it('signs after a restart when a bonded peer returns the head that it kept, also when all were restarted', async () => {
    const keeper = await start(BOB, 'b', { firstStart: true })
    const first = await start(ALICE, 'a', { firstStart: true, bootstrap: [keeper] })
    let later = false
    first.watch.onSigning(async () => {
      later = true
    })
    await say(first, 1)
    await first.log.append('verdict', { n: 1 })
    await until(() => later)
    await isUpToDate(keeper, first)
    await first.stop()
    await keeper.stop()
    const keptOnDisk = await start(BOB, 'b', { firstStart: true })
    const again = await start(ALICE, 'a', { bootstrap: [keptOnDisk] })
    expect(again.watch.state()).toBe('waiting')
    await until(() => again.watch.state() === 'signing')
    await say(again, 2)
    expect(again.errors).toEqual([])
  })

  it('puts its head on the chain as its log grows, and does not sign by that head alone', async () => {
    const anchored: Anchored = {}
    const alice = await start(ALICE, 'a', { firstStart: true, anchored })
    await until(() => anchored.head !== undefined)
    await alice.log.append('self-test', { n: 1 })
    await until(() => anchored.head?.size === BigInt(alice.log.head().size))
    expect(anchored.head).toEqual({ epoch: 1n, size: BigInt(alice.log.head().size), root: alice.log.head().root })
    await alice.stop()
    const again = await start(ALICE, 'a', { anchored })
    await wait(700)
    expect(again.watch.state()).toBe('waiting')
  })

  it('puts its head on the chain when signing begins, also where it had to wait for a peer', async () => {
    const bob = await start(BOB, 'b', { firstStart: true })
    const alice = await start(ALICE, 'a', { firstStart: true, bootstrap: [bob] })
    await until(() => isKept(bob, ALICE))
    await isUpToDate(bob, alice)
    await alice.stop()
    const anchored: Anchored = {}
    const again = await start(ALICE, 'a', { bootstrap: [bob], anchored, anchorEveryMs: 3_600_000 })
    expect(again.watch.state()).toBe('waiting')
    await until(() => anchored.head !== undefined)
    expect(again.watch.state()).toBe('signing')
  })

  it('stops for good when the chain holds a longer history than its folder, and a first start begins a life above it', async () => {
    const anchored: Anchored = {}
    const alice = await start(ALICE, 'a', { firstStart: true, anchored })
    await until(() => anchored.head !== undefined)
    await alice.stop()
    await cp(join(dir, 'a'), join(dir, 'old'), { recursive: true })
    const later = await start(ALICE, 'a', { firstStart: true, anchored })
    await later.log.append('self-test', { n: 1 })
    await until(() => anchored.head?.size === BigInt(later.log.head().size))
    await later.stop()
    const old = await start(ALICE, 'old', { anchored })
    expect(old.watch.state()).toBe('stopped')
    expect(old.errors.join()).toMatch(/the chain holds a head of \d+ entries .* not of our log/)
    await old.stop()
    const born = await start(ALICE, 'old', { firstStart: true, anchored })
    expect(born.watch.state()).toBe('signing')
    expect(born.epoch()).toBe(2n)
  })

  it('does not believe a keeper without a bond', async () => {
    const nobody = await start(STRANGER, 's', { firstStart: true })
    const first = await start(ALICE, 'a', { firstStart: true, bootstrap: [nobody] })
    await until(() => isKept(nobody, ALICE))
    await first.stop()
    const again = await start(ALICE, 'a', { bootstrap: [nobody] })
    await wait(1_500)
    expect(again.watch.state()).toBe('waiting')
  })

  it('stops for good when its folder was rolled back to an older copy', async () => {
    const keeper = await start(BOB, 'b', { firstStart: true })
    const first = await start(ALICE, 'a', { firstStart: true, bootstrap: [keeper] })
    await until(() => isKept(keeper, ALICE))
    await first.stop()
    await cp(join(dir, 'a'), join(dir, 'old'), { recursive: true })
    const second = await start(ALICE, 'a', { bootstrap: [keeper] })
    await until(() => second.watch.state() === 'signing')
    for (let i = 0; i < 5; i++) await second.log.append('verdict', { i })
    await isUpToDate(keeper, second)
    await second.stop()
    const back = await start(ALICE, 'old', { bootstrap: [keeper] })
    await until(() => back.watch.state() === 'stopped')
    expect(back.errors).toHaveLength(1)
    expect(back.errors[0]).toMatch(/this key signs elsewhere, or this folder is an older copy: peers hold a head of \d+ entries/)
    await expect(say(back, 1)).rejects.toMatchObject({ code: 'not-acting' })
    await back.stop()
    // For good: also where nobody is there to say so.
    const later = await start(ALICE, 'old')
    expect(later.watch.state()).toBe('stopped')
    await later.stop()
    // The operator's word begins a new life.
    const bypassed = await start(ALICE, 'old', { firstStart: true, bootstrap: [keeper] })
    expect(bypassed.watch.state()).toBe('signing')
    expect(bypassed.epoch()).toBe(2n)
  })

  it('notices a log that was rolled back under a guard that was not, without anybody else', async () => {
    const first = await start(ALICE, 'a', { firstStart: true })
    await first.stop()
    await cp(join(dir, 'a/proofs'), join(dir, 'copy'), { recursive: true })
    const second = await start(ALICE, 'a', { firstStart: true })
    for (let i = 0; i < 5; i++) await second.log.append('verdict', { i })
    await wait(700)
    await second.stop()
    await rm(join(dir, 'a/proofs'), { recursive: true })
    await cp(join(dir, 'copy'), join(dir, 'a/proofs'), { recursive: true })
    const back = await start(ALICE, 'a')
    expect(back.watch.state()).toBe('stopped')
    expect(back.errors[0]).toMatch(/the proof log is older than what this key signed/)
  })

  it('never signs in two places at once: of two copies at most one goes on', async () => {
    const keeper = await start(BOB, 'b', { firstStart: true })
    const first = await start(ALICE, 'a', { firstStart: true, bootstrap: [keeper] })
    await until(() => isKept(keeper, ALICE))
    await first.stop()
    await cp(join(dir, 'a'), join(dir, 'twin'), { recursive: true })
    const one = await start(ALICE, 'a', { bootstrap: [keeper] })
    const two = await start(ALICE, 'twin', { bootstrap: [keeper] })
    const signing = () => [one, two].filter(({ watch }) => watch.state() === 'signing')
    await until(() => [one, two].some(({ watch }) => watch.state() === 'stopped'))
    await wait(1_000)
    expect(signing().length).toBeLessThanOrEqual(1)
    expect(one.errors.length + two.errors.length).toBeGreaterThanOrEqual(1)
  })

  it('begins a new life when its folder was lost and the operator says so', async () => {
    const keeper = await start(BOB, 'b', { firstStart: true })
    const first = await start(ALICE, 'a', { firstStart: true, bootstrap: [keeper] })
    for (let i = 0; i < 5; i++) await first.log.append('verdict', { i })
    await isUpToDate(keeper, first)
    await first.stop()
    const lost = await start(ALICE, 'fresh', { firstStart: true, bootstrap: [keeper] })
    await until(() => lost.epoch() === 2n)
    expect(lost.watch.state()).toBe('signing')
    await until(() => epochKept(keeper) === 2n)
    await lost.stop()
    // The older life is over, wherever its folder is.
    const old = await start(ALICE, 'a', { bootstrap: [keeper] })
    await until(() => old.watch.state() === 'stopped')
  })
})
