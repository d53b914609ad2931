import { connect, createServer, type Server, type Socket } from 'node:net'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { answer, MEMBERS, NODE, NOW, proof, sealed, sign, voteBody, windowBody } from '../gossip/world.ts'
import { createNet, kept, type Member, type Net, until } from './net.ts'

/** `npm run test:partition` keeps the halves apart for five minutes. */
const PARTITION_MS = 1000 * Number(process.env.PARTITION_SECONDS ?? 20)
const HEALED_MS = 30_000
/** Nobody looks for other roads than the ones that it was given. */
const FIXED = { targetPeers: 0, minOutbound: 0 }

let net: Net
beforeEach(async () => {
  net = await createNet()
})
afterEach(async () => net.close())

/** A road between two halves that can be cut. */
async function road(to: string) {
  const port = Number(/\/tcp\/(\d+)/.exec(to)?.[1])
  const sockets = new Set<Socket>()
  let server: Server | undefined
  let own = 0
  async function open(): Promise<void> {
    server = createServer((near) => {
      const far = connect(port, '127.0.0.1')
      for (const socket of [near, far]) {
        sockets.add(socket)
        socket.on('error', () => undefined)
        socket.on('close', () => {
          near.destroy()
          far.destroy()
        })
      }
      near.pipe(far).pipe(near)
    })
    await new Promise<void>((resolve) => server?.listen(own, '127.0.0.1', resolve))
    own = (server.address() as { port: number }).port
  }
  await open()
  return {
    address: to.replace(/\/tcp\/\d+/, `/tcp/${own}`),
    open,
    async cut() {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server?.close(resolve))
    },
  }
}

/** Something of every kind that is kept for good, as members with these numbers say it; of heads only the newest counts. */
async function talk(member: Member, who: number, n: number): Promise<void> {
  const by = MEMBERS[who]!
  await member.publish(await sealed(by, n))
  await member.publish(await answer(by, n))
  if (n % 5 === 0) await member.publish(await sign(by, 'vote', voteBody(n)))
  if (n % 10 === 0) await member.publish(await proof(by, {}, { order: 1_000 + n }))
  if (n % 20 === 0) await member.publish(await sign(NODE, 'window', windowBody(n + 1)))
}

describe('a network that falls into two halves', () => {
  it('says the same everywhere within thirty seconds after it is whole again', { timeout: 70_000 + PARTITION_MS }, async () => {
    const init = { pullEveryMs: 1_000, ...FIXED }
    const a1 = await net.start({ init })
    const a2 = await net.start({ init: { ...init, bootstrap: a1.gossip.addresses() } })
    const between = await road(a1.gossip.addresses()[0]!)
    const b1 = await net.start({ init: { ...init, bootstrap: [between.address] } })
    const b2 = await net.start({ init: { ...init, bootstrap: b1.gossip.addresses() } })
    const all = [a1, a2, b1, b2]
    await until(() => a1.gossip.peers().length === 2 && b1.gossip.peers().length === 2)
    await talk(a2, 0, 0)
    await until(() => all.every(({ store }) => store.entries.length >= 5))

    await between.cut()
    await until(() => a1.gossip.peers().length === 1 && b1.gossip.peers().length === 1)
    const end = Date.now() + PARTITION_MS
    let n = 1
    while (Date.now() < end) {
      await Promise.all([talk(a1, 0, n), talk(a2, 1, n + 500), talk(b1, 2, n + 1_000), talk(b2, 3, n + 1_500)])
      n++
      await new Promise((resolve) => setTimeout(resolve, 250))
    }
    expect(a1.gossip.peers()).toHaveLength(1)
    const both = () => all.map((member) => kept(member).join())
    expect(new Set(both()).size).toBeGreaterThan(1)

    await between.open()
    const healedMs = await until(() => new Set(both()).size === 1, HEALED_MS)
    if (process.env.PARTITION_SECONDS)
      console.log(`healed after ${(healedMs / 1000).toFixed(1)} s: ${kept(b2).length} statements at each`)
    expect(kept(b2).length).toBeGreaterThan(8 * n)
    expect(all.map(({ delivered }) => new Set(delivered.map(({ statement }) => statement.signature)).size)).toEqual(
      all.map(({ delivered }) => delivered.length),
    )
  })
})

describe('clocks that differ by ten minutes', () => {
  it('keep no seal, answer or proof away, cost nobody its place, and what lay in the future comes when it is due', async () => {
    let slowSec = NOW - 600
    const right = await net.start()
    const slow = await net.start({ init: { bootstrap: right.gossip.addresses() }, deps: { nowSec: () => slowSec } })
    const fast = await net.start({
      init: { bootstrap: [...right.gossip.addresses(), ...slow.gossip.addresses()] },
      deps: { nowSec: () => NOW + 600 },
    })
    const all = [right, slow, fast]
    await until(() => all.every(({ gossip }) => gossip.peers().filter(({ topics }) => topics === 6).length === 2))
    for (const [i, member] of all.entries()) {
      await member.publish(await sealed(MEMBERS[i]!, i))
      await member.publish(await answer(MEMBERS[i]!, i))
      await member.publish(await proof(MEMBERS[i]!, {}, { order: 50 + i }))
    }
    await until(() => all.every(({ store }) => store.entries.length === 9))
    const early = await sign(NODE, 'window', windowBody(0))
    await right.publish(early)
    await until(() => (slow.gossip.counters()['pull.parked'] ?? 0) > 0)
    expect(slow.store.entries).toHaveLength(9)
    slowSec = NOW
    await until(() => slow.store.entries.length === 10)
    expect(all.map(({ gossip }) => gossip.peers().length)).toEqual([2, 2, 2])
    expect(all.flatMap(({ gossip }) => Object.keys(gossip.counters()).filter((name) => name.startsWith('banned')))).toEqual([])
  })
})
