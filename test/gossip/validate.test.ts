import fc from 'fast-check'
import { beforeEach, describe, expect, it } from 'vitest'
import { type AnyStatement, encodeDrawProof, encodeStatement, maxBytesOf, type StatementKind } from '../../proofs/codec.ts'
import { faultIdOf } from '../../proofs/digest.ts'
import { encodeConviction } from '../../proofs/evidence.ts'
import type { Hex } from '../../proofs/types.ts'
import { createQuotas } from '../../src/gossip/quotas.ts'
import { Refusal } from '../../src/gossip/refusal.ts'
import { claimOf } from '../../src/gossip/rules.ts'
import { createSeen, ID_SECONDS } from '../../src/gossip/seen.ts'
import { type Road, type ValidationContext, validateStatement } from '../../src/gossip/validate.ts'
import {
  addressOf,
  DOMAIN,
  hash,
  receiptDigest,
  receiptOf,
  renditions,
  signedReceipt,
  signStruct,
  wallet,
} from '../helpers/fixtures.ts'
import { held } from '../helpers/heap.ts'
import {
  answer,
  answerBody,
  headBody,
  MEMBERS,
  NODE,
  NOW,
  proof,
  STRANGER,
  sealed,
  sealedBody,
  sign,
  view,
  voteBody,
  WINDOW_SECONDS,
  windowBody,
} from './world.ts'

const [ALICE, BOB] = [MEMBERS[0]!, MEMBERS[1]!]
const STATUTE = 15 * 5_760 * 12
let ctx: ValidationContext
let nowMs = 0

function context(changes: Partial<ValidationContext> = {}): ValidationContext {
  nowMs = 0
  return {
    domain: DOMAIN,
    verdictVersion: 1,
    windowSeconds: WINDOW_SECONDS,
    statuteSeconds: STATUTE,
    nowSec: () => NOW,
    view,
    // By the clock of the context that is in use: tests change it.
    seen: createSeen(() => ctx.nowSec()),
    quotas: createQuotas({ nowMs: () => nowMs }),
    ...changes,
  }
}

/** `accept`, or the action and the code of the refusal; what is accepted is marked, as the intake does. */
function verdict(kind: StatementKind, bytes: Uint8Array, road: Road = 'gossip'): string {
  try {
    const valid = validateStatement(ctx, kind, bytes, road)
    ctx.seen.ids.set(valid.id, true, ctx.nowSec() + ID_SECONDS)
    valid.claim.mark()
    return 'accept'
  } catch (error) {
    if (!(error instanceof Refusal)) throw error
    return `${error.action} ${error.code}`
  }
}

const judge = (statement: AnyStatement, road: Road = 'gossip') => verdict(statement.kind, encodeStatement(statement), road)

beforeEach(() => {
  ctx = context()
})

