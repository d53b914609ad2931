import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type AnyStatement, encodeStatement } from '../../proofs/codec.ts'
import { MEMBERS, STRANGER, sealed } from '../gossip/world.ts'
import { createAttacker, topics } from './attacker.ts'
import { createNet, type Member, type Net, until } from './net.ts'

let net: Net
beforeEach(async () => {
  net = await createNet()
})
afterEach(async () => net.close())

const HONEST = 60
const JUNK = 10 * HONEST
const count = (member: Member, name: string) => member.gossip.counters()[name] ?? 0
const scoreOf = (member: Member, id: string) => member.gossip.peers().find((peer) => peer.id === id)?.score

/** Honest statements, one each tenth of a second, beside ten times as much junk. */
async function beside(junk: (n: number) => AnyStatement) {
  const victim = await net.start()
  const friend = await net.start({ init: { bootstrap: victim.gossip.addresses(), pullEveryMs: 60_000 } })
  const spammer = await createAttacker(victim.gossip.addresses())
  try {
    await until(() => victim.gossip.peers().filter(({ topics: n }) => n === 6).length === 2)
    const honest = await Promise.all(Array.from({ length: HONEST }, (_, n) => sealed(MEMBERS[n % 4]!, n)))
    const publish = (data: Uint8Array) =>
      spammer.node.services.pubsub.publish(topics.topicOf('sealed'), data).catch(() => undefined)
    let sent = 0
    for (const statement of honest) {
      for (let i = 0; i < JUNK / HONEST; i++) await publish(encodeStatement(junk(sent++)))
      await friend.publish(statement)
      await new Promise((resolve) => setTimeout(resolve, 30))
    }
    await until(
      () => victim.delivered.filter(({ statement }) => statement.signer !== STRANGER.address.toLowerCase()).length === HONEST,
    )
    // The router reads scores once a heartbeat.
    await until(() => (scoreOf(victim, spammer.id) ?? -1_000) <= -800)
    return { victim, friend, sent }
  } finally {
    await spammer.node.stop()
  }
}

describe('a spammer at ten times normal traffic', () => {
  it('of statements with wrong signatures is graylisted, and costs no honest one', async () => {
    const form = await sealed(MEMBERS[0]!, 5_000)
    const { victim, friend, sent } = await beside((n) => ({
      ...form,
      body: { ...form.body, sampleId: `0x${(n + 1).toString(16).padStart(64, '0')}` } as never,
    }))
    expect(sent).toBe(JUNK)
    expect(count(victim, 'rejected.sealed.bad-signature')).toBeLessThan(JUNK / 2)
    expect(victim.gossip.peers().some(({ id }) => id === friend.gossip.peerId)).toBe(true)
  })

  it('of statements that a stranger signed well is graylisted by their number', async () => {
    const form = await sealed(STRANGER, 5_000)
    const { victim } = await beside((n) => ({
      ...form,
      body: { ...form.body, sampleId: `0x${(n + 1).toString(16).padStart(64, '0')}` } as never,
    }))
    expect(count(victim, 'banned.flood')).toBeGreaterThan(0)
    expect(count(victim, 'ignored.sealed.not-member')).toBeLessThan(JUNK)
  })
})
