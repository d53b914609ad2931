import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { AnyStatement } from '../../proofs/codec.ts'
import { answer, answerBody, MEMBERS, NODE, proof, STRANGER, sealed, sign, view, voteBody, windowBody } from '../gossip/world.ts'
import { DOMAIN } from '../helpers/fixtures.ts'
import { createNet, kept, type Net, until } from './net.ts'

let net: Net
beforeEach(async () => {
  net = await createNet()
})
afterEach(async () => net.close())

const [ALICE, BOB] = [MEMBERS[0]!, MEMBERS[1]!]
const oneOfEach = async (): Promise<AnyStatement[]> => [
  await sign(NODE, 'window', windowBody()),
  await sealed(ALICE),
  await answer(BOB),
  await sign(MEMBERS[2]!, 'vote', voteBody()),
  await proof(MEMBERS[3]!),
]

describe('a network of real nodes', () => {
  it('brings every kind of statement to all, each once', async () => {
    const nodes = await net.mesh(4, { init: { pullEveryMs: 60_000 } })
    for (const [i, statement] of (await oneOfEach()).entries()) {
      expect(await nodes[i % 4]!.publish(statement)).toEqual({ recipients: 3 })
    }
    await until(() => nodes.every(({ store }) => store.entries.length === 5))
    for (const node of nodes) expect(kept(node)).toEqual(kept(nodes[0]!))
    expect(nodes.map(({ delivered }) => delivered.length)).toEqual([3, 4, 4, 4])
    expect(nodes[1]!.gossip.peers()[0]).toMatchObject({ topics: 6, address: expect.stringContaining('/ip4/127.0.0.1/tcp/') })
  })

  it('passes statements on along a line, so that not everybody must know everybody', async () => {
    const first = await net.start()
    const middle = await net.start({ init: { bootstrap: first.gossip.addresses() } })
    const last = await net.start({ init: { bootstrap: middle.gossip.addresses(), pullEveryMs: 60_000 } })
    await until(() => middle.gossip.peers().filter(({ topics }) => topics === 6).length === 2)
    // A statement that comes before the middle has taken its peers into its mesh (a heartbeat, 0.7 s) is one that only the pull repairs.
    for (let n = 0; n < 50 && last.delivered.length === 0; n++) {
      await first.publish(await sealed(ALICE, n))
      await new Promise((resolve) => setTimeout(resolve, 200))
    }
    expect(last.delivered[0]!.from).toBe('gossip')
  })

  it('publishes with nobody there, twice if need be, and the peer that comes later pulls it', async () => {
    const alone = await net.start()
    const statement = await sealed(ALICE)
    expect(await alone.publish(statement)).toEqual({ recipients: 0 })
    expect(await alone.gossip.publish(statement)).toEqual({ recipients: 0 })
    expect(alone.gossip.counters()).toMatchObject({ 'published.sealed': 2 })
    expect(alone.gossip.counters()['unsent.sealed']).toBeUndefined()
    const late = await net.start({ init: { bootstrap: alone.gossip.addresses() } })
    await until(() => late.delivered.length === 1)
    expect(late.delivered[0]!.from).toBe('pull')
  })

  it('refuses to send what everybody would reject', async () => {
    const alone = await net.start()
    const invalid = await sign(ALICE, 'answer', answerBody(0, { outcome: 7 }))
    await expect(alone.gossip.publish(invalid)).rejects.toMatchObject({ code: 'statement-invalid', blame: 'ours' })
    expect(alone.gossip.counters()['published.answer']).toBeUndefined()
  })

  it('does not listen to strangers, and does not punish who passes them on', async () => {
    const lenient = { view: { ...view, isMember: () => true } }
    const open = await net.start({ deps: lenient })
    const strict = await net.start({ init: { bootstrap: open.gossip.addresses() } })
    await until(() => strict.gossip.peers().some(({ topics }) => topics === 6))
    await open.publish(await sealed(STRANGER))
    await open.publish(await sealed(ALICE, 2))
    await until(() => strict.delivered.length === 1)
    await until(() => (strict.gossip.counters()['pull.parked'] ?? 0) >= 2)
    expect(strict.delivered).toHaveLength(1)
    expect(strict.gossip.counters()['ignored.sealed.not-member']).toBeGreaterThan(0)
    expect(strict.gossip.peers()).toHaveLength(1)
  })

  it('takes a statement of a member whom its view of the chain learns of later', async () => {
    const members = new Set<string>()
    const first = await net.start()
    const slow = await net.start({
      init: { bootstrap: first.gossip.addresses() },
      deps: { view: { ...view, isMember: (address) => members.has(address) } },
    })
    await until(() => slow.gossip.peers().some(({ topics }) => topics === 6))
    await first.publish(await sealed(ALICE))
    await until(() => (slow.gossip.counters()['pull.parked'] ?? 0) > 0)
    expect(slow.delivered).toHaveLength(0)
    members.add(ALICE.address.toLowerCase())
    await until(() => slow.delivered.length === 1)
  })

  it('exchanges nothing with another chain or another anchor', async () => {
    const ours = await net.start()
    const theirs = await net.start({ init: { bootstrap: ours.gossip.addresses(), domain: { ...DOMAIN, chainId: 5n } } })
    await until(() => (theirs.gossip.counters()['banned.foreign'] ?? 0) > 0)
    await ours.publish(await sealed(ALICE))
    await theirs.publish(await sign(BOB, 'sealed', (await sealed(BOB)).body as never, '0x', { ...DOMAIN, chainId: 5n }))
    await new Promise((resolve) => setTimeout(resolve, 1_000))
    expect([ours.delivered, theirs.delivered]).toEqual([[], []])
    expect([ours.gossip.peers(), theirs.gossip.peers()]).toEqual([[], []])
  })

  it('keeps fraud proofs together across verdict versions, by gossip and by pull', async () => {
    const old = await net.start()
    await old.publish(await answer(ALICE, 3))
    await old.publish(await proof(ALICE, {}, { order: 5 }))
    const young = await net.start({ init: { bootstrap: old.gossip.addresses(), verdictVersion: 2 } })
    await until(() => old.gossip.peers().some(({ topics }) => topics === 1))
    await old.publish(await sealed(ALICE))
    await old.publish(await proof())
    await until(() => young.delivered.length === 2)
    expect(young.delivered.map(({ statement }) => statement.kind)).toEqual(['fraud-proof', 'fraud-proof'])
    expect(old.gossip.peers()).toHaveLength(1)
  })
})