describe('every kind', () => {
  const all = async () => [
    await sign(NODE, 'window', windowBody()),
    await sealed(ALICE),
    await answer(ALICE),
    await sign(ALICE, 'vote', voteBody()),
    await proof(),
    await sign(ALICE, 'head', headBody()),
  ]

  it('is accepted once, then known', async () => {
    for (const statement of await all()) {
      expect(judge(statement)).toBe('accept')
      expect(judge(statement)).toBe('ignore known')
    }
  })

  it('is rejected when too long, cut, padded or of another kind', async () => {
    for (const statement of await all()) {
      const bytes = encodeStatement(statement)
      expect(verdict(statement.kind, new Uint8Array(maxBytesOf(statement.kind) + 1))).toBe('reject too-large')
      expect(verdict(statement.kind, new Uint8Array())).toBe('reject not-canonical')
      expect(verdict(statement.kind, bytes.subarray(0, -1))).toBe('reject not-canonical')
      expect(verdict(statement.kind, Uint8Array.from([...bytes, ...new Uint8Array(32)]))).toBe('reject not-canonical')
      expect(verdict(statement.kind === 'vote' ? 'sealed' : 'vote', bytes)).toBe('reject not-canonical')
    }
  })

  it('is rejected when signed by another key, for another chain, or for another kind', async () => {
    for (const statement of await all()) {
      const { signature: strange } = await sealed(BOB, 77)
      expect(judge({ ...statement, signature: strange })).toBe('reject bad-signature')
      expect(judge({ ...statement, signature: '0x' })).toBe('reject bad-signature')
    }
    expect(judge(await sign(ALICE, 'answer', answerBody(), '0x', { ...DOMAIN, chainId: 1n }))).toBe('reject bad-signature')
    expect(judge(await sign(ALICE, 'sealed', sealedBody(), '0x', { ...DOMAIN, anchor: hash(1).slice(0, 42) as Hex }))).toBe(
      'reject bad-signature',
    )
  })

  it('is ignored without a view of the chain, and is good later', async () => {
    let ready = false
    ctx = context({ view: { ...view, ready: () => ready } })
    for (const statement of await all()) {
      expect(judge(statement)).toBe('ignore view-not-ready')
      ready = true
      expect(judge(statement)).toBe('accept')
      ready = false
    }
  })

  it('never crashes on mutated bytes, never accepts them, and keeps nothing of them', async () => {
    const samples = (await all()).map((statement) => ({ kind: statement.kind, bytes: encodeStatement(statement) }))
    const mutation = fc.record({
      sample: fc.constantFrom(...samples),
      flips: fc.array(fc.tuple(fc.nat(), fc.integer({ min: 1, max: 255 })), { minLength: 1, maxLength: 4 }),
      cut: fc.option(fc.nat(64)),
    })
    fc.assert(
      fc.property(mutation, ({ sample, flips, cut }) => {
        const bytes = Uint8Array.from(sample.bytes)
        for (const [at, xor] of flips) bytes[at % bytes.length]! ^= xor
        const mutated = cut === null ? bytes : bytes.subarray(0, Math.max(0, bytes.length - cut - 1))
        fc.pre(Buffer.compare(mutated, sample.bytes) !== 0)
        ctx = context()
        // The draw proof is not under the signature, but here it is empty; a proof's evidence proves itself or fails.
        expect(verdict(sample.kind, mutated)).toMatch(/^(reject|ignore) /)
        expect(ctx.seen.claims.size() + ctx.seen.ids.size() + ctx.seen.windows.size() + ctx.seen.faults.size()).toBe(0)
      }),
      { numRuns: 500 },
    )
    fc.assert(
      fc.property(fc.constantFrom(...samples), fc.uint8Array({ maxLength: 4200 }), ({ kind }, bytes) => {
        expect(verdict(kind, bytes)).toMatch(/^reject (too-large|not-canonical)/)
      }),
      { numRuns: 300 },
    )
  })

  it('meets a quota a signer on gossip; a forger cannot use it up, and the pull may bring more', async () => {
    const forged = { ...(await answer(ALICE)), signature: (await sealed(BOB)).signature }
    for (let i = 0; i < 250; i++) judge(forged)
    let accepted = 0
    const many = await Promise.all(Array.from({ length: 202 }, (_, n) => answer(ALICE, n)))
    for (const statement of many) if (judge(statement) === 'accept') accepted++
    expect(accepted).toBe(200)
    expect(judge(many[201]!)).toBe('ignore quota')
    expect(judge(await answer(BOB, 0))).toBe('accept')
    expect(judge(many[201]!, 'pull')).toBe('accept')
    nowMs += 200
    expect(judge(many[200]!)).toBe('accept')
  })
})

describe('a window', () => {
  const judged = async (changes: Parameters<typeof windowBody>[1]) => judge(await sign(NODE, 'window', windowBody(0, changes)))
  const current = BigInt(NOW / WINDOW_SECONDS)

  it('is ignored when it closed before it opened', async () => {
    expect(await judged({ windowId: current, closedAt: BigInt(NOW - 1) })).toBe('ignore window-time')
  })

  it('may be one window and the skew ahead, no more', async () => {
    expect(await judged({ windowId: current + 2n, closedAt: BigInt(NOW + 8) })).toBe('accept')
    expect(await judged({ windowId: current + 3n, closedAt: BigInt(NOW + 12) })).toBe('ignore future')
    expect(await judged({ windowId: current, closedAt: BigInt(NOW + 9) })).toBe('ignore future')
  })

  it('is ignored when older than the statute', async () => {
    const oldest = current - BigInt(STATUTE / WINDOW_SECONDS) - 2n
    expect(await judged({ windowId: oldest, closedAt: BigInt(NOW) })).toBe('accept')
    expect(await judged({ windowId: oldest - 1n, closedAt: BigInt(NOW) })).toBe('ignore expired')
  })

  it('keeps two roots, the proof of an equivocation, and not a third', async () => {
    expect(await judged({})).toBe('accept')
    expect(await judged({ closedAt: windowBody().closedAt + 1n })).toBe('ignore claimed')
    expect(await judged({ root: hash(71) })).toBe('accept')
    expect(await judged({ root: hash(72) })).toBe('ignore claimed')
  })

  it('is ignored from an unknown node or a foreign key', async () => {
    expect(judge(await sign(STRANGER, 'window', windowBody(0, { transcoder: addressOf(STRANGER) })))).toBe('ignore not-signer')
    expect(judge(await sign(STRANGER, 'window', windowBody()))).toBe('ignore not-signer')
  })
})

