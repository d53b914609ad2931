import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeEach, describe, expect, it } from 'vitest'
import { decodeDrawProof, encodeDrawProof, type Statement } from '../../proofs/codec.ts'
import { ZERO_HASH } from '../../proofs/digest.ts'
import type { Hex, Outcome } from '../../proofs/types.ts'
import { blsKeysOf, verifyDraw } from '../../src/attest/bls.ts'
import { createSigner } from '../../src/attest/keys.ts'
import type { Member } from '../../src/chain/types.ts'
import { type Audits, createAudits, type DrawnAnswer } from '../../src/pipeline/audits.ts'
import type { Bench } from '../../src/pipeline/bench.ts'
import type { CheckResult, CheckTask } from '../../src/pipeline/checks.ts'
import { networkParams } from '../../src/pipeline/network.ts'
import { createOpinions, type Opinions } from '../../src/pipeline/opinions.ts'
import { openTrustFile } from '../../src/pipeline/trust-file.ts'
import { isAudited } from '../../src/sample/audit.ts'
import { drawMessage } from '../../src/sample/draw.ts'
import { addressOf, hash, wallet } from '../helpers/fixtures.ts'

const [me, ann, bob] = [11, 12, 13].map((n) => addressOf(wallet(n))) as [Hex, Hex, Hex]
const transcoder = addressOf(wallet(1))
const keys = new Map(
  await Promise.all([11, 12, 13].map(async (n) => [addressOf(wallet(n)), await blsKeysOf(createSigner(wallet(n)))] as const)),
)
const members = [...keys].map(([address, { publicKey }]) => ({ address, blsPublicKey: publicKey })) as unknown as Member[]
/** Samples that the later beacon takes up, and one that it does not. */
const later = hash(4242)
const ids = Array.from({ length: 400 }, (_, i) => hash(i))
const taken = ids.filter((id) => isAudited(later, id))
const passedOver = ids.find((id) => !isAudited(later, id)) as Hex

let audits: Audits
let opinions: Opinions
let tasks: CheckTask[]
let dropped: string[]
let seals: Map<Hex, Map<Hex, Statement<'sealed'>>>
let answered: Set<Hex>
let asked: number[]
let listeners: ((forgotten: { sampleId: Hex }) => void)[]
const settled = () => new Promise((resolve) => setTimeout(resolve, 20))

beforeEach(() => {
  ;[tasks, dropped, seals, answered, asked, listeners] = [[], [], new Map(), new Set(), [], []]
  const bench = {
    ...{ params: networkParams('local'), address: me, signal: new AbortController().signal },
    chain: {
      nowSec: () => 1_000_000,
    },
    identity: { attester: { address: me }, bls: keys.get(me) },
    ledger: { onForget: (listener: (typeof listeners)[number]) => void listeners.push(listener) },
    logger: { info() {}, warn() {}, debug() {} },
    metrics: { dropped: (what: string) => dropped.push(what) },
    later: (_ms: number, _what: string, work: () => Promise<void>) => void work(),
  } as unknown as Bench
  opinions = createOpinions(bench)
  audits = createAudits(bench, {
    opinions,
    async beaconAt(sec) {
      asked.push(sec)
      return later
    },
    membersAt: async () => members,
    async verifierOf(member) {
      const key = keys.get(member)?.publicKey
      return key && ((message, signature) => verifyDraw(message, signature, key))
    },
    seals: (sampleId) => seals.get(sampleId) ?? new Map(),
    isAnswered: (sampleId) => answered.has(sampleId),
    check: (task) => void tasks.push(task),
  })
})

const answerOf = (sampleId: Hex, change: Partial<DrawnAnswer> = {}): DrawnAnswer => ({
  known: {
    receipt: { digest: hash(1), windowId: 5n, receipt: { transcoder } },
    window: { draw: { beacon: hash(77) } },
  } as unknown as DrawnAnswer['known'],
  ...{ rendition: 0, sampleId, member: ann, tranche: 0, index: 0, outcome: 'pass', fingerprint: hash(4), deadlineSec: 1_000_010 },
  ...change,
})