describe('what gossip lost', () => {
  it('is pulled by a node that joins late', async () => {
    const nodes = await net.mesh(3)
    for (const [i, statement] of (await oneOfEach()).entries()) await nodes[i % 3]!.publish(statement)
    for (let n = 10; n < 40; n++) await nodes[n % 3]!.publish(await answer(ALICE, n))
    await until(() => nodes.every(({ store }) => store.entries.length === 35))
    const late = await net.start({ init: { bootstrap: nodes.flatMap(({ gossip }) => gossip.addresses()) } })
    await until(() => late.store.entries.length === 35)
    expect(kept(late)).toEqual(kept(nodes[0]!))
    expect(late.delivered.every(({ from }) => from === 'pull')).toBe(true)
  })

  it('is pulled when two halves that never met are joined by one node', async () => {
    const [left, right] = [await net.mesh(2), await net.mesh(2)]
    for (let n = 0; n < 10; n++) {
      await left[n % 2]!.publish(await sealed(ALICE, n))
      await right[n % 2]!.publish(await answer(BOB, n))
    }
    await left[0]!.publish(await proof())
    const bridge = await net.start({ init: { bootstrap: [...left[0]!.gossip.addresses(), ...right[0]!.gossip.addresses()] } })
    const all = [...left, ...right, bridge]
    await until(() => all.every(({ store }) => store.entries.length === 21))
    for (const node of all) expect(kept(node)).toEqual(kept(bridge))
  })

  it('is pulled when the queue was full', async () => {
    let release = () => {}
    const open = new Promise<void>((resolve) => {
      release = resolve
    })
    const sender = await net.start()
    const busy = await net.start({
      init: { bootstrap: sender.gossip.addresses() },
      deps: { deliver: (s, b, f) => slow(s, b, f) },
    })
    async function slow(statement: AnyStatement, bytes: Uint8Array, from: 'gossip' | 'pull') {
      await open
      busy.store.add(statement, bytes)
      busy.delivered.push({ statement, from })
    }
    await until(() => busy.gossip.peers().some(({ topics }) => topics === 6))
    // 540 seals, 135 a member (their quota is 200 at once), for a queue of 512.
    for (let n = 0; n < 540; n++) await sender.publish(await sealed(MEMBERS[n % 4]!, n))
    await until(() => (busy.gossip.counters()['ignored.sealed.queue-full'] ?? 0) > 0)
    release()
    await until(() => busy.store.entries.length === 540, 30_000)
    expect(kept(busy)).toEqual(kept(sender))
    expect(new Set(busy.delivered.map(({ from }) => from))).toEqual(new Set(['gossip', 'pull']))
  })

  it('is pulled after a restart with the same identity, and nothing comes twice', async () => {
    const nodes = await net.mesh(3)
    const [a, b, c] = nodes as [(typeof nodes)[0], (typeof nodes)[0], (typeof nodes)[0]]
    await a.publish(await sealed(ALICE, 1))
    await until(() => nodes.every(({ store }) => store.entries.length === 1))
    const { peerId } = b.gossip
    await b.gossip.stop()
    await c.publish(await sealed(ALICE, 2))
    await a.publish(await proof())
    await b.restart()
    expect(b.gossip.peerId).toBe(peerId)
    await until(() => b.store.entries.length === 3)
    expect(kept(b)).toEqual(kept(a))
    await new Promise((resolve) => setTimeout(resolve, 700))
    expect(b.delivered).toHaveLength(3)
  })
})

