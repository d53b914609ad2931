import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { encodeStatement } from '../../proofs/codec.ts'
import type { Hex } from '../../proofs/types.ts'
import { pullPage } from '../../src/gossip/pull-client.ts'
import { decodeHeader, encodeHeader, encodeRequest, type PullEntry, START } from '../../src/gossip/pull-frames.ts'
import { answer, MEMBERS, sealed } from '../gossip/world.ts'
import { createAttacker, frames, serving, topics } from './attacker.ts'
import { createNet, type Member, type Net, until } from './net.ts'

const ALICE = MEMBERS[0]!
let net: Net
let victim: Member
let attackers: Awaited<ReturnType<typeof createAttacker>>[]
beforeEach(async () => {
  net = await createNet()
  victim = await net.start()
  attackers = []
})
afterEach(async () => {
  for (const { node } of attackers) await node.stop()
  await net.close()
})

async function attack(answering?: Parameters<typeof createAttacker>[1]) {
  const attacker = await createAttacker(victim.gossip.addresses(), answering)
  attackers.push(attacker)
  return attacker
}
const count = (name: string) => victim.gossip.counters()[name] ?? 0
const publish = (attacker: (typeof attackers)[0], data: Uint8Array) =>
  attacker.node.services.pubsub.publish(topics.topicOf('sealed'), data)
const linked = (attacker: (typeof attackers)[0]) => victim.gossip.peers().some(({ id }) => id === attacker.id)

describe('a peer that gossips invalid statements', () => {
  it('is not heard any more after the fourth', async () => {
    const attacker = await attack()
    await until(() => attacker.node.services.pubsub.getSubscribers(topics.topicOf('sealed')).length === 1)
    await publish(attacker, encodeStatement(await sealed(ALICE, 0)))
    await until(() => count('accepted.sealed') === 1)
    for (let n = 1; n <= 4; n++) {
      await publish(attacker, Uint8Array.of(n))
      await until(() => count('rejected.sealed.not-canonical') === n)
    }
    // The router reads scores once a heartbeat.
    await new Promise((resolve) => setTimeout(resolve, 1_500))
    await publish(attacker, encodeStatement(await sealed(ALICE, 1)))
    await publish(attacker, Uint8Array.of(5))
    await new Promise((resolve) => setTimeout(resolve, 500))
    expect([count('accepted.sealed'), count('rejected.sealed.not-canonical')]).toEqual([1, 4])
  })

  it('does not stop the others: the statement that it held back comes from them', async () => {
    const attacker = await attack()
    const honest = await net.start({ init: { bootstrap: victim.gossip.addresses() } })
    await until(() => victim.gossip.peers().filter(({ topics: n }) => n === 6).length === 2)
    for (let n = 1; n <= 5; n++) await publish(attacker, Uint8Array.of(n))
    await honest.publish(await sealed(ALICE))
    await until(() => victim.delivered.length === 1)
  })
})

/** The other signature that ECDSA takes for the same digest: N - s, with the other parity. */
function mirrored(signature: Hex): Hex {
  const half = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n - BigInt(`0x${signature.slice(66, 130)}`)
  return `${signature.slice(0, 66)}${half.toString(16).padStart(64, '0')}${signature.endsWith('1b') ? '1c' : '1b'}` as Hex
}

