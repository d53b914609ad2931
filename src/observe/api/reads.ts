import type { z } from 'zod'
import type { Hex } from '../../../proofs/types.ts'
import { afterStep, type CaseStanding } from '../../prooflog/cases.ts'
import { canonicalJson, type Entry, entryHash, type Json } from '../../prooflog/entry.ts'
import type { ProofLog, Query } from '../../prooflog/log.ts'
import { LINES } from '../../verdict/lines.ts'
import { Problem } from './problem.ts'
import type * as schema from './schemas.ts'

type Fields = Readonly<Record<string, unknown>>
export type Page = z.infer<typeof schema.pageQuery>
type Answer<S extends z.ZodType> = z.infer<S>

/** Verdicts of one orchestrator that its plot shows. */
const HISTORY = 200
/** Entries of one case that its timeline shows. */
const STEPS = 200
/** Entries that are read at once where most of them may be passed over. */
const CHUNK = 100

/** The log as the API tells it; every question is answered from its indexes. */
export type LogReads = ReturnType<typeof createReads>

export function createReads(log: ProofLog) {
  /** One entry more than asked for says whether there is another page. */
  async function page(query: Query, { limit, cursor }: Page): Promise<{ found: Entry[]; next: string | null }> {
    const below = cursor === undefined ? {} : { below: Number(cursor) }
    const found = (await log.find({ ...query, ...below, limit: limit + 1 })).reverse()
    const more = found.length > limit
    const items = found.slice(0, limit)
    return { found: items, next: more ? String(items.at(-1)?.seq ?? 0) : null }
  }

  /** `case` entries below a number, newest first. */
  async function* steps(below: number): AsyncGenerator<Entry> {
    for (let from = below; from > 0; ) {
      const found = await log.find({ kind: 'case', below: from, limit: CHUNK })
      yield* found.toReversed()
      from = found.length < CHUNK ? 0 : (found[0]?.seq ?? 0)
    }
  }

  /** Newest entry of a case below a number, and where the case stands by all of them; undefined where there are none. */
  async function caseBelow(faultId: string, below: number): Promise<[Entry, CaseStanding] | undefined> {
    const all = await log.find({ kind: 'case', faultId, below })
    const newest = all.at(-1)
    const standing = all.reduce<CaseStanding | undefined>(afterStep, undefined)
    return newest && standing && [newest, standing]
  }

  return {
    async samples(query: Pick<Query, 'outcome' | 'orchestrator'>, asked: Page): Promise<Answer<typeof schema.samples>> {
      const { found, next } = await page({ kind: 'verdict', ...query }, asked)
      return { items: found.map(sampleOf), next }
    },
    async history(orchestrator: string): Promise<Answer<typeof schema.sample>[]> {
      return (await log.find({ kind: 'verdict', orchestrator, limit: HISTORY })).reverse().map(sampleOf)
    },
    /** The entry of one verdict. */
    async verdict(seq: number): Promise<Entry> {
      const entry = await log.read(seq)
      if (entry.kind !== 'verdict') throw new Problem(404, `entry ${seq} of the log is no verdict`)
      return entry
    },
    /**
     * Cases in the order of their last steps, each once over all pages: a cursor names the entries that the log had when the first page was asked
     * for, so that a case which goes on meanwhile neither comes twice nor is passed over.
     */
    async cases({ limit, cursor }: Page): Promise<Answer<typeof schema.cases>> {
      const { size } = log.head()
      const [asOf = size, below = size] = cursor?.split('-').map(Number) ?? []
      const items: Answer<typeof schema.oneCase>[] = []
      const seen = new Set<string>()
      for await (const { seq, payload } of steps(below)) {
        const faultId = text((payload as Fields).faultId)
        if (faultId === null || seen.has(faultId)) continue
        seen.add(faultId)
        const found = await caseBelow(faultId, asOf)
        // On an earlier page a later step stood for it.
        if (found?.[0].seq !== seq) continue
        const last = items.at(-1)
        if (last && items.length === limit) return { items, next: `${asOf}-${last.seq}` }
        items.push(caseOf(...found))
      }
      return { items, next: null }
    },
    async story(faultId: string): Promise<Omit<Answer<typeof schema.caseStory>, 'rebuttal'>> {
      const { size } = log.head()
      const found = await caseBelow(faultId, size)
      if (!found) throw new Problem(404, 'no case of this fault is in the log')
      const timeline = (await log.find({ faultId, below: size, limit: STEPS })).map(stepOf)
      return { ...caseOf(...found), rebuttalHash: found[1].rebuttalHash, timeline }
    },
    async entries(query: Pick<Query, 'kind'>, asked: Page): Promise<Answer<typeof schema.entries>> {
      const { found, next } = await page(query, asked)
      const { size, root } = log.head()
      return { items: found.map(aboutOf), next, head: { size, root } }
    },
    async proven(seq: number): Promise<Answer<typeof schema.provenEntry>> {
      const { size, root } = log.head()
      const text = canonicalJson((await log.read(seq)) as unknown as Json)
      return { seq, text, leaf: entryHash(text), size, root, path: await log.proveInclusion(seq, size) }
    },
  }
}

