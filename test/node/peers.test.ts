import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Stream } from '@libp2p/interface'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Logger } from '../../src/base/log.ts'
import { MEMBERS, NOW, sealed, silent } from '../gossip/world.ts'
import { createAttacker, topics } from './attacker.ts'
import { createNet, type Member, type Net, until } from './net.ts'

let net: Net
beforeEach(async () => {
  net = await createNet()
})
afterEach(async () => net.close())

const count = (member: Member, name: string) => member.gossip.counters()[name] ?? 0
const linked = (member: Member, other: Member) => member.gossip.peers().some(({ id }) => id === other.gossip.peerId)
async function several(n: number, init: Partial<Member['init']>): Promise<Member[]> {
  const members: Member[] = []
  while (members.length < n) members.push(await net.start({ init }))
  return members
}
const bare = (member: Member) => member.gossip.addresses()

async function nonsense(stream: Stream | undefined, n: number): Promise<void> {
  stream?.send(Uint8Array.from({ length: 64 }, (_, i) => (i * 37 + n) % 256))
  await stream?.close()
}

describe('peers that meet', () => {
  it('tell each other what they run: version, chain time, what they keep', async () => {
    const first = await net.start({ deps: { nowSec: () => NOW + 7 } })
    await first.publish(await sealed(MEMBERS[0]!))
    const second = await net.start({ init: { bootstrap: bare(first) } })
    await until(() => [first, second].every(({ gossip }) => gossip.peers()[0]?.status !== undefined))
    expect(second.gossip.peers()[0]!.status).toEqual({ verdictVersion: 1, chainTimeSec: NOW + 7, kept: 1, peers: 1 })
    expect(first.gossip.peers()[0]!.status).toMatchObject({ verdictVersion: 1, chainTimeSec: NOW })
  })

  it('of a newer verdict version say so once: the operator must update', async () => {
    const lines: string[] = []
    const log: Logger = { ...silent, warn: (text) => void lines.push(text) }
    const old = await net.start({ deps: { log } })
    const young = { bootstrap: bare(old), verdictVersion: 2 }
    const others = [await net.start({ init: young }), await net.start({ init: young })]
    await until(() => old.gossip.peers().filter(({ status }) => status?.verdictVersion === 2).length === 2)
    expect(lines.filter((line) => line.includes('update this program'))).toHaveLength(1)
    expect(others.every((other) => linked(old, other))).toBe(true)
  })

  it('say goodbye with a reason when they go', async () => {
    const [stays, goes] = (await net.mesh(2)) as [Member, Member]
    await goes.gossip.stop()
    await until(() => count(stays, 'peers.goodbye-shutdown') === 1)
    expect(stays.gossip.peers()).toEqual([])
  })
})

describe('other bootstrap addresses while it runs', () => {
  it('are dialled without a restart, links stay, and a wrong one changes nothing', async () => {
    const [node, first, second] = [await net.start(), await net.start(), await net.start()]
    node.gossip.setBootstrap(bare(first))
    await until(() => linked(node, first))
    expect(() => node.gossip.setBootstrap(['nonsense'])).toThrow(/"nonsense" is no multiaddr/)
    node.gossip.setBootstrap(bare(second))
    await until(() => linked(node, second))
    expect(linked(node, first)).toBe(true)
  })
})

