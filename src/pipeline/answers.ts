import { decodeDrawProof, encodeDrawProof, type Statement } from '../../proofs/codec.ts'
import { outcomeNumber, sampleIdOf, sealOf, ZERO_HASH } from '../../proofs/digest.ts'
import { structFromJson, structToJson } from '../../proofs/json.ts'
import { type Answer, type Hex, OUTCOMES, type Outcome, VERDICT_VERSION } from '../../proofs/types.ts'
import { isFishermanError, messageOf } from '../base/errors.ts'
import type { Finding, OwnFinding } from '../court/court.ts'
import { type Json, plainJson } from '../prooflog/entry.ts'
import { coverBy } from '../sample/cover.ts'
import type { DrawnAnswer } from './audits.ts'
import type { Bench, Identity } from './bench.ts'
import type { CheckResult } from './checks.ts'
import type { KnownReceipt } from './ledger.ts'
import type { Opinions } from './opinions.ts'

/** A verdict as the proof log keeps it: enough to open its answer after a restart. */
export interface VerdictRecord {
  sampleId: Hex
  transcoder: Hex
  streamId: Hex
  requester: Hex
  completedAt: number
  outcome: Outcome
  faultClass: 'D1' | 'D2' | 'D3' | null
  /** Chain time at which a look that may be voted on began; none for an everyday check. */
  provenAt?: number
  /** A deeper look for a case, at what was answered before: its answer is never said. */
  again?: true
  /** JSON of the answer, salt included; null where nothing is said (no key). */
  answer: Record<string, string | number> | null
  deadline: string
  drawProof: Hex
  beacon: Hex
  /** Of a stream whose pictures are not shown. */
  private?: true
  /** What the check cost, for the operator's budget; records of older versions lack it. */
  cost?: { atSec: number; seconds: number; bytes: number }
  /** Reasons, measures and facts, for people and for the bundle. */
  verdict: Json
}

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
  /** Takes up verdicts of an earlier run whose answer was never opened. */
  resume(record: VerdictRecord, opened: boolean): Promise<void>
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
const SEALS = 100_000

/** Milliseconds before something that was held back is tried again. */
const HELD_BACK_MS = 3_000
/** Our disk cannot be written, or the log is not to be trusted, for now or for good. */
const HELD_BACK = ['log-write', 'guard-write', 'guard-open', 'not-acting']

function isHeldBack(error: unknown): boolean {
  return isFishermanError(error) && HELD_BACK.includes(error.code)
}

