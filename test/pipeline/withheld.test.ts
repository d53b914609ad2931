import { beforeEach, expect, it } from 'vitest'
import type { Hex, Outcome } from '../../proofs/types.ts'
import { FishermanError } from '../../src/base/errors.ts'
import { createCourt } from '../../src/court/court.ts'
import { LOCAL_COURT } from '../../src/court/params.ts'
import type { Bench } from '../../src/pipeline/bench.ts'
import { createLedger } from '../../src/pipeline/ledger.ts'
import { createTally, type Tally } from '../../src/pipeline/tally.ts'
import type { VerdictRecord } from '../../src/pipeline/verdicts.ts'
import { createWithheld, type Withheld } from '../../src/pipeline/withheld.ts'
import { addressOf, hash, wallet } from '../helpers/fixtures.ts'

const node = addressOf(wallet(1))
const [me, ann, bob, cid] = [11, 12, 13, 14].map((n) => addressOf(wallet(n))) as [Hex, Hex, Hex, Hex]
const place = { receiptDigest: hash(1), rendition: 1 }
const about = { transcoder: node, streamId: hash(2), requester: hash(3) as Hex, completedAt: 1_000 }
const record = { ...about, sampleId: hash(4), outcome: 'withheld' } as VerdictRecord

let court: ReturnType<typeof createCourt>
let tally: Tally
let withheld: Withheld
let written: string[]
let scored: VerdictRecord[]
let full: boolean
let later: (() => Promise<void>)[]

beforeEach(() => {
  ;[court, tally, written, scored, full, later] = [createCourt(LOCAL_COURT), createTally(), [], [], false, []]
  withheld = createWithheld({
    ...{ court, tally, ledger: createLedger(), signal: new AbortController().signal },
    log: {
      async append(kind: string) {
        if (full) throw new FishermanError({ code: 'log-write', message: 'no space is left', blame: 'ours' })
        written.push(kind)
      },
    },
    scores: { check: (one: VerdictRecord) => scored.push(one) },
    logger: { info() {}, warn() {} },
    later: (_ms: number, _what: string, work: () => Promise<void>) => void later.push(work),
  } as unknown as Bench)
})

function says(fisherman: Hex, outcome: Outcome = 'withheld'): void {
  court.record({ ...place, ...about, fisherman, outcome })
  withheld.heard(place)
}
async function passTime(): Promise<void> {
  for (const work of later.splice(0)) await work()
}
const score = () => tally.nodes()[node]?.evidenceScore ?? 0

it('bytes that we could not have speak against nobody before two others could not have them either, and then once', async () => {
  tally.verdict(record)
  withheld.own(record, place)
  says(me)
  says(ann)
  says(bob, 'pass')
  await passTime()
  expect([score(), scored, written]).toEqual([0, [], []])
  says(cid)
  says(addressOf(wallet(15)))
  await passTime()
  expect(score()).toBeCloseTo(3.51)
  expect([scored, written]).toEqual([[record], ['withheld']])
  expect(tally.nodes()[node]).toMatchObject({ withheld: 1, withheldAgreed: 1 })
})

it('others who could not have them are heard before us too, and of what we had ourselves they say nothing', async () => {
  for (const who of [ann, bob, cid]) says(who)
  await passTime()
  expect(scored).toEqual([])
  withheld.own(record, place)
  await passTime()
  expect(scored).toEqual([record])
})

it('a full disk loses none, and none counts before it is written', async () => {
  withheld.own(record, place)
  full = true
  for (const who of [me, ann, bob]) says(who)
  await passTime()
  expect([score(), scored]).toEqual([0, []])
  full = false
  await passTime()
  expect(score()).toBeCloseTo(3.51)
  expect([scored, written]).toEqual([[record], ['withheld']])
})

it('of an earlier run what was agreed counts in the scores again, and the rest still waits', async () => {
  withheld.own(record, place, true)
  expect(scored).toEqual([record])
  withheld.own({ ...record, sampleId: hash(5) }, { ...place, rendition: 2 })
  await passTime()
  expect([scored, written]).toEqual([[record], []])
})
