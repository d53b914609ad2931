import { decodeDrawProof, type Statement } from '../../proofs/codec.ts'
import { sampleIdOf, sealOf, ZERO_HASH } from '../../proofs/digest.ts'
import { structFromJson } from '../../proofs/json.ts'
import { type Answer, type Hex, OUTCOMES, type Outcome } from '../../proofs/types.ts'
import type { Finding, OwnFinding } from '../court/court.ts'
import { coverBy } from '../sample/cover.ts'
import type { DrawnAnswer } from './audits.ts'
import type { Bench, Identity } from './bench.ts'
import type { CheckResult } from './checks.ts'
import type { KnownReceipt } from './ledger.ts'
import type { Opinions } from './opinions.ts'
import { createPatience } from './patience.ts'
import { createSealBook } from './seals.ts'
import { createVerdictWriter, ownFinding, type VerdictRecord } from './verdicts.ts'
import { createWithheld } from './withheld.ts'

/** Seals what we found, opens it later, and reads what others sealed and opened. */
export interface AnswerStage {
  /** Writes the verdict to the log, then seals and later opens its answer, unless one stands already. */
  submit(result: CheckResult): Promise<void>
  /** A valid statement of somebody else. */
  receive(statement: Statement<'sealed'> | Statement<'answer'>): void
  /** Reads answers again that could not be tied to a receipt or seal when they came. */
  retry(): void
  /** Has somebody who was drawn answered this sample: opened it, or sealed it a short while ago? */
  coverOf(known: KnownReceipt, sampleId: Hex): Promise<'opened' | 'sealed' | undefined>
  /** What is known of a sample: who sealed it, and what was opened. */
  about(sampleId: Hex): { member: Hex; deadlineSec: number; isReplay: boolean; isTrusted: boolean; outcome?: Outcome }[]
  /** Seals of a sample, by member. */
  sealsOf(sampleId: Hex): ReadonlyMap<Hex, Statement<'sealed'>>
  /** Takes up verdicts of an earlier run: answers that were never opened, and missing bytes in which others did or did not agree. */
  resume(record: VerdictRecord, known: { isOpened: boolean; isAgreed: boolean }): Promise<void>
}

export interface AnswerStageDeps {
  /** Before a voteable fail is opened: the deposit must be frozen, or the accused empties it. Never throws. */
  freeze(finding: OwnFinding): Promise<void>
  onFinding(finding: Finding): void
  opinions: Opinions
  /** A drawn member opened its answer. */
  onDrawnAnswer(answer: DrawnAnswer): void
  /** Was this member drawn to look again at an answer of another? */
  isAudit(sampleId: Hex, member: Hex, proof: ReturnType<typeof decodeDrawProof>): Promise<boolean>
  trancheOf(
    known: KnownReceipt,
    sampleId: Hex,
    member: Hex,
    proof: ReturnType<typeof decodeDrawProof>,
  ): Promise<number | undefined>
}

/** Answers kept while their receipt or seal is unknown. */
const ORPHANS = 5_000
/** Windows after which an answer without its receipt or seal is given up: both are with us long before, or never. */
const ORPHAN_WINDOWS = 30