describe('a node with too many peers', () => {
  it('keeps those it chose, tells the others why, and is left alone by them', async () => {
    const chosen = await net.start()
    const busy = await net.start({ init: { bootstrap: bare(chosen), maxPeers: 3, targetPeers: 1 } })
    await until(() => linked(busy, chosen))
    const others = await several(4, { bootstrap: bare(busy), targetPeers: 1 })
    await until(() => count(busy, 'peers.pruned') >= 2 && busy.gossip.peers().length === 3)
    expect(linked(busy, chosen)).toBe(true)
    const sent = () => others.filter((one) => count(one, 'peers.goodbye-too-many-peers') === 1)
    await until(() => sent().length === 2)
    const [dialled, pruned] = [count(sent()[0]!, 'peers.dialled'), count(busy, 'peers.pruned')]
    await new Promise((resolve) => setTimeout(resolve, 3_000))
    expect([count(sent()[0]!, 'peers.dialled'), count(busy, 'peers.pruned')]).toEqual([dialled, pruned])
  })

  it('does not dial more peers than it wants, but always some of its own choice', async () => {
    const hub = await net.start({ init: { targetPeers: 2, minOutbound: 2 } })
    const others = await several(4, { bootstrap: bare(hub) })
    await until(() => hub.gossip.peers().length === 4)
    // All came in by themselves; when they are cut off, two are dialled again and no more.
    await Promise.all(others.map(({ gossip }) => gossip.stop()))
    await until(() => hub.gossip.peers().length === 0)
    await Promise.all(others.map((other) => other.restart({ bootstrap: [], targetPeers: 0, minOutbound: 0 })))
    await until(() => hub.gossip.peers().filter(({ direction }) => direction === 'outbound').length === 2)
    await new Promise((resolve) => setTimeout(resolve, 2_500))
    expect(hub.gossip.peers()).toHaveLength(2)
  })
})

describe('a node that was away', () => {
  it('finds the network again without its bootstrap peers', async () => {
    const peersFile = join(net.folder, 'peers.json')
    const [first, second] = [await net.start(), await net.start()]
    const away = await net.start({ init: { bootstrap: [...bare(first), ...bare(second)], peersFile } })
    await until(() => away.gossip.peers().filter(({ status }) => status).length === 2)
    await away.restart({ bootstrap: [], peersFile })
    await until(() => linked(away, first) && linked(away, second))
    expect(JSON.parse(await readFile(peersFile, 'utf8'))).toHaveLength(2)
  })

  it('begins anew with a file of peers that is damaged', async () => {
    const peersFile = join(net.folder, 'peers.json')
    await writeFile(peersFile, '[{"id":')
    const lines: string[] = []
    const log: Logger = { ...silent, warn: (text) => void lines.push(text) }
    const node = await net.start({ init: { peersFile }, deps: { log } })
    expect(lines).toEqual(['Addresses of peers are unreadable, beginning anew'])
    expect(node.gossip.peers()).toEqual([])
  })

  it('finds others on the local network by itself', async () => {
    // Another port than the real one, so that neighbours of this test stay out.
    const mdns = { port: 20_000 + Math.floor(Math.random() * 20_000) }
    const [first, second] = [await net.start({ init: { mdns } }), await net.start({ init: { mdns } })]
    await until(() => linked(first, second))
  })
})

describe('what a node sends', () => {
  it('stays within what others take: beyond it statements wait for the pull', async () => {
    const [first, second] = (await net.mesh(2)) as [Member, Member]
    const many = await Promise.all(Array.from({ length: 230 }, (_, n) => sealed(MEMBERS[0]!, n)))
    for (const statement of many) await first.publish(statement)
    expect(count(first, 'held-back.sealed')).toBeGreaterThan(10)
    await until(() => second.delivered.length === 230)
    expect(second.delivered.filter(({ from }) => from === 'pull').length).toBeGreaterThan(10)
    expect(count(second, 'ignored.sealed.quota')).toBe(0)
  })

  it('is answered though a stranger floods the status and goodbye protocols', async () => {
    const victim = await net.start()
    const attacker = await createAttacker(bare(victim))
    const [connection] = attacker.connections
    for (let n = 0; n < 30; n++)
      for (const protocol of [topics.statusProtocol, topics.goodbyeProtocol]) {
        // What is over the quota is closed before it is written.
        const stream = await connection!.newStream([protocol]).catch(() => undefined)
        await nonsense(stream, n).catch(() => undefined)
      }
    await until(() => count(victim, 'status.refused') > 10)
    expect(Object.keys(victim.gossip.counters()).filter((name) => name.startsWith('peers.goodbye'))).toEqual(
      expect.not.arrayContaining([expect.stringMatching(/undefined/)]),
    )
    const friend = await net.start({ init: { bootstrap: bare(victim) } })
    await until(() => friend.gossip.peers()[0]?.status !== undefined)
    await attacker.node.stop()
  })
})