describe('the audit of answers', () => {
  it('is forgotten with its receipt', async () => {
    const sampleId = taken[0] as Hex
    audits.heard(answerOf(sampleId))
    await settled()
    audits.heard(answerOf(sampleId))
    await settled()
    expect(tasks).toHaveLength(1)
    for (const forget of listeners) forget({ sampleId })
    // As one that was never heard: it may be heard, and is drawn, again.
    audits.heard(answerOf(sampleId))
    await settled()
    expect(tasks).toHaveLength(2)
  })

  it('waits for a beacon of after the opening, and looks at the share that it takes up, with a proof of the draw', async () => {
    for (const id of taken.slice(0, 8)) audits.heard(answerOf(id))
    audits.heard(answerOf(passedOver))
    await settled()
    // Three members, one expected in the first tranche and all of them in the last: we come sooner or later.
    expect(tasks.map(({ sampleId }) => sampleId)).toEqual(taken.slice(0, 8))
    expect(tasks[0]).toMatchObject({ beacon: hash(77), audit: { member: ann, fingerprint: hash(4) }, rendition: 0 })
    expect(Math.min(...asked)).toBeGreaterThan(1_000_010)
  })

  it('is never of our own answer, of doubt, or of bytes that were not there', async () => {
    const [a, b, c, d] = taken as [Hex, Hex, Hex, Hex]
    answered.add(a)
    audits.heard(answerOf(a))
    audits.heard(answerOf(b, { outcome: 'inconclusive' }))
    audits.heard(answerOf(c, { outcome: 'withheld' }))
    audits.heard(answerOf(d, { member: me }))
    await settled()
    expect(tasks).toEqual([])
  })

  it('is made once: whoever sealed an audit before us saves us the work, unless it was not drawn or has lost our trust', async () => {
    const proven = async (id: Hex): Promise<Hex> => {
      // What bob would have sealed is what our own audit has, with his signature.
      audits.heard(answerOf(id, { tranche: 1 }))
      await settled()
      const [own] = tasks.splice(0)
      if (!own?.sample) throw new Error('this test needs a sample that we audit')
      const { proof } = own.sample
      const message = drawMessage({ transcoder, windowId: proof.windowId, beacon: later })
      const bls = keys.get(bob)?.signDraw(message) as Hex
      return encodeDrawProof({ ...proof, bls })
    }
    const seal = (id: Hex, extra: Hex) =>
      seals.set(id, new Map([[bob, { extra, body: { sampleId: id } } as unknown as Statement<'sealed'>]]))
    const [first, second, third] = taken as [Hex, Hex, Hex]
    const extra = await proven(first)
    seal(first, extra)
    // The same daemon hears nothing new of a sample that it knows; what counts is whether the proof stands.
    expect(await audits.isAudit(first, bob, decodeDrawProof(extra))).toBe(true)
    expect(await audits.isAudit(first, ann, decodeDrawProof(extra))).toBe(false)
    expect(await audits.isAudit(second, bob, decodeDrawProof(extra))).toBe(false)
    seal(third, extra)
    audits.heard(answerOf(third))
    await settled()
    // One BLS signature serves a whole window, so bob's proof stands for this sample too.
    expect(tasks).toEqual([])
  })

  const judge = (outcome: Outcome, audited?: Hex) =>
    audits.judged({
      task: { ...answerOf(hash(1)), beacon: hash(77), audit: { member: ann, fingerprint: hash(4) } } as unknown as CheckTask,
      outcome,
      verdict: audited ? { audited: { value: audited } } : undefined,
    } as unknown as CheckResult)

  it('believes a fingerprint that is the same, blames another one once, and says nothing in doubt', () => {
    judge('pass', hash(4))
    expect(opinions.all().get(ann)?.value).toBe(4)
    judge('inconclusive', hash(5))
    judge('withheld')
    expect(dropped).toEqual([])
    judge('pass', hash(5))
    judge('pass', hash(5))
    expect(dropped).toEqual(['trust-wrong-fingerprint'])
    expect(opinions.trusts(ann)).toBe(true)
  })

  it('takes pictures that nobody can decode for what they are: no fingerprint on either side', () => {
    audits.judged({
      task: { ...answerOf(hash(1)), audit: { member: ann, fingerprint: ZERO_HASH } } as unknown as CheckTask,
      outcome: 'fail',
    } as unknown as CheckResult)
    expect(dropped).toEqual([])
  })
})

describe('our opinion of members', () => {
  it('outlives a restart; a damaged file makes everybody a newcomer and says so', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'fisherman-trust-'))
    const file = join(folder, 'trust.json')
    const lines: string[] = []
    const log = { debug() {}, info() {}, warn: (text: string) => void lines.push(text), error() {} }
    const bench = { metrics: { dropped() {} }, logger: log } as unknown as Bench
    const first = await openTrustFile(file, { log })
    const before = createOpinions(bench, first)
    for (let n = 0; n < 3; n++) before.blame('copied', ann, hash(n))
    before.agree(bob)
    expect(before.trusts(ann)).toBe(false)
    await first.close()
    const after = createOpinions(bench, await openTrustFile(file, { log }))
    expect([after.trusts(ann), after.trusts(bob), after.all().get(bob)?.value]).toEqual([false, true, 4])
    await writeFile(file, (await readFile(file, 'utf8')).slice(0, -3))
    lines.length = 0
    expect(createOpinions(bench, await openTrustFile(file, { log })).trusts(ann)).toBe(true)
    expect(lines).toEqual(['What we thought of other members is unreadable, beginning anew'])
    await rm(folder, { recursive: true })
  })
})