describe('a peer that repeats what others said', () => {
  const meet = async () => {
    const attacker = await attack()
    await until(() => attacker.node.services.pubsub.getSubscribers(topics.topicOf('sealed')).length === 1)
    return attacker
  }

  it('brings nothing twice, not to a node that was restarted in between either, and keeps its place', async () => {
    const statement = await sealed(ALICE)
    await publish(await meet(), encodeStatement(statement))
    await until(() => victim.delivered.length === 1)
    await victim.restart()
    // A stranger to the caches of both: only the store remembers.
    const replaying = await meet()
    await publish(replaying, encodeStatement(statement))
    await until(() => count('ignored.sealed.known') === 1)
    await publish(replaying, encodeStatement(await sealed(ALICE, 1)))
    await until(() => victim.delivered.length === 2)
    expect([count('accepted.sealed'), linked(replaying)]).toEqual([1, true])
  })

  it('in other bytes is rejected: one statement has one encoding and one signature', async () => {
    const [statement, fresh] = [await sealed(ALICE), await sealed(ALICE, 1)]
    const bytes = encodeStatement(statement)
    await publish(await meet(), bytes)
    await until(() => victim.delivered.length === 1)
    const others = {
      'not-canonical': [
        Uint8Array.of(...bytes, ...new Uint8Array(32)),
        bytes.with(bytes.length - 1, 1),
        bytes.subarray(0, bytes.length - 31),
      ],
      // Of one that was not heard before: a second one of a sample is ignored before anybody looks at its signature.
      'bad-signature': [encodeStatement({ ...fresh, signature: mirrored(fresh.signature) })],
    }
    for (const [reason, copies] of Object.entries(others))
      for (const [n, copy] of copies.entries()) {
        // A new one each time: the fourth lie of one would not be heard.
        await publish(await meet(), copy)
        await until(() => count(`rejected.sealed.${reason}`) === n + 1)
      }
    expect(victim.delivered).toHaveLength(1)
  })
})

describe('a peer that serves its log', () => {
  const entry = (seq: bigint, bytes: Uint8Array): PullEntry => ({ seq, kind: 'sealed', bytes })

  it('with a forged signature is banned', async () => {
    const forged = { ...(await sealed(ALICE)), signature: (await answer(ALICE)).signature }
    const good = encodeStatement(await sealed(ALICE, 1))
    const attacker = await attack(serving([entry(1n, good), entry(2n, encodeStatement(forged))]))
    await until(() => count('banned.invalid-statement') === 1 && !linked(attacker))
    expect(victim.delivered).toHaveLength(1)
    // It cannot come back while it is banned.
    const dial = await attacker.node.dial(attacker.connections[0]!.remoteAddr).catch(() => undefined)
    await until(() => !linked(attacker))
    expect(dial?.status === 'open' && linked(attacker)).toBe(false)
  })

  const violations: Record<string, Parameters<typeof createAttacker>[1]> = {
    'an oversized entry': serving([entry(1n, new Uint8Array(17_000))]),
    'a frame that announces a gigabyte': async (stream) => {
      stream.send(Uint8Array.of(0x40, 0, 0, 0, 1, 2, 3))
    },
    'noise without frames': async (stream) => {
      for (let i = 0; i < 64 && stream.status === 'open'; i++)
        if (!stream.send(new Uint8Array(65_536).fill(255))) await stream.onDrain()
    },
    'entries out of order': serving([entry(2n, Uint8Array.of(1)), entry(1n, Uint8Array.of(2))]),
    'more without moving on': serving([], { more: true, cursor: START }),
    'more entries than were asked for': serving([], { count: 65_535 }),
  }
  for (const [what, answering] of Object.entries(violations))
    it(`with ${what} is banned`, async () => {
      const attacker = await attack(answering)
      await until(() => count('banned.violation') === 1 && !linked(attacker))
      expect(victim.delivered).toHaveLength(0)
    })

  it('cut off in the middle is not accused, but the link is given up after three times', async () => {
    const attacker = await attack(async (stream) => {
      const wire = frames(stream)
      await wire.read()
      await wire.write(encodeHeader({ status: 'ok', more: false, count: 2, cursor: { seq: 9n, tag: '00'.repeat(8) } }))
      await stream.close()
    })
    await until(() => count('peers.lost') > 0)
    expect(attacker.pulls()).toBe(3)
    expect([count('pull.failed'), count('banned.violation')]).toEqual([3, 0])
  })
})