describe('links', () => {
  it('work over the memory transport as well', async () => {
    const first = await net.start({ init: { transports: 'memory', listen: ['/memory/gossip-a'] } })
    const second = await net.start({
      init: { transports: 'memory', listen: ['/memory/gossip-b'], bootstrap: first.gossip.addresses() },
    })
    await until(() => first.gossip.peers().some(({ topics }) => topics === 6))
    await first.publish(await sealed(ALICE))
    await until(() => second.delivered.length === 1)
  })

  it('come back within seconds when a peer was killed', async () => {
    const hub = await net.start()
    const leaf = await net.start({ init: { bootstrap: hub.gossip.addresses() } })
    await until(() => leaf.gossip.peers().some(({ topics }) => topics === 6))
    await hub.restart()
    const tookMs = await until(() => leaf.gossip.peers().some(({ topics }) => topics === 6) && hub.gossip.peers().length > 0)
    expect(tookMs).toBeLessThan(10_000)
    await hub.publish(await sealed(ALICE))
    await until(() => leaf.delivered.length === 1)
  })

  it('are made with a bootstrap peer that starts later', async () => {
    const probe = await net.start()
    const [address] = probe.gossip.addresses()
    await probe.gossip.stop()
    const early = await net.start({ init: { bootstrap: [address!.replace(/\/p2p\/.*/, '')] } })
    await until(() => (early.gossip.counters()['peers.dial-failed'] ?? 0) > 0)
    await probe.restart({ listen: [address!.replace(/\/p2p\/.*/, '')] })
    await until(() => early.gossip.peers().length === 1)
  })

  it('are not made with itself, nor with an address under which another answers', async () => {
    const first = await net.start()
    const second = await net.start()
    const port = /tcp\/\d+/.exec(first.gossip.addresses()[0]!)![0]
    const wrong = `/ip4/127.0.0.1/${port}/p2p/${second.gossip.peerId}`
    await second.restart({ bootstrap: [...second.gossip.addresses(), wrong] })
    const third = await net.start({ init: { bootstrap: [wrong] } })
    await until(() => (third.gossip.counters()['peers.dial-failed'] ?? 0) > 0)
    expect([third.gossip.peers(), second.gossip.peers()]).toEqual([[], []])
  })

  it('fail with one clear error on a bad address or a taken port', async () => {
    await expect(net.start({ init: { bootstrap: ['example.org:4001'] } })).rejects.toMatchObject({ code: 'bad-address' })
    const first = await net.start()
    const taken = [first.gossip.addresses()[0]!.replace(/\/p2p\/.*/, '')]
    const identityFile = join(net.folder, 'other.json')
    await expect(net.start({ init: { listen: taken, identityFile } })).rejects.toMatchObject({ code: 'listen-failed' })
  })
})
