import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type AnyStatement, encodeStatement, type Statement } from '../../proofs/codec.ts'
import type { ConvictionVote, Hex } from '../../proofs/types.ts'
import { systemClock } from '../../src/base/clock.ts'
import type { CaseView, Member } from '../../src/chain/types.ts'
import { idOf } from '../../src/gossip/validate.ts'
import { createBallots, type Outcome, sharedVote } from '../../src/pipeline/ballots.ts'
import type { Bench } from '../../src/pipeline/bench.ts'
import { openProofLog, type ProofLog } from '../../src/prooflog/log.ts'
import { sign } from '../gossip/world.ts'
import { addressOf, hash, wallet } from '../helpers/fixtures.ts'

const [me, ann, bob] = [wallet(1), wallet(2), wallet(3)]
const view: CaseView = {
  ...{ faultId: hash(9), faultClass: 'D2', transcoder: addressOf(wallet(50)), receiptDigest: hash(1), state: 'open' },
  ...{ opener: addressOf(bob), evidenceHash: hash(2), expiresAtSec: 500, tx: hash(3), blockNumber: 1n },
}
const members = [me, ann, bob].map((who) => ({ address: addressOf(who), weight: 5n }) as Member)

let folder: string
let log: ProofLog
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'fisherman-test-ballots-'))
  log = await openProofLog({ folder, identity: 'me' }, { clock: systemClock })
})
afterEach(async () => {
  await log.close()
  rmSync(folder, { recursive: true, force: true })
})

/** Ballots of a daemon that has just started. */
function started(trouble: { next?: 'vote' | 'say' } = {}) {
  const said: AnyStatement[] = []
  const fails = (step: 'vote' | 'say') => {
    if (trouble.next !== step) return
    delete trouble.next
    throw new Error('no space left')
  }
  const bench = {
    ...{ log, logger: { info() {} }, chain: { nowSec: () => 100 } },
    identity: {
      attester: {
        address: addressOf(me),
        async vote(body: ConvictionVote) {
          fails('vote')
          return await sign(me, 'vote', body)
        },
      },
    },
    async say(statement: AnyStatement) {
      fails('say')
      said.push(statement)
      await keep('sent', statement)
    },
  } as unknown as Bench
  return { ...createBallots(bench), said }
}

async function keep(direction: 'sent' | 'received', statement: AnyStatement): Promise<void> {
  const bytes = encodeStatement(statement)
  await log.appendStatement(direction, 'vote', idOf(bytes), bytes, { faultId: view.faultId })
}

async function vote(who = ann, outcome: Outcome = 'reject', changes: Partial<ConvictionVote> = {}) {
  const shared = sharedVote(view, 0, outcome) as ConvictionVote
  return (await sign(who, 'vote', { ...shared, workCommit: hash(4), ...changes })) as Statement<'vote'>
}
const mine = { rendition: 0, outcome: 'reject', workCommit: hash(5) as Hex } as const

describe('ballots', () => {
  it('of a case that is over are held no longer, and come back from the log when it is not over after all', async () => {
    const { hear, count, cast, forget, recall, said } = started()
    const hers = await vote()
    await keep('received', hers)
    hear(hers)
    await cast(view, mine)
    forget(view.faultId)
    const late = await vote(bob)
    await keep('received', late)
    hear(late)
    expect(count(view, 0, 'reject', members)).toEqual([])
    await recall(view.faultId)
    expect(count(view, 0, 'reject', members)).toHaveLength(3)
    await cast(view, mine)
    expect(said).toHaveLength(1)
  })

  it('count each outcome by itself, once a member, ascending', async () => {
    const { hear, count, cast } = started()
    hear(await vote(bob))
    hear(await vote(bob, 'convict'))
    hear(await vote(ann, 'draw'))
    await cast(view, mine)
    const signers = [addressOf(me), addressOf(bob)].sort()
    expect(count(view, 0, 'reject', members).map(({ statement }) => statement.signer)).toEqual(signers)
    expect(count(view, 0, 'draw', members)).toMatchObject([{ weight: 5n, statement: { signer: addressOf(ann) } }])
    expect(count(view, 0, 'convict', members)).toEqual([])
    expect(count(view, 0, 'reject', members.slice(1))).toHaveLength(1)
  })

  it('do not count one that is about other inputs, or that would spoil the others', async () => {
    const other: Partial<ConvictionVote>[] = [
      { workCommit: hash(0) },
      { evidenceHash: hash(77) },
      { rendition: 1 },
      { receiptDigest: hash(77) },
      { transcoder: addressOf(ann) },
      { verdictVersion: 1 },
    ]
    for (const changes of other) {
      const { hear, count } = started()
      hear(await vote(ann, 'reject', changes))
      expect(count(view, 0, 'reject', members), Object.keys(changes)[0]).toEqual([])
    }
  })

  it('on a case whose block was taken back count for the one in its place, those of one deadline and finder together', async () => {
    const { hear, count } = started()
    const before: Partial<ConvictionVote> = { deadline: 480n, finder: addressOf(me) }
    hear(await vote(ann, 'convict', before))
    hear(await vote(bob, 'convict', before))
    hear(await vote(me, 'convict'))
    const brought = count(view, 0, 'convict', members)
    expect(brought.map(({ statement }) => statement.signer)).toEqual([addressOf(ann), addressOf(bob)].sort())
    expect(brought.map(({ statement }) => statement.body.deadline)).toEqual([480n, 480n])
    // The contract takes none whose deadline has passed.
    const late = started()
    late.hear(await vote(ann, 'convict', { deadline: 99n }))
    expect(late.count(view, 0, 'convict', members)).toEqual([])
  })

  it.each(['vote', 'say'] as const)('of ours that could not be made (%s) are made with the next head', async (next) => {
    const { cast, said, count } = started({ next })
    await expect(cast(view, mine)).rejects.toThrow('no space left')
    await cast(view, mine)
    expect(said).toHaveLength(1)
    expect(count(view, 0, 'reject', members)).toHaveLength(1)
  })

  it('are remembered over a restart, and ours is not said twice, whatever we see then', async () => {
    const before = started()
    await before.cast(view, mine)
    await before.cast(view, mine)
    await keep('received', await vote(ann))
    expect(before.said).toHaveLength(1)
    const after = started()
    await after.recall(view.faultId)
    expect(after.count(view, 0, 'reject', members)).toHaveLength(2)
    await after.cast(view, { ...mine, outcome: 'draw' })
    expect(after.said).toEqual([])
  })

  it('on a second case about other inputs are votes of their own', async () => {
    const { hear, count, cast, said } = started()
    const real: typeof view = { ...view, evidenceHash: hash(77) as Hex, opener: addressOf(bob) }
    await cast(view, mine)
    hear(await vote(ann))
    await cast(real, { ...mine, outcome: 'convict' })
    const shared = sharedVote(real, 0, 'convict') as ConvictionVote
    hear((await sign(ann, 'vote', { ...shared, workCommit: hash(4) })) as Statement<'vote'>)
    expect(said).toHaveLength(2)
    expect([count(view, 0, 'reject', members), count(real, 0, 'convict', members)].map(({ length }) => length)).toEqual([2, 2])
  })

  it('leave a flood to whoever makes it', async () => {
    const { hear, count } = started()
    hear(await vote(ann))
    hear(await vote(bob))
    const flood = await vote(bob)
    for (let n = 0; n < 1_000; n++) hear({ ...flood, body: { ...flood.body, faultId: hash(1_000 + n) } })
    expect(count(view, 0, 'reject', members).map(({ statement }) => statement.signer)).toEqual([addressOf(ann)])
  })
})
