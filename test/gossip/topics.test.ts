import { describe, expect, it } from 'vitest'
import { STATEMENT_KINDS } from '../../proofs/codec.ts'
import { decayOver, MAX_POSITIVE, scoreOptions, THRESHOLDS } from '../../src/gossip/scoring.ts'
import { createTopics, messageIdOf } from '../../src/gossip/topics.ts'
import { DOMAIN } from '../helpers/fixtures.ts'

describe('topics', () => {
  const base = createTopics(DOMAIN, 1)

  it('are one a kind, each found again by its name', () => {
    expect(base.all).toHaveLength(6)
    expect(new Set(base.all).size).toBe(6)
    for (const kind of STATEMENT_KINDS) expect(base.kindOf(base.topicOf(kind))).toBe(kind)
    expect(base.topicOf('sealed')).toMatch(/^\/fisherman\/[0-9a-f]{8}\/sealed\/1$/)
    expect(base.kindOf('/fisherman/00000000/sealed/1')).toBeUndefined()
  })

  it('differ for another chain, anchor or verdict version; fraud proofs alone outlive the version', () => {
    const others = [createTopics({ ...DOMAIN, chainId: 1n }, 1), createTopics({ ...DOMAIN, anchor: `0x${'b2'.repeat(20)}` }, 1)]
    for (const other of others) for (const topic of other.all) expect(base.all).not.toContain(topic)
    const next = createTopics(DOMAIN, 2)
    expect(next.all.filter((topic) => base.all.includes(topic))).toEqual([base.topicOf('fraud-proof')])
    expect(next.pullProtocol).not.toBe(base.pullProtocol)
    expect(next.stablePullProtocol).toBe(base.stablePullProtocol)
  })

  it('keep their names: golden values', () => {
    expect([base.digest, base.stableDigest]).toMatchInlineSnapshot(`
      [
        "7cd83593",
        "8bfcc008",
      ]
    `)
    expect(Buffer.from(messageIdOf('a', Uint8Array.of(1, 2))).toString('hex')).toMatchInlineSnapshot(
      `"db2ddcc97e8eca7b6fa436291deca758dd34955b"`,
    )
  })

  it('and ids: 20 bytes, and no byte moves from topic to data', () => {
    const id = (topic: string, data: string) => Buffer.from(messageIdOf(topic, Buffer.from(data))).toString('hex')
    expect(id('ab', 'c')).toHaveLength(40)
    expect(id('ab', 'c')).not.toBe(id('a', 'bc'))
    expect(id('ab', 'c')).toBe(id('ab', 'c'))
  })
})

describe('score parameters', () => {
  it('let one reject cost all that a peer can earn, and the fourth graylist it', () => {
    const { scoreParams } = scoreOptions(createTopics(DOMAIN, 1), () => 0)
    expect(MAX_POSITIVE).toBeCloseTo(60)
    for (const topic of Object.values(scoreParams.topics)) {
      const afterRejects = (n: number) => topic.topicWeight * topic.invalidMessageDeliveriesWeight * n * n
      expect(afterRejects(1)).toBeCloseTo(-MAX_POSITIVE)
      expect(afterRejects(4)).toBeLessThan(THRESHOLDS.graylistThreshold)
      expect(afterRejects(3)).toBeGreaterThan(THRESHOLDS.graylistThreshold)
      const earned =
        topic.timeInMeshCap * topic.timeInMeshWeight + topic.firstMessageDeliveriesCap * topic.firstMessageDeliveriesWeight
      expect(earned).toBeCloseTo(50)
    }
  })

  it('forget: one hundredth is left after the time', () => {
    expect(decayOver(3_600_000) ** 360).toBeCloseTo(0.01)
  })
})
