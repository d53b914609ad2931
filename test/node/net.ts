import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { AnyStatement } from '../../proofs/codec.ts'
import { createGossip, type Gossip, type GossipDeps, type GossipInit } from '../../src/gossip/index.ts'
import { MemoryStore, NOW, silent, view, WINDOW_SECONDS } from '../gossip/world.ts'
import { DOMAIN } from '../helpers/fixtures.ts'

export interface Member {
  gossip: Gossip
  store: MemoryStore
  init: GossipInit
  delivered: { statement: AnyStatement; from: 'gossip' | 'pull' }[]
  publish(statement: AnyStatement): Promise<{ recipients: number }>
  /** Stops the node and starts it again with the same identity, store and port. */
  restart(changes?: Partial<GossipInit>): Promise<void>
}

export type Changes = { init?: Partial<GossipInit>; deps?: Partial<GossipDeps>; store?: MemoryStore }

/** Several real nodes over TCP on 127.0.0.1; everything is gone after `close`. */
export async function createNet() {
  const folder = await mkdtemp(join(tmpdir(), 'fisherman-net-'))
  const members: Member[] = []
  const clock = { nowMs: () => Date.now() }

  async function start(changes: Changes = {}): Promise<Member> {
    const store = changes.store ?? new MemoryStore()
    const init: GossipInit = {
      domain: DOMAIN,
      verdictVersion: 1,
      listen: ['/ip4/127.0.0.1/tcp/0'],
      bootstrap: [],
      identityFile: join(folder, `${members.length}.json`),
      pullEveryMs: 300,
      windowSeconds: WINDOW_SECONDS,
      ...changes.init,
    }
    const delivered: Member['delivered'] = []
    const deps: GossipDeps = {
      clock,
      nowSec: () => NOW,
      log: silent,
      view,
      store,
      async deliver(statement, bytes, from) {
        store.add(statement, bytes)
        delivered.push({ statement, from })
      },
      ...changes.deps,
    }
    const member: Member = {
      gossip: await createGossip(init, deps),
      store,
      init,
      delivered,
      async publish(statement) {
        store.add(statement)
        return member.gossip.publish(statement)
      },
      async restart(more = {}) {
        await member.gossip.stop()
        member.init = { ...init, listen, ...more }
        member.gossip = await createGossip(member.init, deps)
      },
    }
    members.push(member)
    const listen = member.gossip.addresses().map((address) => address.replace(/\/p2p\/.*/, ''))
    return member
  }

  return {
    folder,
    start,
    /** n nodes, each dials the ones before it. */
    async mesh(n: number, changes: Changes = {}): Promise<Member[]> {
      const out: Member[] = []
      for (let i = 0; i < n; i++) {
        const bootstrap = out.flatMap(({ gossip }) => gossip.addresses())
        out.push(await start({ ...changes, init: { bootstrap, ...changes.init } }))
      }
      await until(() => out.every(({ gossip }) => gossip.peers().filter(({ topics }) => topics === 6).length >= n - 1))
      return out
    },
    async close(): Promise<void> {
      await Promise.all(members.map(({ gossip }) => gossip.stop().catch(() => undefined)))
      await rm(folder, { recursive: true, force: true })
    },
  }
}

export type Net = Awaited<ReturnType<typeof createNet>>

export async function until(condition: () => boolean, timeoutMs = 15_000): Promise<number> {
  const start = performance.now()
  while (!condition()) {
    if (performance.now() - start > timeoutMs) throw new Error(`did not come true in ${timeoutMs} ms: ${condition}`)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
  return performance.now() - start
}

export const kept = (member: Member): string[] => [...member.store.ids].sort()
