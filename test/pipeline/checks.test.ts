import { describe, expect, it } from 'vitest'
import type { Hex } from '../../proofs/types.ts'
import { type Blame, FishermanError } from '../../src/base/errors.ts'
import type { JudgeRequest, Reason, RenditionVerdict } from '../../src/judge.ts'
import type { Bench } from '../../src/pipeline/bench.ts'
import { type CheckTask, createCheckStage } from '../../src/pipeline/checks.ts'
import { evidenceHashFor } from '../../src/pipeline/ledger.ts'
import { createBudget } from '../../src/sample/budget.ts'
import { addressOf, hash, PROFILE, receiptOf, renditions, wallet } from '../helpers/fixtures.ts'

const node = wallet(1)
const leaves = renditions(2)
const receipt = {
  digest: hash(1),
  windowId: 1n,
  receipt: receiptOf(node, leaves),
  renditions: leaves,
  profiles: [PROFILE, PROFILE],
  order: { sourceBytes: 10n },
}
const known = {
  receipt,
  feed: { transcoder: addressOf(node), url: 'http://127.0.0.1:1' },
  window: { draw: undefined },
} as unknown as CheckTask['known']
const drawn = { known, rendition: 1, sampleId: hash(2), beacon: hash(3), sample: {} } as unknown as CheckTask
const replay: CheckTask = { known, rendition: 1, sampleId: hash(2), beacon: hash(3) }

const failing = (blame: Blame, code = 'some-code') => new FishermanError({ code, message: 'it failed', blame })

const unreadable: Reason = { code: 'rendition-unreadable', class: 'rendition', value: 1, limit: 0, sees: 'noise' }

type Answer = Partial<RenditionVerdict> | FishermanError

/** A check stage whose network and judge do what the test says. */
function stage(world: {
  blob?: FishermanError
  online?: boolean
  worthProving?: boolean
  check?: Answer
  prove?: Answer
  /** What members know of the case. */
  evidence?: { source: string; rendition: string } | FishermanError
}) {
  const evidenceAsked: object[] = []
  const asked: { depth: string; confirm: boolean | undefined; path: string }[] = []
  const wanted: Hex[] = []
  const marks: Hex[] = []
  const bench = {
    domain: { chainId: 1n, anchor: hash(0) },
    clock: { nowMs: () => 0, monotonicMs: () => 0 },
    metrics: { dropped() {}, checkMs() {} },
    budget: createBudget({ secondsPerDay: 1, bytesPerDay: 1 }),
    logger: { warn() {}, info() {} },
    chain: { nowSec: () => 77 },
    online: () => world.online ?? true,
    address: addressOf(wallet(5)),
    caseEvidence: {
      async get(about: object) {
        evidenceAsked.push(about)
        if (world.evidence instanceof FishermanError) throw world.evidence
        return world.evidence
      },
    },
    blobs: {
      async get({ contentHash, isPrivate }: { contentHash: Hex; isPrivate?: true }) {
        if (isPrivate) marks.push(contentHash)
        if (world.blob) throw world.blob
        wanted.push(contentHash)
        return `/cache/${contentHash}`
      },
    },
    judge: {
      async judge(request: JudgeRequest) {
        asked.push({ depth: request.depth, confirm: request.confirm, path: request.renditions[0]?.path ?? '' })
        const answer = (request.depth === 'prove' ? world.prove : world.check) ?? {}
        if (answer instanceof FishermanError) throw answer
        const verdict = {
          verdict: 'pass',
          reasons: [],
          measures: {},
          packets: { rendition: [], source: [] },
          fingerprint: { value: hash(9) },
          ...answer,
        }
        return { renditions: [verdict] }
      },
    },
  } as unknown as Bench
  const checks = createCheckStage(bench, { worthProving: () => world.worthProving ?? true })
  return { run: (task: CheckTask) => checks.run(task, new AbortController().signal), asked, wanted, marks, evidenceAsked }
}