describe('one pull', () => {
  const pull = (attacker: (typeof attackers)[0], { signal = new AbortController().signal, timeoutMs = 10_000 } = {}) =>
    pullPage(
      attacker.connections[0]!,
      [topics.pullProtocol],
      { cursor: START, kinds: new Set(['sealed']), limit: 10 },
      { signal, timeoutMs },
    )

  async function server(answering: Parameters<typeof createAttacker>[1]) {
    const serving = await createAttacker([], answering)
    const asking = await createAttacker(serving.node.getMultiaddrs().map(String))
    attackers.push(serving, asking)
    return asking
  }

  it('ends when the peer is silent, when it dawdles, and when we stop, and accuses nobody', async () => {
    const silent = await server(() => new Promise(() => {}))
    await expect(pull(silent, { timeoutMs: 300 })).rejects.toMatchObject({ code: 'pull-failed', blame: 'unknown' })
    await expect(pull(silent, { signal: AbortSignal.timeout(300) })).rejects.toMatchObject({ code: 'pull-failed' })
    const slow = await server(async (stream) => {
      for (const byte of [0, 0, 0, 20, 0, 0, 0, 1]) {
        await new Promise((resolve) => setTimeout(resolve, 100))
        stream.send(Uint8Array.of(byte))
      }
    })
    await expect(pull(slow, { timeoutMs: 300 })).rejects.toMatchObject({ code: 'pull-failed', blame: 'unknown' })
  })

  it('is a violation when a kind comes that was not asked for, or when the page is too long', async () => {
    const other = await server(serving([{ seq: 1n, kind: 'vote', bytes: Uint8Array.of(1) }]))
    await expect(pull(other)).rejects.toMatchObject({ code: 'pull-violation', blame: 'theirs' })
    const entries = Array.from(
      { length: 100 },
      (_, i): PullEntry => ({ seq: BigInt(i + 1), kind: 'sealed', bytes: new Uint8Array(4_096) }),
    )
    const long = await server(serving(entries))
    await expect(
      pullPage(
        long.connections[0]!,
        [topics.pullProtocol],
        { cursor: START, kinds: new Set(['sealed']), limit: 512 },
        { signal: AbortSignal.timeout(5_000) },
      ),
    ).rejects.toMatchObject({ code: 'pull-violation', message: expect.stringContaining('longer') })
    const behind = await server(serving([{ seq: 5n, kind: 'sealed', bytes: Uint8Array.of(1) }], { cursor: START }))
    await expect(pull(behind)).rejects.toMatchObject({ message: expect.stringContaining('before the last entry') })
  })
})

describe('a peer that asks', () => {
  const ask = async (attacker: (typeof attackers)[0], bytes: Uint8Array) => {
    const stream = await attacker.connections[0]!.newStream(topics.pullProtocol)
    try {
      stream.send(bytes)
      const header = await frames(stream).read({ signal: AbortSignal.timeout(2_000) })
      await stream.close()
      return decodeHeader(header.subarray()).status
    } catch {
      return 'closed'
    }
  }
  const framed = (bytes: Uint8Array) => Uint8Array.of(0, 0, 0, bytes.length, ...bytes)
  const request = framed(encodeRequest({ cursor: START, kinds: new Set(['sealed']), limit: 10 }))

  it('nonsense gets nothing, and the node lives on', async () => {
    const attacker = await attack()
    for (const bad of [
      framed(new Uint8Array(5)),
      Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0xff),
      framed(new Uint8Array(60)),
      new Uint8Array(70_000),
    ])
      expect(await ask(attacker, bad)).toBe('closed')
    await until(() => count('pull.serve-failed') === 4)
    expect(await ask(attacker, request)).toBe('ok')
  })

  it('too often is told to come back later', async () => {
    const attacker = await attack()
    const statuses: string[] = []
    while (!statuses.includes('busy') && statuses.length < 200) statuses.push(await ask(attacker, request))
    expect(statuses.slice(0, 30).every((status) => status === 'ok')).toBe(true)
    expect(statuses).toContain('busy')
  })
})

describe('a half-open link', () => {
  it('is hung up and dialled anew', async () => {
    const attacker = await attack()
    const other = await net.start({ init: { bootstrap: attacker.node.getMultiaddrs().map(String) } })
    await until(() => other.gossip.peers().some(({ topics: n }) => n === 6))
    const connection = attacker.node.getConnections().find(({ remotePeer }) => remotePeer.toString() === other.gossip.peerId)!
    await until(() =>
      connection.streams.some(({ protocol, direction }) => protocol.startsWith('/meshsub/') && direction === 'outbound'),
    )
    for (const stream of connection.streams)
      if (stream.protocol.startsWith('/meshsub/') && stream.direction === 'outbound') stream.abort(new Error('broken'))
    await until(() => (other.gossip.counters()['peers.half-open'] ?? 0) === 1)
    await until(() => other.gossip.peers().some(({ topics: n }) => n === 6))
  })
})