describe('a sealed answer', () => {
  it('is ignored from a stranger', async () => {
    expect(judge(await sealed(STRANGER))).toBe('ignore not-member')
  })

  it('is ignored with an absurd deadline, or one older than the statute, but not with one that passed', async () => {
    const judged = async (n: number, deadline: number) =>
      judge(await sign(ALICE, 'sealed', sealedBody(n, { deadline: BigInt(deadline) })))
    expect(await judged(0, NOW + 3_604)).toBe('accept')
    expect(await judged(1, NOW + 3_605)).toBe('ignore future')
    expect(await judged(2, NOW - 1_000)).toBe('accept')
    expect(await judged(3, NOW - STATUTE - 1)).toBe('ignore expired')
    expect(judge(await sign(ALICE, 'sealed', sealedBody(4, { deadline: 2n ** 64n - 1n })))).toBe('ignore future')
  })

  it('carries a well-formed draw proof or none', async () => {
    const draw = encodeDrawProof({
      transcoder: addressOf(NODE),
      windowId: 1n,
      index: 2,
      rendition: 0,
      bls: `0x${'ab'.repeat(48)}`,
    })
    expect(judge(await sign(ALICE, 'sealed', sealedBody(0), draw))).toBe('accept')
    expect(judge(await sign(ALICE, 'sealed', sealedBody(1), '0xabcd'))).toBe('reject bad-field')
    expect(judge(await sign(ALICE, 'sealed', sealedBody(1), `${draw}00`))).toBe('reject bad-field')
  })

  it('is one a sample and signer', async () => {
    expect(judge(await sealed(ALICE))).toBe('accept')
    expect(judge(await sign(ALICE, 'sealed', sealedBody(0, { seal: hash(81) })))).toBe('ignore claimed')
    expect(judge(await sealed(BOB))).toBe('accept')
  })
})

describe('an answer', () => {
  const judged = async (changes: Parameters<typeof answerBody>[1], who = ALICE) =>
    judge(await sign(who, 'answer', answerBody(0, changes)))

  it('has an outcome and a rendition that exist', async () => {
    expect(await judged({ outcome: 4 })).toBe('reject bad-field')
    expect(await judged({ rendition: 10 })).toBe('reject bad-field')
    expect(await judged({ outcome: 3, rendition: 9 })).toBe('accept')
  })

  it('of another verdict version is ignored: an honest log may hold it', async () => {
    expect(await judged({ verdictVersion: 2, outcome: 9 })).toBe('ignore version')
  })

  it('is ignored from a stranger, and is one a sample and signer', async () => {
    expect(await judged({}, STRANGER)).toBe('ignore not-member')
    expect(await judged({})).toBe('accept')
    expect(await judged({ outcome: 0 })).toBe('ignore claimed')
  })
})

describe('a vote', () => {
  const judged = async (changes: Parameters<typeof voteBody>[1], who = ALICE) =>
    judge(await sign(who, 'vote', voteBody(0, changes)))

  it('is about a D class', async () => {
    for (const faultClass of [1, 3, 16, 20, 254]) expect(await judged({ faultClass })).toBe('reject bad-field')
    expect(await judged({ faultClass: 17 })).toBe('accept')
  })

  it('that dismisses names a fault that its receipt can be accused of', async () => {
    const own = (name: 'O3' | 'D1' | 'D2' | 'D3') => faultIdOf(name, addressOf(NODE), hash(9))
    for (const faultClass of [0, 255])
      for (const faultId of [hash(2_000), own('O3'), faultIdOf('D2', addressOf(NODE), hash(8))])
        expect(await judged({ faultClass, faultId })).toBe('reject bad-field')
    expect(await judged({ faultClass: 0, faultId: own('D1') })).toBe('accept')
    expect(await judged({ faultClass: 255, faultId: own('D3') })).toBe('accept')
    expect(judge(await sign(BOB, 'vote', voteBody(0, { faultClass: 0, faultId: own('D2') })), 'pull')).toBe('accept')
  })

  it('to convict and one to dismiss are one vote: the first is heard', async () => {
    const faultId = faultIdOf('D2', addressOf(NODE), hash(9))
    expect(await judged({ faultId, faultClass: 18 })).toBe('accept')
    expect(await judged({ faultId, faultClass: 0 })).toBe('ignore claimed')
    expect(await judged({ faultId, faultClass: 255 }, BOB)).toBe('accept')
    expect(await judged({ faultId, faultClass: 18 }, BOB)).toBe('ignore claimed')
    // About other inputs it is another case.
    expect(await judged({ faultId, faultClass: 18, evidenceHash: hash(77) }, BOB)).toBe('accept')
  })

  it('of another version, past its deadline, beyond the statute or from a stranger is ignored', async () => {
    expect(await judged({ verdictVersion: 0 })).toBe('ignore version')
    expect(await judged({ deadline: BigInt(NOW - 5) })).toBe('ignore expired')
    expect(await judged({ deadline: BigInt(NOW + STATUTE + 1) })).toBe('ignore future')
    expect(await judged({}, STRANGER)).toBe('ignore not-member')
    expect(await judged({ deadline: BigInt(NOW - 4) })).toBe('accept')
  })

  it('is one a fault and signer until its deadline has passed', async () => {
    let nowSec = NOW
    ctx = context({ nowSec: () => nowSec })
    expect(await judged({ deadline: BigInt(NOW + 60) })).toBe('accept')
    expect(await judged({ deadline: BigInt(NOW + 600) })).toBe('ignore claimed')
    nowSec = NOW + 65
    expect(await judged({ deadline: BigInt(NOW + 600) })).toBe('accept')
  })
})