describe('a check', () => {
  it('fetches every blob of the receipt and judges the one that was drawn', async () => {
    const { run, asked, wanted } = stage({})
    expect(await run(drawn)).toMatchObject({ outcome: 'pass', fingerprint: hash(9) })
    expect(wanted).toEqual([receipt.receipt.sourceHash, leaves[0]?.contentHash, leaves[1]?.contentHash])
    expect(asked).toEqual([{ depth: 'check', confirm: false, path: `/cache/${leaves[1]?.contentHash}` }])
  })

  it('of a private stream asks for bytes that go again, from the node and from members', async () => {
    const isPrivate = { ...known, receipt: { ...known.receipt, isPrivate: true as const } }
    const { run, wanted, marks } = stage({})
    await run({ ...drawn, known: isPrivate })
    expect(marks).toEqual(wanted)
    const gone = stage({ blob: failing('theirs'), evidence: { source: 's', rendition: 'r' } })
    await gone.run({ ...replay, known: isPrivate })
    expect(gone.evidenceAsked).toMatchObject([{ isPrivate: true }])
    const open = stage({})
    await open.run(drawn)
    expect(open.marks).toEqual([])
  })

  it.each<[string, Parameters<typeof stage>[0], object | undefined]>([
    [
      'bytes that the node does not serve are withheld',
      { blob: failing('theirs', 'http-404') },
      { outcome: 'withheld', missing: 'http-404', fingerprint: hash(0) },
    ],
    ['a host that is silent is withheld while we reach others', { blob: failing('unknown') }, { outcome: 'withheld' }],
    ['a host that is silent is no answer while we reach nobody', { blob: failing('unknown'), online: false }, undefined],
    ['a disk of ours that is full is no answer', { blob: failing('ours') }, undefined],
    ['a bug of ours is no answer', { check: failing('ours') }, undefined],
    [
      'media that ran into a limit is doubt',
      { check: failing('unknown', 'media-limit') },
      { outcome: 'inconclusive', missing: 'media-limit' },
    ],
    [
      'a proof that cannot be made is doubt, whatever the check said',
      { check: { verdict: 'fail' }, prove: failing('unknown') },
      { outcome: 'inconclusive' },
    ],
    [
      'a fail that the proof does not confirm is what the proof says',
      { check: { verdict: 'fail' }, prove: { verdict: 'inconclusive' } },
      { outcome: 'inconclusive' },
    ],
    [
      'a proven wrong picture may be voted on',
      { check: { verdict: 'fail' }, prove: { verdict: 'fail', faultClass: 'D2' } },
      { outcome: 'fail', faultClass: 'D2' },
    ],
  ])('%s', async (_, world, expected) => {
    const result = await stage(world).run(drawn)
    if (expected) expect(result).toMatchObject(expected)
    else expect(result).toBeUndefined()
  })

  it('never lets quality, nor a fail that was not proven, be voted on', async () => {
    const quality = await stage({ check: { verdict: 'fail' }, prove: { verdict: 'fail', faultClass: 'Q' } }).run(drawn)
    expect(quality).toMatchObject({ outcome: 'fail' })
    expect(quality?.faultClass).toBeUndefined()
    const { run, asked } = stage({ check: { verdict: 'fail', faultClass: 'D2' }, worthProving: false })
    const unproven = await run(drawn)
    expect(unproven).toMatchObject({ outcome: 'fail' })
    expect(unproven?.faultClass).toBeUndefined()
    expect(asked.map(({ depth }) => depth)).toEqual(['check'])
  })

  it('proves at once when it confirms somebody else, with the lines of a confirmer', async () => {
    const { run, asked } = stage({ prove: { verdict: 'fail', faultClass: 'D2' } })
    expect(await run(replay)).toMatchObject({ outcome: 'fail', faultClass: 'D2' })
    expect(asked).toMatchObject([{ depth: 'prove', confirm: true }])
  })

  it('of what no beacon could have drawn clears, and never accuses', async () => {
    const wrong = { prove: { verdict: 'fail', faultClass: 'D2' } } as const
    const result = await stage(wrong).run({ ...replay, undrawable: true })
    expect(result).toMatchObject({ outcome: 'fail' })
    expect(result?.faultClass).toBeUndefined()
    expect(await stage({ prove: { verdict: 'pass' } }).run({ ...replay, undrawable: true })).toMatchObject({ provenAtSec: 77 })
  })

  it('of a window that came after its beacon lets nothing pass, and a fail stands', async () => {
    const late = { ...known, window: { draw: undefined, late: true } } as unknown as CheckTask['known']
    expect(await stage({}).run({ ...drawn, known: late })).toMatchObject({ outcome: 'withheld', missing: 'window-late' })
    const wrong = { check: { verdict: 'fail' }, prove: { verdict: 'fail', faultClass: 'D2' } } as const
    expect(await stage(wrong).run({ ...drawn, known: late })).toMatchObject({ outcome: 'fail', faultClass: 'D2' })
    // A case is about what was made, whenever it was told.
    expect(await stage({}).run({ ...replay, known: late })).toMatchObject({ outcome: 'pass' })
  })

  it('that replays takes the evidence of a member where the node serves nothing, and names exactly what it needs', async () => {
    const evidence = { source: '/case/source', rendition: '/case/rendition' }
    const blob = failing('theirs', 'http-404')
    const { run, asked, evidenceAsked } = stage({ blob, evidence, prove: { verdict: 'fail', faultClass: 'D2' } })
    expect(await run(replay)).toMatchObject({ outcome: 'fail', faultClass: 'D2', files: evidence })
    expect(asked).toMatchObject([{ depth: 'prove', path: '/case/rendition' }])
    const { sourceHash } = receipt.receipt
    const evidenceHash = evidenceHashFor(known, 1)
    expect(evidenceAsked).toEqual([{ evidenceHash, sourceHash, contentHash: leaves[1]?.contentHash }])
  })

  it('that was drawn says what the node did, and asks nobody else', async () => {
    const evidence = { source: '/case/source', rendition: '/case/rendition' }
    const { run, evidenceAsked } = stage({ blob: failing('theirs', 'http-404'), evidence })
    expect(await run(drawn)).toMatchObject({ outcome: 'withheld' })
    expect(evidenceAsked).toEqual([])
  })

  it('is no answer where our own disk keeps the evidence from us', async () => {
    const world = { blob: failing('theirs', 'http-404'), evidence: failing('ours') }
    expect(await stage(world).run(replay)).toBeUndefined()
  })

  it('says when a look began that a vote may rest on, and nothing of the kind of an everyday check', async () => {
    const began = async (task: CheckTask, world: Parameters<typeof stage>[0] = {}) => (await stage(world).run(task))?.provenAtSec
    const missing = { blob: failing('theirs', 'http-404') }
    const limit = { check: failing('unknown'), prove: failing('unknown') }
    expect([await began(replay), await began(replay, missing), await began(replay, limit)]).toEqual([77, 77, 77])
    expect(await began(drawn, { check: { verdict: 'fail' }, prove: { verdict: 'pass' } })).toBe(77)
    const everyday = [await began(drawn), await began(drawn, missing), await began(drawn, limit)]
    expect(everyday).toEqual([undefined, undefined, undefined])
  })

  it('proves what did not decode, however much is proven already: a doubt for ever would let noise escape', async () => {
    const noise: Answer = { verdict: 'inconclusive', reasons: [unreadable] }
    const { run, asked } = stage({ check: noise, prove: { verdict: 'fail', faultClass: 'D3' }, worthProving: false })
    for (let i = 0; i < 6; i++) expect(await run(drawn)).toMatchObject({ outcome: 'fail', faultClass: 'D3' })
    expect(asked.filter(({ depth }) => depth === 'prove')).toHaveLength(6)
    // Any other doubt stays one.
    const doubt = stage({ check: { verdict: 'inconclusive', reasons: [{ ...unreadable, code: 'rendition-times' }] } })
    expect(await doubt.run(drawn)).toMatchObject({ outcome: 'inconclusive' })
    expect(doubt.asked).toHaveLength(1)
  })

  it('stops proving after a few proofs of one stream', async () => {
    const { run, asked } = stage({ check: { verdict: 'fail' }, prove: { verdict: 'fail', faultClass: 'Q' } })
    for (let i = 0; i < 6; i++) await run(drawn)
    expect(asked.filter(({ depth }) => depth === 'prove')).toHaveLength(4)
  })
})