export function createAnswerStage(bench: Bench, deps: AnswerStageDeps): AnswerStage {
  const seals = new Map<Hex, Map<Hex, Statement<'sealed'>>>()
  const opened = new Map<Hex, Map<Hex, { outcome: Outcome; fingerprint: Hex }>>()
  const { opinions } = deps
  bench.ledger.onForget(({ digest, rendition, sampleId }) => {
    seals.delete(sampleId)
    opened.delete(sampleId)
    bench.court.forgetSample(digest, rendition)
  })
  let orphans: { answer: Statement<'answer'>; sinceSec: number }[] = []

  /** What a full disk keeps us from writing is neither lost nor said unwritten: it waits. */
  async function patiently(what: string, work: () => Promise<void>, isFirst = true): Promise<void> {
    try {
      await work()
    } catch (error) {
      if (bench.signal.aborted || !isHeldBack(error)) throw error
      if (isFirst) bench.logger.warn('Kept back until our disk can be written', { what, reason: messageOf(error) })
      bench.later(HELD_BACK_MS, what, () => patiently(what, work, false))
    }
  }

  async function submit(result: CheckResult): Promise<void> {
    let tries = 0
    await patiently('verdict', async () => await write(result, tries++ > 0))
  }

  /** A write that failed may lie there after all: then that verdict counts, with the salt that it was written with. */
  async function writtenBefore({ task }: CheckResult): Promise<VerdictRecord | undefined> {
    const { transcoder } = task.known.receipt.receipt
    const verdicts = await bench.log.find({ kind: 'verdict', orchestrator: transcoder })
    return verdicts
      .map(({ payload }) => payload as unknown as VerdictRecord)
      .findLast(({ sampleId, again }) => sampleId === task.sampleId && again === task.again)
  }

  async function write(result: CheckResult, isAgain: boolean): Promise<void> {
    const { task, outcome, faultClass } = result
    const { identity, chain, params } = bench
    const { receipt, digest } = task.known.receipt
    const answer: Answer = {
      sampleId: task.sampleId,
      receiptDigest: digest,
      rendition: task.rendition,
      outcome: outcomeNumber(outcome),
      evidenceHash: result.evidenceHash,
      fingerprint: result.fingerprint,
      verdictVersion: VERDICT_VERSION,
      salt: bench.randomHash(),
    }
    const before = isAgain ? await writtenBefore(result) : undefined
    if (before) return await judged(result, before, before.answer ? structFromJson('Answer', before.answer) : answer)
    // A replay answers a fail that is open already: nobody is left to hide it from.
    const waitSeconds = task.sample ? params.openAfterSeconds : 0
    const record: VerdictRecord = {
      sampleId: task.sampleId,
      transcoder: receipt.transcoder,
      streamId: receipt.streamId,
      requester: receipt.requester,
      completedAt: Number(receipt.completedAt),
      outcome,
      faultClass: faultClass ?? null,
      ...(result.provenAtSec === undefined ? {} : { provenAt: result.provenAtSec }),
      ...(task.again ? { again: true } : {}),
      answer: identity ? structToJson('Answer', answer) : null,
      deadline: String(Math.floor(chain.nowSec()) + waitSeconds),
      drawProof: task.sample ? encodeDrawProof(task.sample.proof) : '0x',
      beacon: task.beacon,
      ...(task.known.receipt.isPrivate ? { private: true } : {}),
      cost: result.cost,
      verdict: verdictJson(result),
    }
    const append = () => bench.log.append('verdict', record as unknown as Json)
    await bench.writeAhead.run('verdict', outcome, append, () => judged(result, record, answer))
  }

  /** The verdict is on disk: now it counts, and is said. */
  async function judged(result: CheckResult, record: VerdictRecord, answer: Answer): Promise<void> {
    const { task, outcome } = result
    const { receipt } = task.known.receipt
    if (!task.again) {
      bench.tally.verdict(record)
      bench.scores?.check(record)
      bench.metrics.verdict(outcome, bench.chain.nowSec() - record.completedAt)
    }
    bench.logger.info(task.again ? 'Looked again for a case' : 'Checked', {
      transcoder: receipt.transcoder,
      seq: receipt.seq,
      rendition: task.rendition,
      outcome,
      ...(task.sample ? { tranche: task.sample.tranche } : { replay: true }),
      ...(result.missing ? { missing: result.missing } : {}),
      ...(result.verdict && outcome !== 'pass' ? { reasons: result.verdict.reasons.map(({ code }) => code).join(',') } : {}),
    })
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
    keepSeal(sealed)
    await bench.say(sealed)
    // We know it now, whenever others do: a case about it is credible to us from here on.
    const finding = ownFinding(me, record, answer)
    bench.court.recordOwn(finding)
    if (record.drawProof === '0x') compare(sampleId, record.outcome)
    const open = async () => {
      if (finding.faultClass) await deps.freeze(finding)
      await bench.say(await identity.attester.answer(answer))
      keepOpened(sampleId, me, answer)
      deps.onFinding(finding)
    }
    const waitMs = Math.max(0, (Number(record.deadline) - bench.chain.nowSec()) * 1000)
    bench.later(waitMs, 'open', () => patiently('open', open))
  }

  function receive(statement: Statement<'sealed'> | Statement<'answer'>): void {
    if (statement.kind === 'sealed') {
      keepSeal(statement as Statement<'sealed'>)
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
    const sealed = seals.get(body.sampleId)?.get(signer)
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
    for (const [other, { fingerprint }] of opened.get(body.sampleId) ?? [])
      if (other !== signer && fingerprint === body.fingerprint && fingerprint !== ZERO_HASH)
        opinions.blame('copied', signer, body.sampleId)
    keepOpened(body.sampleId, signer, body)
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
    for (const [member, sealed] of seals.get(sampleId) ?? []) {
      const outcome = opened.get(sampleId)?.get(member)?.outcome
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

  async function resume(record: VerdictRecord, wasOpened: boolean): Promise<void> {
    if (!record.again) {
      bench.tally.verdict(record)
      bench.scores?.check(record)
    }
    if (!bench.address || !record.answer) return
    const answer = structFromJson('Answer', record.answer)
    if (wasOpened || record.again) bench.court.recordOwn(ownFinding(bench.address, record, answer))
    else
      bench.onSigning(async () => {
        const { identity } = bench
        if (identity) await speak(identity, record, answer)
      })
  }

  function keepSeal(statement: Statement<'sealed'>): void {
    const known = seals.get(statement.body.sampleId) ?? new Map<Hex, Statement<'sealed'>>()
    if (!known.has(statement.signer)) known.set(statement.signer, statement)
    seals.set(statement.body.sampleId, known)
    if (seals.size > SEALS) seals.delete(seals.keys().next().value as Hex)
  }

  /**
   * Our replay against what others said before: near a line doubt is nobody's fault, but a clear pass overturns a fail. Saying `pass` too earns
   * nothing: whoever never works says that as well, and only an audit sees the difference.
   */
  function compare(sampleId: Hex, mine: Outcome): void {
    for (const [member, { outcome }] of opened.get(sampleId) ?? [])
      if (member !== bench.address && outcome === 'fail' && mine === 'pass') opinions.blame('framing', member, sampleId)
      else if (member !== bench.address && outcome === 'fail' && mine === 'fail') opinions.agree(member)
  }

  function keepOpened(sampleId: Hex, member: Hex, answer: Answer): void {
    const outcome = OUTCOMES[answer.outcome]
    if (!outcome) return
    const known = opened.get(sampleId) ?? new Map<Hex, { outcome: Outcome; fingerprint: Hex }>()
    if (!known.has(member)) known.set(member, { outcome, fingerprint: answer.fingerprint })
    opened.set(sampleId, known)
    if (opened.size > SEALS) opened.delete(opened.keys().next().value as Hex)
  }

  const sealsOf = (sampleId: Hex): ReadonlyMap<Hex, Statement<'sealed'>> => seals.get(sampleId) ?? new Map()

  return {
    ...{ submit, receive, retry, coverOf, resume, sealsOf },
    about: (sampleId) =>
      [...sealsOf(sampleId)].map(([member, { body, extra }]) => {
        const outcome = opened.get(sampleId)?.get(member)?.outcome
        return {
          ...{ member, deadlineSec: Number(body.deadline), isReplay: extra === '0x', isTrusted: opinions.trusts(member) },
          ...(outcome ? { outcome } : {}),
        }
      }),
  }
}

function ownFinding(fisherman: Hex, record: VerdictRecord, answer: Answer): OwnFinding {
  return {
    fisherman,
    transcoder: record.transcoder,
    receiptDigest: answer.receiptDigest,
    streamId: record.streamId,
    rendition: answer.rendition,
    outcome: record.outcome,
    completedAt: record.completedAt,
    fingerprint: answer.fingerprint,
    ...(record.faultClass ? { faultClass: record.faultClass } : {}),
    ...(record.provenAt === undefined ? {} : { provenAtSec: record.provenAt }),
  }
}

/** What the log and the bundle keep of a verdict; numbers that JSON lacks become null. */
export function verdictJson({ verdict, missing }: Pick<CheckResult, 'verdict' | 'missing'>): Json {
  if (!verdict) return { missing: missing ?? 'nothing was judged' }
  const { reasons, measures, fingerprint, facts, faultClass, worstFrames } = verdict
  return plainJson({ reasons, measures, fingerprint, facts, class: faultClass ?? null, worst: worstFrames })
}