/** Evidence hash that a verdict's own answer names; an observer's has none. */
export function evidenceOf({ payload }: Entry): Hex | null {
  const { answer } = payload as { answer?: { evidenceHash?: Hex } | null }
  return answer?.evidenceHash ?? null
}

/** Of a stream whose owner wants no pictures of it shown. */
export function isPrivate({ payload }: Entry): boolean {
  return (payload as Fields).private === true
}

export function sampleOf({ seq, at, payload }: Entry): Answer<typeof schema.sample> {
  const fields = payload as Fields
  const { outcome } = payload as { outcome: Answer<typeof schema.sample>['outcome'] }
  return {
    ...{ seq, atMs: at, sampleId: text(fields.sampleId) ?? '', orchestrator: text(fields.transcoder) ?? '' },
    ...{ streamId: text(fields.streamId) ?? '', outcome, faultClass: text(fields.faultClass) },
  }
}

/** Measures that have a line, and reasons, in the order of how near they come to it. */
export function judgedOf({
  payload,
}: Entry): Pick<Answer<typeof schema.oneSample>, 'measures' | 'reasons' | 'missing' | 'verdict'> {
  const verdict = ((payload as { verdict?: unknown }).verdict ?? {}) as Fields
  const reasons = (Array.isArray(verdict.reasons) ? (verdict.reasons as Fields[]) : []).map((reason) => ({
    ...{ code: text(reason.code) ?? '', value: number(reason.value) ?? 0, limit: number(reason.limit) },
    ...{ sees: text(reason.sees) ?? '', frame: number(reason.frame) },
  }))
  const values = { ...((verdict.measures ?? {}) as Fields) }
  const frames = new Map(reasons.map(({ code, frame }) => [code, frame]))
  for (const { code, value } of reasons) values[code] ??= value
  const measures = Object.entries(LINES).flatMap(([code, line]) => {
    const value = number(values[code])
    if (value === null) return []
    const fraud = Number.isFinite(line.fraud) ? line.fraud : null
    return [{ code, class: line.class, value, sees: line.sees, clear: line.clear, fraud, frame: frames.get(code) ?? null }]
  })
  const share = ({ value, clear, fraud }: (typeof measures)[number]) => value / (fraud || clear || 1)
  return { reasons, measures: measures.sort((a, b) => share(b) - share(a)), missing: text(verdict.missing), verdict }
}

function caseOf({ seq, at }: Entry, standing: CaseStanding): Answer<typeof schema.oneCase> {
  const { faultId, transcoder, faultClass, state, evidenceHash, amount } = standing
  return { faultId, orchestrator: transcoder, faultClass, state, evidenceHash, amountWei: amount, updatedMs: at, seq }
}

function stepOf({ seq, at, kind, payload }: Entry): Answer<typeof schema.caseStory>['timeline'][number] {
  const fields = payload as Fields
  const result = (fields.result ?? {}) as Fields
  const what = text(fields.state) ?? text(fields.action) ?? text(fields.kind) ?? kind
  return { seq, atMs: at, kind, what, tx: text(fields.tx) ?? text(result.tx) ?? text(result.hash) }
}

function aboutOf({ seq, at, kind, payload }: Entry): Answer<typeof schema.entry> {
  const fields = payload as Fields
  const about = [fields.outcome, fields.state, fields.action, fields.kind].map(text).find((word) => word !== null) ?? null
  return { seq, atMs: at, kind, about }
}

function text(value: unknown): string | null {
  return typeof value === 'string' ? value : null
}

function number(value: unknown): number | null {
  return typeof value === 'number' && Number.isFinite(value) ? value : null
}
