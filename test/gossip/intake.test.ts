import { describe, expect, it } from 'vitest'
import { type AnyStatement, encodeStatement, type StatementKind } from '../../proofs/codec.ts'
import { createCounters } from '../../src/gossip/counters.ts'
import { createIntake, type IntakeDeps } from '../../src/gossip/intake.ts'
import { createDeliveryQueue, QUEUE_LIMITS } from '../../src/gossip/queue.ts'
import { createQuotas } from '../../src/gossip/quotas.ts'
import { createSeen } from '../../src/gossip/seen.ts'
import { DOMAIN } from '../helpers/fixtures.ts'
import { answer, MEMBERS, NODE, NOW, sealed, sealedBody, sign, silent, view, voteBody, windowBody } from './world.ts'

const ALICE = MEMBERS[0]!
const turn = () => new Promise((resolve) => setTimeout(resolve, 5))

function make(changes: Partial<IntakeDeps> = {}) {
  const delivered: string[] = []
  const counters = createCounters()
  const context = {
    domain: DOMAIN,
    verdictVersion: 1,
    windowSeconds: 4,
    statuteSeconds: 1e6,
    nowSec: () => NOW,
    view,
    seen: createSeen(() => NOW),
    quotas: createQuotas({ nowMs: () => 0 }),
  }
  const intake = createIntake({
    context,
    counters,
    log: silent,
    has: () => false,
    deliver: async ({ kind }) => void delivered.push(kind),
    ...changes,
  })
  const receive = async (statement: AnyStatement, from: 'gossip' | 'pull' = 'gossip') => {
    const outcome = await intake.receive(statement.kind, encodeStatement(statement), from)
    return outcome.answer === 'accept' ? 'accept' : `${outcome.answer} ${outcome.refusal.code}`
  }
  return { intake, receive, delivered, counters, context }
}

describe('the intake', () => {
  it('delivers a statement once, however many copies come at once', async () => {
    const { receive, delivered, counters } = make({ has: async () => false })
    const statement = await sealed(ALICE)
    const other = await sign(ALICE, 'sealed', sealedBody(0, { seal: `0x${'9'.repeat(64)}` }))
    const outcomes = await Promise.all([receive(statement), receive(other), receive(statement), receive(statement, 'pull')])
    expect(outcomes).toEqual(['accept', 'ignore claimed', 'ignore known', 'ignore known'])
    await turn()
    expect(delivered).toEqual(['sealed'])
    expect(counters.all()).toMatchObject({ 'accepted.sealed': 1, 'ignored.sealed.claimed': 1, 'ignored.sealed.known': 2 })
  })

  it('asks the store before it looks at a signature', async () => {
    const { receive } = make({ has: () => true })
    expect(await receive({ ...(await sealed(ALICE)), signature: '0x' })).toBe('ignore known')
  })

  it('ignores when the queue of the kind is full, and takes it when there is room again', async () => {
    let release = () => {}
    let asked = 0
    const { receive, intake } = make({
      has: () => ++asked === 0,
      limits: { ...QUEUE_LIMITS, sealed: 2 },
      deliver: () =>
        new Promise<void>((resolve) => {
          release = resolve
        }),
    })
    const [a, b, c] = await Promise.all([0, 1, 2].map((n) => sealed(ALICE, n)))
    expect([await receive(a!), await receive(b!), await receive(c!)]).toEqual(['accept', 'accept', 'ignore queue-full'])
    expect(asked).toBe(2)
    expect(await receive(await answer(ALICE))).toBe('accept')
    await turn()
    const room = intake.waitForRoom('sealed', { signal: new AbortController().signal })
    release()
    await room
    expect(await receive(c!)).toBe('accept')
  })

  it('takes a statement again whose delivery failed', async () => {
    let fails = true
    const { receive, counters } = make({
      deliver: async () => {
        if (fails) throw new Error('the disk is full')
      },
    })
    for (const statement of [
      await sealed(ALICE),
      await sign(NODE, 'window', windowBody()),
      await sign(ALICE, 'vote', voteBody()),
    ]) {
      fails = true
      expect(await receive(statement)).toBe('accept')
      await turn()
      fails = false
      expect(await receive(statement)).toBe('accept')
      await turn()
      expect(await receive(statement)).toBe('ignore known')
    }
    expect(counters.all()).toMatchObject({ 'undelivered.sealed': 1, 'delivered.sealed': 1 })
  })

  it('turns our own failure into an ignore and says so', async () => {
    const errors: unknown[] = []
    const { receive, counters } = make({
      has: () => Promise.reject(new Error('the disk is gone')),
      log: { ...silent, error: (_, fields) => void errors.push(fields) },
    })
    expect(await receive(await sealed(ALICE))).toBe('ignore internal')
    expect(counters.all()['ignored.sealed.internal']).toBe(1)
    expect(errors).toMatchObject([{ error: 'the disk is gone' }])
  })
})

describe('the delivery queue', () => {
  it('delivers proofs, then votes, then the rest in the order of arrival', async () => {
    const out: string[] = []
    const queue = createDeliveryQueue<string>(async (item) => void out.push(item))
    const push = (kind: StatementKind, item: string) => queue.push(kind, item)
    push('window', 'w1')
    push('sealed', 's1')
    push('answer', 'a1')
    push('sealed', 's2')
    push('vote', 'v1')
    push('fraud-proof', 'p1')
    await turn()
    expect(out).toEqual(['p1', 'v1', 'w1', 's1', 'a1', 's2'])
    push('answer', 'a2')
    await turn()
    expect(out.at(-1)).toBe('a2')
  })

  it('stops: ends the delivery under way, drops the rest, takes no more', async () => {
    const out: string[] = []
    const queue = createDeliveryQueue<string>(async (item) => {
      await turn()
      out.push(item)
    })
    queue.push('vote', 'a')
    queue.push('vote', 'b')
    await Promise.resolve()
    await Promise.resolve()
    await queue.stop()
    expect(out).toEqual(['a'])
    expect(queue.push('vote', 'c')).toBe(false)
  })

  it('stops waiting for room when the signal fires', async () => {
    const queue = createDeliveryQueue<string>(() => new Promise(() => {}), { ...QUEUE_LIMITS, vote: 1 })
    queue.push('vote', 'a')
    await expect(queue.waitForRoom('vote', { signal: AbortSignal.timeout(10) })).rejects.toThrow()
  })
})