export function createAnswerStage(bench: Bench, deps: AnswerStageDeps): AnswerStage {
  const { opinions } = deps
  const book = createSealBook(bench)
  const patiently = createPatience(bench)
  const withheld = createWithheld(bench)
  const write = createVerdictWriter(bench, judged)
  bench.ledger.onForget(({ digest, rendition }) => bench.court.forgetSample(digest, rendition))
  let orphans: { answer: Statement<'answer'>; sinceSec: number }[] = []

  async function submit(result: CheckResult): Promise<void> {
    let tries = 0
    await patiently('verdict', async () => await write(result, tries++ > 0))
  }

  /** The verdict is on disk and counts: now it is said. */
  async function judged({ task }: CheckResult, record: VerdictRecord, answer: Answer): Promise<void> {
    if (record.outcome === 'withheld' && !task.again) withheld.own(record, answer)
    if (bench.identity && !task.again) await speak(bench.identity, record, answer)
    else if (bench.address && task.again) bench.court.recordOwn(ownFinding(bench.address, record, answer))
  }

  async function speak(identity: Identity, record: VerdictRecord, answer: Answer): Promise<void> {
    await patiently('seal', async () => await seal(identity, record, answer))
  }

  /** Seal now, open at the deadline. */
  async function seal(identity: Identity, record: VerdictRecord, answer: Answer): Promise<void> {
    const { sampleId, fingerprint, salt } = answer
    const me = identity.attester.address
    const made = sealOf({ fisherman: me, sampleId, beacon: record.beacon, fingerprint, outcome: record.outcome, salt })
    const sealed = await identity.attester.seal({ sampleId, seal: made, deadline: BigInt(record.deadline) }, record.drawProof)
    book.seal(sealed)
    await bench.say(sealed)
    // We know it now, whenever others do: a case about it is credible to us from here on.
    const finding = ownFinding(me, record, answer)
    bench.court.recordOwn(finding)
    withheld.heard(finding)
    if (record.drawProof === '0x') compare(sampleId, record.outcome)
    const open = async () => {
      if (finding.faultClass) await deps.freeze(finding)
      await bench.say(await identity.attester.answer(answer))
      book.open(sampleId, me, answer)
      deps.onFinding(finding)
    }
    const waitMs = Math.max(0, (Number(record.deadline) - bench.chain.nowSec()) * 1000)
    bench.later(waitMs, 'open', () => patiently('open', open))
  }

  function receive(statement: Statement<'sealed'> | Statement<'answer'>): void {
    if (statement.kind === 'sealed') {
      book.seal(statement as Statement<'sealed'>)
      retry()
    } else if (!read(statement as Statement<'answer'>)) {
      orphans.push({ answer: statement as Statement<'answer'>, sinceSec: bench.chain.nowSec() })
      if (orphans.length > ORPHANS) orphans = orphans.slice(-ORPHANS)
    }
  }

  /** True when the answer was dealt with, for good or for bad. */
  function read({ body, signer }: Statement<'answer'>): boolean {
    const sample = bench.ledger.sample(body.sampleId)
    const beacon = sample?.known.window.draw?.beacon
    const sealed = book.sealsOf(body.sampleId).get(signer)
    if (!sample || !beacon || !sealed) return false
    const { known, rendition } = sample
    const outcome = OUTCOMES[body.outcome]
    const { receipt, digest, windowId } = known.receipt
    const fits =
      body.receiptDigest === digest && body.rendition === rendition && sampleIdOf(digest, rendition, windowId) === body.sampleId
    const seal =
      outcome &&
      sealOf({ fisherman: signer, sampleId: body.sampleId, beacon, fingerprint: body.fingerprint, outcome, salt: body.salt })
    if (!outcome || !fits || seal !== sealed.body.seal) {
      bench.metrics.dropped('answer-unlike-its-seal')
      return true
    }
    // Its frames were drawn for it alone, so nobody else can have its fingerprint; the first to open it made it.
    for (const [other, { fingerprint }] of book.openedOf(body.sampleId))
      if (other !== signer && fingerprint === body.fingerprint && fingerprint !== ZERO_HASH)
        opinions.blame('copied', signer, body.sampleId)
    book.open(body.sampleId, signer, body)
    const finding: Finding = {
      fisherman: signer,
      transcoder: receipt.transcoder,
      receiptDigest: digest,
      streamId: receipt.streamId,
      rendition,
      outcome,
      completedAt: Number(receipt.completedAt),
    }
    bench.court.record(finding)
    withheld.heard(finding)
    bench.later(0, 'answer', () => weigh(known, finding, sealed, body))
    return true
  }

  /** A replay counts for those who replay too; but only who was drawn speaks for a node, or calls others to look. */
  async function weigh(
    known: KnownReceipt,
    finding: Finding,
    { body, extra, signer }: Statement<'sealed'>,
    { fingerprint }: Answer,
  ) {
    if (extra === '0x') return
    const { sampleId, deadline } = body
    const { outcome, rendition } = finding
    const proof = decodeDrawProof(extra)
    const tranche = await deps.trancheOf(known, sampleId, signer, proof)
    if (tranche === undefined && !(await deps.isAudit(sampleId, signer, proof))) return bench.metrics.dropped('answer-not-drawn')
    const { transcoder, streamId, requester, completedAt } = known.receipt.receipt
    // Only our own replay counts against a node; a pass of somebody who checked speaks for it.
    if (outcome === 'pass') bench.tally.heardPass({ transcoder, streamId, requester, completedAt: Number(completedAt) })
    deps.onFinding(finding)
    if (tranche === undefined) return
    const answer = { known, rendition, sampleId, member: signer, tranche, index: proof.index, outcome, fingerprint }
    deps.onDrawnAnswer({ ...answer, deadlineSec: Number(deadline) })
  }

  function retry(): void {
    if (orphans.length === 0) return
    const tooOldSec = bench.chain.nowSec() - ORPHAN_WINDOWS * bench.params.draw.windowSeconds
    orphans = orphans.filter(({ answer, sinceSec }) => sinceSec >= tooOldSec && !read(answer))
  }

  async function coverOf(known: KnownReceipt, sampleId: Hex): Promise<'opened' | 'sealed' | undefined> {
    const now = bench.chain.nowSec()
    // Enough members could not have the bytes: one more would not either.
    const place = bench.ledger.sample(sampleId)
    if (place && bench.court.isWithheld(known.receipt.digest, place.rendition)) return 'opened'
    let cover: 'sealed' | undefined
    for (const [member, sealed] of book.sealsOf(sampleId)) {
      const outcome = book.openedOf(sampleId).get(member)?.outcome
      const deadlineSec = Number(sealed.body.deadline)
      const isLate = !outcome && now > deadlineSec + bench.params.openGraceSeconds
      if (isLate && bench.online()) opinions.blame('never-opened', member, sampleId)
      const by = coverBy({ deadlineSec, outcome, isTrusted: opinions.trusts(member) }, now, bench.params.openGraceSeconds)
      if (!by || sealed.extra === '0x') continue
      if ((await deps.trancheOf(known, sampleId, member, decodeDrawProof(sealed.extra))) === undefined) continue
      if (by === 'opened') return by
      cover = by
    }
    return cover
  }

  async function resume(record: VerdictRecord, { isOpened, isAgreed }: { isOpened: boolean; isAgreed: boolean }): Promise<void> {
    const answer = record.answer && structFromJson('Answer', record.answer)
    if (!record.again && record.outcome !== 'withheld') bench.scores?.check(record)
    else if (!record.again && answer) withheld.own(record, answer, isAgreed)
    if (!bench.address || !answer) return
    if (isOpened || record.again) bench.court.recordOwn(ownFinding(bench.address, record, answer))
    else
      bench.onSigning(async () => {
        const { identity } = bench
        if (identity) await speak(identity, record, answer)
      })
  }

  /**
   * Our replay against what others said before: near a line doubt is nobody's fault, but a clear pass overturns a fail. Saying `pass` too earns
   * nothing: whoever never works says that as well, and only an audit sees the difference.
   */
  function compare(sampleId: Hex, mine: Outcome): void {
    for (const [member, { outcome }] of book.openedOf(sampleId))
      if (member !== bench.address && outcome === 'fail' && mine === 'pass') opinions.blame('framing', member, sampleId)
      else if (member !== bench.address && outcome === 'fail' && mine === 'fail') opinions.agree(member)
  }

  const { sealsOf } = book

  return {
    ...{ submit, receive, retry, coverOf, resume, sealsOf },
    about: (sampleId) =>
      [...sealsOf(sampleId)].map(([member, { body, extra }]) => {
        const outcome = book.openedOf(sampleId).get(member)?.outcome
        return {
          ...{ member, deadlineSec: Number(body.deadline), isReplay: extra === '0x', isTrusted: opinions.trusts(member) },
          ...(outcome ? { outcome } : {}),
        }
      }),
  }
}
