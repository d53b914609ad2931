import { appendFileSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { encodeStatement, type Statement } from '../../proofs/codec.ts'
import { hexToBytes } from '../../proofs/signature.ts'
import { FAULT_CLASSES } from '../../proofs/types.ts'
import { createGossip } from '../../src/gossip/index.ts'
import type { PullEntry } from '../../src/gossip/pull-frames.ts'
import { watch } from '../../src/monitor/watch/library.ts'
import { answer, MEMBERS, NODE, proof, sealed } from '../gossip/world.ts'
import { addressOf, DOMAIN, wallet } from '../helpers/fixtures.ts'
import { createAttacker, serving, topics } from '../node/attacker.ts'
import { createNet, type Member, type Net, until } from '../node/net.ts'
import { forged, fresh, showing, watching } from './watch-world.ts'

// Watchers follow real nodes over TCP. The fishermen's clock is the real one, as the watchers' is.

let net: Net
beforeEach(async () => {
  net = await createNet()
})
afterEach(async () => net.close())

const nowSec = () => Math.floor(Date.now() / 1000)
const fishermen = (n: number) => net.mesh(n, { deps: { nowSec } })
const addresses = (...members: Member[]) => members.flatMap(({ gossip }) => gossip.addresses())
const stateFile = () => join(net.folder, 'watch.ndjson')

describe('a watcher', () => {
  it('that joins late catches up, without a key, a chain or an open port', async () => {
    const [a, b] = (await fishermen(2)) as [Member, Member]
    for (let n = 0; n < 5; n++) await a.publish(await fresh(n))
    for (let n = 0; n < 30; n++) await a.publish(await answer(MEMBERS[1]!, n))
    await until(() => b.store.entries.length === 35)
    const { proofs, counts } = await watching(watch, { peers: addresses(b), once: true })
    expect(proofs.map(({ cursor }) => cursor)).toEqual([1, 2, 3, 4, 5])
    expect(proofs[0]).toMatchObject({
      ...{ faultClass: 'O1', transcoder: addressOf(NODE), reporter: addressOf(MEMBERS[0]!), from: 'pull', report: 1 },
      ...{ verified: 'yes', reason: 'the node signed it itself', accusedSigners: [addressOf(NODE), addressOf(NODE)], voters: [] },
    })
    expect(encodeStatement(await fresh(0)).length).toBe(hexToBytes(proofs[0]!.payload).length)
    expect(counts).toMatchObject({ proofs: 5, verified: 5, unconfirmed: 0, false: 0, peers: 1 })
  })

  it('hears of new proofs at once, also over another fisherman, each once', async () => {
    const [a, b] = (await fishermen(2)) as [Member, Member]
    const stop = new AbortController()
    const options = { peers: addresses(a, b), signal: stop.signal, pullEveryMs: 60_000 }
    const shown = showing()
    const running = watching(watch, options, shown)
    // Three in all, as each of them sees it.
    await until(() =>
      [a, b].every(({ gossip }) => gossip.peers().length === 2 && gossip.peers().every(({ topics }) => topics > 0)),
    )
    await new Promise((resolve) => setTimeout(resolve, 1_000))
    for (let n = 0; n < 3; n++) await a.publish(await fresh(n))
    await until(() => shown.proofs.length === 3)
    // It came over two peers: a second copy would be here by now.
    await new Promise((resolve) => setTimeout(resolve, 500))
    stop.abort()
    const { proofs } = await running
    expect(proofs.map(({ from }) => from)).toEqual(['gossip', 'gossip', 'gossip'])
    expect(new Set(proofs.map(({ id }) => id)).size).toBe(3)
  })

  it('shows nothing twice after a restart, and loses nothing, also with other peers', async () => {
    const [a, b] = (await fishermen(2)) as [Member, Member]
    for (let n = 0; n < 4; n++) await a.publish(await fresh(n))
    await until(() => b.store.entries.length === 4)
    const options = { stateFile: stateFile(), once: true }
    expect((await watching(watch, { ...options, peers: addresses(a) })).proofs).toHaveLength(4)
    expect(readFileSync(stateFile(), 'utf8')).toContain('"peer":')
    expect((await watching(watch, { ...options, peers: addresses(a, b) })).proofs).toEqual([])
    for (let n = 4; n < 6; n++) await b.publish(await fresh(n))
    await until(() => a.store.entries.length === 6)
    expect((await watching(watch, { ...options, peers: addresses(b) })).proofs.map(({ cursor }) => cursor)).toEqual([5, 6])
  })

  it('shows again what was on its way when it was stopped: a proof counts when the next one is asked for', async () => {
    const [a] = (await fishermen(1)) as [Member]
    for (let n = 0; n < 6; n++) await a.publish(await fresh(n))
    const options = { stateFile: stateFile(), once: true, peers: addresses(a) }
    const first: string[] = []
    for await (const { id } of watch({ ...DOMAIN, ...options, once: false, pullEveryMs: 200 })) {
      first.push(id)
      if (first.length < 3) continue
      // Long enough that the peer's log is read to its end, and read again.
      await new Promise((resolve) => setTimeout(resolve, 600))
      break
    }
    const second = (await watching(watch, options)).proofs.map(({ id }) => id)
    expect(second[0]).toBe(first[2])
    expect(new Set([...first, ...second]).size).toBe(6)
  })

  it('begins again where it is told to: a cursor, a moment, everything', async () => {
    const [a] = (await fishermen(1)) as [Member]
    const old = BigInt(nowSec() - 10 * 86_400)
    await a.publish(await proof(MEMBERS[0]!, { observedAt: old, expiresAt: BigInt(nowSec() + 86_400) }, { order: 100 }))
    for (let n = 0; n < 3; n++) await a.publish(await fresh(n))
    const options = { stateFile: stateFile(), once: true, peers: addresses(a) }
    const ids = (await watching(watch, options)).proofs.map(({ id }) => id)
    const again = async (since: { cursor: number } | { atMs: number }) =>
      (await watching(watch, { ...options, since })).proofs.map(({ id }) => id)
    expect(await again({ cursor: 2 })).toEqual(ids.slice(2))
    expect(await again({ cursor: 0 })).toEqual(ids)
    expect(await again({ atMs: Date.now() - 86_400_000 })).toEqual(ids.slice(1))
    expect((await watching(watch, options)).proofs).toEqual([])
  })

  it('shows expired proofs too: what they prove stays true', async () => {
    const [a] = (await fishermen(1)) as [Member]
    const past = BigInt(nowSec() - 30 * 86_400)
    a.store.add(await proof(MEMBERS[0]!, { observedAt: past, expiresAt: past + 60n }))
    expect((await watching(watch, { once: true, peers: addresses(a) })).proofs).toHaveLength(1)
  })

  it('tells what only the chain can say, and counts several reports of one fault', async () => {
    const [a] = (await fishermen(1)) as [Member]
    a.store.add(await fresh(1, MEMBERS[0]!, { key: wallet(60) }))
    a.store.add(await fresh(1, MEMBERS[1]!))
    a.store.add(await fresh(2, MEMBERS[2]!))
    const { proofs, counts } = await watching(watch, { once: true, peers: addresses(a) })
    expect(proofs.map(({ verified, report }) => [verified, report])).toEqual([
      ['unconfirmed', 1],
      ['yes', 2],
      ['yes', 1],
    ])
    expect(proofs[0]!.reason).toBe(`signed by ${addressOf(wallet(60))}; only the chain says whether that is a key of this node`)
    expect(counts).toMatchObject({ verified: 2, unconfirmed: 1 })
  })

  it('is no megaphone: it passes on what stands alone, and nothing that only the chain could confirm', async () => {
    const [a] = (await fishermen(1)) as [Member]
    const believes = { deps: { nowSec, view: { isMember: () => true, isSignerOf: () => true, ready: () => true } } }
    const b = await net.start(believes)
    const stop = new AbortController()
    const shown = showing()
    const running = watching(watch, { peers: addresses(a, b), signal: stop.signal }, shown)
    await until(() => [a, b].every(({ gossip }) => gossip.peers().length === 1 && gossip.peers()[0]!.topics > 0))
    await new Promise((resolve) => setTimeout(resolve, 1_000))
    await b.publish(await fresh(1, MEMBERS[0]!, { key: wallet(60) }))
    await b.publish(await fresh(2, MEMBERS[0]!))
    await until(() => a.store.entries.length === 1 && shown.proofs.length === 2)
    await new Promise((resolve) => setTimeout(resolve, 500))
    stop.abort()
    expect((await running).proofs).toHaveLength(2)
    expect(a.gossip.counters()['ignored.fraud-proof.not-signer']).toBeUndefined()
    expect(a.store.entries).toHaveLength(1)
  })
})

describe('false proofs', () => {
  const entriesOf = (...list: Statement<'fraud-proof'>[]): PullEntry[] =>
    list.map((one, i) => ({ seq: BigInt(i + 1), kind: 'fraud-proof', bytes: encodeStatement(one) }))

  it('are told as false and counted, not shown, and whoever serves them is left', async () => {
    const [a] = (await fishermen(1)) as [Member]
    await a.publish(await fresh(1))
    const liar = await createAttacker([])
    await liar.node.handle([topics.stablePullProtocol], serving(entriesOf(await fresh(2), await forged(3))))
    const stop = new AbortController()
    const peers = [...addresses(a), liar.node.getMultiaddrs()[0]!.toString()]
    const shown = showing()
    const running = watching(watch, { peers, signal: stop.signal }, shown)
    await until(() => liar.node.getConnections().length === 1)
    await until(() => liar.node.getConnections().length === 0)
    await until(() => shown.proofs.length === 2)
    stop.abort()
    const { proofs, events, counts } = await running
    expect(proofs).toHaveLength(2)
    expect(events.filter(({ type }) => type === 'false')).toEqual([
      {
        ...{
          type: 'false',
          id: expect.stringMatching(/^0x[0-9a-f]{64}$/),
          reason: 'the fault id is not the one of this evidence',
        },
        claims: { faultClass: 'O1', transcoder: addressOf(NODE), reporter: addressOf(MEMBERS[1]!) },
      },
    ])
    expect(counts).toMatchObject({ proofs: 2, false: 1 })
    await liar.node.stop()
  })

  it('by gossip as well, a flood of them is counted and not told one by one', async () => {
    const liar = await createAttacker([])
    await liar.node.handle([topics.stablePullProtocol], serving([]))
    const stop = new AbortController()
    const shown = showing()
    const running = watching(watch, { peers: [liar.node.getMultiaddrs()[0]!.toString()], signal: stop.signal }, shown)
    const topic = topics.topicOf('fraud-proof')
    await until(() => liar.node.services.pubsub.getSubscribers(topic).length === 1)
    // The liar hears of the subscription a moment before its own stream is open: what it says until then is lost.
    for (let n = 100; n < 150 && !shown.events.some(({ type }) => type === 'false'); n++) {
      await liar.node.services.pubsub.publish(topic, encodeStatement(await forged(n, wallet(n % 40))))
      await new Promise((resolve) => setTimeout(resolve, 200))
    }
    const lies = await Promise.all(Array.from({ length: 40 }, (_, n) => forged(n + 10, wallet(n))))
    for (const lie of lies) await liar.node.services.pubsub.publish(topic, encodeStatement(lie))
    // The rest of the flood, as far as the liar is still listened to.
    await new Promise((resolve) => setTimeout(resolve, 1_000))
    stop.abort()
    const { proofs, events, counts } = await running
    expect(proofs).toEqual([])
    expect(counts.false).toBeGreaterThan(0)
    expect(events.filter(({ type }) => type === 'false').length).toBe(counts.false - counts.falseUntold)
    expect(counts.false - counts.falseUntold).toBeLessThanOrEqual(21)
    await liar.node.stop()
  })

  it('of a later fault class are no lies', async () => {
    const [a] = (await fishermen(1)) as [Member]
    const faultClass = Math.max(...Object.values(FAULT_CLASSES)) + 1
    a.store.add(await proof(MEMBERS[0]!, { faultClass, expiresAt: BigInt(nowSec() + 60) }))
    const { proofs, counts } = await watching(watch, { once: true, peers: addresses(a) })
    expect(proofs).toEqual([])
    expect(counts).toMatchObject({ false: 0, unknownClass: 1 })
  })
})

describe('what cannot be followed', () => {
  const soon = { once: true, connectMs: 1_500 }

  it('is said in one line: nobody there, another network, only liars', async () => {
    const [a] = (await fishermen(1)) as [Member]
    await expect(watching(watch, { ...soon, peers: ['/ip4/127.0.0.1/tcp/9'] })).rejects.toThrow(/none answered in 1.5 s/)
    await expect(watching(watch, { ...soon, peers: addresses(a), chainId: 5 })).rejects.toThrow(/belongs to another network/)
    const liar = await createAttacker([])
    const lies = [{ seq: 1n, kind: 'fraud-proof' as const, bytes: encodeStatement(await forged(3)) }]
    await liar.node.handle([topics.stablePullProtocol], serving(lies))
    const peers = [liar.node.getMultiaddrs()[0]!.toString()]
    await expect(watching(watch, { ...soon, peers })).rejects.toThrow(/serve false proofs \(the fault id/)
    await liar.node.stop()
    await expect(watching(watch, { ...soon, peers: [] })).rejects.toThrow(/at least one address/)
    await expect(watching(watch, { ...soon, peers: ['x'] })).rejects.toThrow(/no multiaddr/)
    await expect(watching(watch, { ...soon, peers, anchor: '0x1' })).rejects.toThrow(/must be an address/)
  })

  it('is a peer that never lets its log be read, or one of two that is not there: the watch ends all the same', async () => {
    const [a] = (await fishermen(1)) as [Member]
    await a.publish(await fresh(1))
    const busy = await createAttacker([])
    await busy.node.handle([topics.stablePullProtocol], serving([], { status: 'busy' }))
    const stuck = busy.node.getMultiaddrs()[0]!.toString()
    const quick = { once: true, connectMs: 700 }
    await expect(watching(watch, { ...quick, peers: [stuck] })).rejects.toThrow(/none lets its log be read to the end/)
    for (const other of [stuck, '/ip4/127.0.0.1/tcp/9']) {
      const { proofs, events } = await watching(watch, { ...quick, peers: [...addresses(a), other] })
      expect(proofs).toHaveLength(1)
      expect(events).toContainEqual({ type: 'notice', message: 'only 1 of 2 peers could be read to the end' })
    }
    await busy.node.stop()
  })

  it('is a state that another watch writes, one of another network, or a damaged one; a line cut short is repaired', async () => {
    const [a] = (await fishermen(1)) as [Member]
    await a.publish(await fresh(1))
    const options = { once: true, peers: addresses(a), stateFile: stateFile() }
    const stop = new AbortController()
    const running = watching(watch, { ...options, once: false, signal: stop.signal })
    await until(() => a.gossip.peers().length === 1)
    await expect(watching(watch, options)).rejects.toThrow(/another watch \(process \d+\) is writing it/)
    stop.abort()
    await running
    await expect(watching(watch, { ...options, chainId: 5 })).rejects.toThrow(/of another network/)
    appendFileSync(stateFile(), '{"n":2,"id":"0x12')
    writeFileSync(`${stateFile()}.lock`, '999999999')
    await watching(watch, options)
    expect((await watching(watch, options)).proofs).toEqual([])
    appendFileSync(stateFile(), 'nonsense\n')
    await expect(watching(watch, options)).rejects.toThrow(/line \d is damaged; delete it/)
  })
})

it('a follower of fraud proofs asks for nothing else and gets nothing else, and its name moves no terminal', async () => {
  const [a] = (await fishermen(1)) as [Member]
  await a.publish(await sealed(MEMBERS[0]!))
  await a.publish(await fresh(1))
  const got: string[] = []
  const gossip = await createGossip(
    {
      domain: DOMAIN,
      verdictVersion: 7,
      follow: 'fraud-proofs',
      agent: 'me\u001b[2J',
      listen: [],
      bootstrap: addresses(a),
      windowSeconds: 60,
    },
    {
      clock: { nowMs: Date.now },
      nowSec,
      log: { debug() {}, info() {}, warn() {}, error() {} },
      view: { isMember: () => true, isSignerOf: () => true, ready: () => true },
      store: { since: async () => [], has: () => false },
      deliver: async ({ kind }) => void got.push(kind),
    },
  )
  await until(() => got.length === 1 && a.gossip.peers()[0]?.topics === 1)
  expect(got).toEqual(['fraud-proof'])
  expect(a.gossip.peers()[0]).toMatchObject({
    agent: 'me?[2J',
    speaks: 'fraud-proofs',
    direction: 'inbound',
    topics: 1,
    score: 0,
  })
  await gossip.stop()
})