it('what is said once is remembered for sixty windows, and a seal as long after its deadline', async () => {
  let nowSec = NOW
  ctx = context({ nowSec: () => nowSec })
  const seal = async (n: number, changes = {}) => judge(await sign(ALICE, 'sealed', sealedBody(n, changes)))
  const answer = async (changes = {}) => judge(await sign(ALICE, 'answer', answerBody(0, changes)))
  const root = async (n: number) => judge(await sign(NODE, 'window', windowBody(0, { root: hash(n) })))
  expect([await seal(0, { deadline: BigInt(NOW + 100) }), await answer(), await root(1), await root(2)]).toEqual(
    Array(4).fill('accept'),
  )
  nowSec = NOW + 60 * WINDOW_SECONDS
  expect([await answer({ salt: hash(99) }), await root(3)]).toEqual(['ignore claimed', 'ignore claimed'])
  nowSec++
  expect([await answer({ salt: hash(99) }), await root(3)]).toEqual(['accept', 'accept'])
  expect(await seal(0, { deadline: BigInt(NOW + 400) })).toBe('ignore claimed')
  nowSec += 100
  expect(await seal(0, { deadline: BigInt(NOW + 400) })).toBe('accept')
})

describe("a log's head", () => {
  const judged = async (changes: Parameters<typeof headBody>[0], who = ALICE) => judge(await sign(who, 'head', headBody(changes)))

  it('is of its own signer, who is a member', async () => {
    expect(await judged({ fisherman: addressOf(BOB) })).toBe('reject bad-field')
    expect(await judged({ fisherman: addressOf(STRANGER) }, STRANGER)).toBe('ignore not-member')
    expect(await judged({})).toBe('accept')
  })

  it('is the newest one by time, whatever its size: an older history that is signed later must be heard of', async () => {
    expect(await judged({ signedAt: BigInt(NOW + 1_000) })).toBe('ignore future')
    expect(await judged({ signedAt: BigInt(NOW - 5) })).toBe('accept')
    expect(await judged({ signedAt: BigInt(NOW - 5), size: 99n })).toBe('ignore claimed')
    expect(await judged({ signedAt: BigInt(NOW - 6), size: 99n })).toBe('ignore claimed')
    expect(await judged({ signedAt: BigInt(NOW - 4), size: 1n })).toBe('accept')
  })
})

describe('a fraud proof', () => {
  it('is taken from anyone, expired ones and unknown classes are ignored', async () => {
    expect(judge(await proof(STRANGER))).toBe('accept')
    expect(judge(await proof(ALICE, { expiresAt: BigInt(NOW - 5) }))).toBe('ignore expired')
    expect(judge(await proof(ALICE, { faultClass: 7 }))).toBe('ignore unknown-class')
  })

  it('is rejected when its evidence does not prove it', async () => {
    expect(judge(await proof(ALICE, { faultId: hash(1) }))).toBe('reject bad-proof')
    expect(judge(await proof(ALICE, { transcoder: addressOf(BOB) }))).toBe('reject bad-proof')
    expect(judge(await proof(ALICE, { faultClass: 3 }))).toBe('reject bad-proof')
    expect(judge(await sign(ALICE, 'fraud-proof', (await proof()).body, '0x1234'))).toBe('reject bad-proof')
    expect(judge(await proof(ALICE, { reporter: addressOf(BOB) }))).toBe('reject bad-proof')
  })

  it('is ignored when the receipts are signed by a key that is not the accused: anybody can make those', async () => {
    expect(judge(await proof(ALICE, {}, { accused: NODE, key: STRANGER }))).toBe('ignore not-signer')
    expect(judge(await proof(ALICE, {}, { accused: STRANGER }))).toBe('ignore not-signer')
  })

  it('is kept from at most sixteen reporters a fault', async () => {
    const verdicts: string[] = []
    for (let i = 0; i < 17; i++) verdicts.push(judge(await proof(wallet(100 + i))))
    expect(verdicts.filter((v) => v === 'accept')).toHaveLength(16)
    expect(verdicts[16]).toBe('ignore claimed')
  })

  it('is not relayed again as long as any report of its fault holds, by whomever it came first', async () => {
    let nowSec = NOW
    ctx = context({ nowSec: () => nowSec })
    const [first, second] = [
      await proof(ALICE, { expiresAt: BigInt(NOW + 100) }),
      await proof(BOB, { expiresAt: BigInt(NOW + 9_000) }),
    ]
    expect([judge(first), judge(second)]).toEqual(['accept', 'accept'])
    // The log of a peer brings the old ones, long after their ids are forgotten here.
    nowSec = NOW + ID_SECONDS + 1_000
    const again = await proof(ALICE, { expiresAt: BigInt(NOW + 8_000) })
    expect([judge(first), judge(second), judge(again)]).toEqual(['ignore expired', 'ignore claimed', 'ignore claimed'])
    // Through its last second, which clocks that differ make later.
    nowSec = NOW + 9_000 + Math.min(15, WINDOW_SECONDS)
    expect(judge(second)).toBe('ignore claimed')
    nowSec++
    expect(judge(await proof(ALICE, { expiresAt: BigInt(nowSec + 100) }))).toBe('accept')
  })

  it('that could not be delivered may come again, and those of others stay', async () => {
    const [first, second] = [await proof(ALICE), await proof(BOB)]
    const marked = (statement: typeof first) => {
      const { claim } = validateStatement(ctx, 'fraud-proof', encodeStatement(statement), 'pull')
      claim.mark()
      return claim
    }
    const claim = marked(first)
    marked(second)
    claim.unmark()
    expect([judge(second), judge(first), judge(first)]).toEqual(['ignore claimed', 'accept', 'ignore known'])
    expect(marked(await proof(wallet(101)))).toBeDefined()
  })

  it('takes less than 250 bytes here for the two weeks in which it holds', async () => {
    const statement = await proof()
    const mark = (n: number) => {
      const body = { ...statement.body, faultId: hash(n) }
      claimOf(ctx, { ...statement, body } as AnyStatement).mark()
    }
    for (let n = 0; n < 500; n++) mark(n)
    expect(
      held(() => {
        for (let n = 500; n < 10_500; n++) mark(n)
      }).bytes / 10_000,
    ).toBeLessThan(250)
  })

  it('of a D class needs three voters who are members', async () => {
    const conviction = async (voters: typeof MEMBERS) => {
      const receipt = receiptOf(NODE, renditions(2))
      const digest = receiptDigest(receipt)
      const faultId = faultIdOf('D2', addressOf(NODE), digest)
      const vote = voteBody(0, { faultId, receiptDigest: digest, workCommit: hash(0) })
      const sorted = [...voters].sort((a, b) => (addressOf(a) < addressOf(b) ? -1 : 1))
      const shares = await Promise.all(
        sorted.map(async (who) => {
          const signature = await signStruct(who, 'ConvictionVote', { ...vote, workCommit: hash(13) })
          const s = BigInt(`0x${signature.slice(66, 130)}`) | (BigInt(Number.parseInt(signature.slice(130), 16) - 27) << 255n)
          return { workCommit: hash(13), r: signature.slice(0, 66) as Hex, vs: `0x${s.toString(16).padStart(64, '0')}` as Hex }
        }),
      )
      const extra = encodeConviction({ signed: await signedReceipt(NODE, receipt), vote, shares })
      const { body } = await proof(ALICE, { faultId, faultClass: 18, receiptDigest: digest, evidenceHash: vote.evidenceHash })
      return sign(ALICE, 'fraud-proof', body, extra)
    }
    expect(judge(await conviction([MEMBERS[0]!, MEMBERS[1]!, STRANGER]))).toBe('ignore not-member')
    expect(judge(await conviction([MEMBERS[0]!, MEMBERS[1]!]))).toBe('reject bad-proof')
    expect(judge(await conviction(MEMBERS.slice(0, 3)))).toBe('accept')
  })
})
