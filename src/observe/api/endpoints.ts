import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { z } from 'zod'
import type { Hex } from '../../../proofs/types.ts'
import { readBundlePart } from '../../prooflog/bundle.ts'
import type { Entry } from '../../prooflog/entry.ts'
import { BUNDLE_ENDING } from '../../prooflog/evidence.ts'
import type { PublishedDataset } from '../datasets.ts'
import { idleAnswer } from './idle.ts'
import { Problem } from './problem.ts'
import { evidenceOf, isPrivate, judgedOf, type LogReads, sampleOf } from './reads.ts'
import * as schema from './schemas.ts'

/** What the daemon knows besides its log. */
export interface ApiSource {
  reads: LogReads
  bundleDir: string
  /** Pictures of private streams are shown too: the operator wants it so. */
  showPrivate?: boolean
  summary(): Promise<z.infer<typeof schema.summary>>
  orchestrators(): Readonly<Record<string, Omit<z.infer<typeof schema.orchestrator>, 'address'>>>
  peers(): readonly unknown[]
  network(): z.infer<typeof schema.network>
  /** Why a receipt is looked at, and by whom; undefined for one that is not known here. */
  explain(digest: Hex): Promise<unknown>
  /** Source, control and claimed rendition of this evidence as one picture; drawn where it was not yet. */
  film(evidenceHash: Hex): Promise<(z.infer<typeof schema.film> & { file: string }) | 'busy' | undefined>
  /** What the accused said, by the hash that stands on the chain; undefined where it is not to be had. */
  rebuttal(hash: Hex): Promise<string | undefined>
  /** Scores by a preset, or by Livepeer's own formula; undefined where none are made. */
  scores?(preset: string | undefined): z.infer<typeof schema.scores>
  /** The newest dataset of who earns without working; undefined where none was published. */
  idle(): Promise<PublishedDataset | undefined>
  /** Evidence hash of a sample that a feed still shows. */
  evidenceHash(sampleId: Hex): Hex | undefined
}

export type Picture = 'image/png' | 'image/webp'

/** One question of the API: its address, what may be asked, what is answered. */
export interface Endpoint {
  /** As fastify and, with braces, OpenAPI write it. */
  path: string
  about: string
  params?: z.ZodObject
  query?: z.ZodObject
  /** JSON by this schema, or a picture. */
  answer: z.ZodType | Picture
  handle(asked: { params: unknown; query: unknown }): Promise<unknown>
}

const MAX_SHEET = 32 << 20
const NONE = { receipts: 0, checked: 0, pass: 0, fail: 0, inconclusive: 0, withheld: 0, withheldAgreed: 0, evidenceScore: 0 }

export function endpointsOf(source: ApiSource): Endpoint[] {
  const { reads } = source
  const file = (hash: Hex) => join(source.bundleDir, `${hash}${BUNDLE_ENDING}`)
  const sheet = async (hash: Hex | null) => (hash === null ? undefined : await sheetOf(file(hash)))

  const evidenceHashOf = (entry: Entry): Hex | null =>
    evidenceOf(entry) ?? source.evidenceHash(sampleOf(entry).sampleId as Hex) ?? null

  async function oneSample(seq: number): Promise<z.infer<typeof schema.oneSample>> {
    const entry = await reads.verdict(seq)
    const sample = sampleOf(entry)
    const evidenceHash = evidenceHashOf(entry)
    const hasSheet = !isHidden(entry) && (await sheet(evidenceHash)) !== undefined
    return { ...sample, ...judgedOf(entry), evidenceHash, hasSheet, isHidden: isHidden(entry) }
  }

  const isHidden = (entry: Entry) => isPrivate(entry) && !source.showPrivate

  /** The verdict, where its pictures may be shown. */
  async function shown(seq: number): Promise<Entry> {
    const entry = await reads.verdict(seq)
    if (isHidden(entry)) throw new Problem(403, 'this stream is private: its pictures are shown with http.showPrivate only')
    return entry
  }

  async function filmOf(seq: number): Promise<z.infer<typeof schema.film> & { file: string }> {
    const evidenceHash = evidenceHashOf(await shown(seq))
    const found = evidenceHash === null ? undefined : await source.film(evidenceHash).catch(() => undefined)
    if (found === 'busy') throw new Problem(503, 'other films are being drawn; ask again in a few seconds')
    if (!found) throw new Problem(404, 'there are no pictures: the evidence was not kept, was removed, or cannot be decoded')
    return found
  }

  return [
    {
      path: '/summary',
      about: 'What was checked, found, spent and earned',
      answer: schema.summary,
      handle: () => source.summary(),
    },
    {
      path: '/orchestrators',
      about: 'All that were seen, those with the most evidence against them first',
      query: schema.pageQuery,
      answer: schema.orchestrators,
      async handle({ query }) {
        const { limit, cursor } = query as z.infer<typeof schema.pageQuery>
        const from = Number(cursor ?? 0)
        const all = Object.entries(source.orchestrators()).map(([address, tally]) => ({ ...tally, address }))
        all.sort((a, b) => b.evidenceScore - a.evidenceScore || b.checked - a.checked || (a.address < b.address ? -1 : 1))
        return { items: all.slice(from, from + limit), next: from + limit < all.length ? String(from + limit) : null }
      },
    },
    {
      path: '/orchestrators/:address',
      about: 'One of them with its newest verdicts',
      params: schema.addressParams,
      answer: schema.oneOrchestrator,
      async handle({ params }) {
        const { address } = params as z.infer<typeof schema.addressParams>
        const tally = source.orchestrators()[address]
        const history = await reads.history(address)
        if (!tally && history.length === 0) throw new Problem(404, 'no feed or verdict names this orchestrator')
        return { ...(tally ?? NONE), address, history }
      },
    },
    {
      path: '/scores',
      about: 'Scores of all orchestrators, best first, with samples, intervals and reasons',
      query: schema.scoresQuery,
      answer: schema.scores,
      async handle({ query }) {
        if (!source.scores) throw new Problem(404, 'no scores are made here')
        return source.scores((query as z.infer<typeof schema.scoresQuery>).preset)
      },
    },
    {
      path: '/idle',
      about: 'Who earns without working, by the newest dataset that was published here',
      answer: schema.idle,
      async handle() {
        const dataset = await source.idle()
        return { dataset: dataset ? idleAnswer(dataset) : null }
      },
    },
    {
      path: '/samples',
      about: 'Our verdicts, newest first',
      query: schema.samplesQuery,
      answer: schema.samples,
      async handle({ query }) {
        const { limit, cursor, outcome, orchestrator } = query as z.infer<typeof schema.samplesQuery>
        return await reads.samples(
          { ...(outcome ? { outcome } : {}), ...(orchestrator ? { orchestrator } : {}) },
          pageOf(limit, cursor),
        )
      },
    },
    {
      path: '/samples/:seq',
      about: 'One verdict: its measures beside their lines',
      params: schema.seqParams,
      answer: schema.oneSample,
      handle: ({ params }) => oneSample((params as z.infer<typeof schema.seqParams>).seq),
    },
    {
      path: '/samples/:seq/sheet.png',
      about: 'Its contact sheet: the worst frames of source, control and claimed rendition',
      params: schema.seqParams,
      answer: 'image/png',
      async handle({ params }) {
        const picture = await sheet(evidenceHashOf(await shown((params as z.infer<typeof schema.seqParams>).seq)))
        if (!picture) throw new Problem(404, 'no contact sheet was drawn, or its evidence was removed')
        return picture
      },
    },
    {
      path: '/samples/:seq/film',
      about:
        'What its film strip shows: a row for each column, a tile for each frame; the first time it is drawn, which takes seconds',
      params: schema.seqParams,
      answer: schema.film,
      async handle({ params }) {
        const { file: _, ...film } = await filmOf((params as z.infer<typeof schema.seqParams>).seq)
        return film
      },
    },
    {
      path: '/samples/:seq/film.webp',
      about: 'The film strip: source, control and claimed rendition at the same moments',
      params: schema.seqParams,
      answer: 'image/webp',
      handle: async ({ params }) => await readFile((await filmOf((params as z.infer<typeof schema.seqParams>).seq)).file),
    },
    {
      path: '/cases',
      about: 'Cases in the order of their last step, newest first',
      query: schema.casesQuery,
      answer: schema.cases,
      handle: ({ query }) => reads.cases(query as z.infer<typeof schema.casesQuery>),
    },
    {
      path: '/cases/:faultId',
      about: 'One case with its timeline, its transactions, and what the accused says',
      params: schema.faultParams,
      answer: schema.caseStory,
      async handle({ params }) {
        const story = await reads.story((params as z.infer<typeof schema.faultParams>).faultId)
        const { rebuttalHash } = story
        return { ...story, rebuttal: (rebuttalHash === null ? undefined : await source.rebuttal(rebuttalHash as Hex)) ?? null }
      },
    },
    {
      path: '/log',
      about: 'Entries of the proof log, newest first',
      query: schema.entriesQuery,
      answer: schema.entries,
      async handle({ query }) {
        const { limit, cursor, kind } = query as z.infer<typeof schema.entriesQuery>
        return await reads.entries(kind ? { kind } : {}, pageOf(limit, cursor))
      },
    },
    {
      path: '/log/:seq',
      about: 'One entry, with the path that proves that it is in the log',
      params: schema.seqParams,
      answer: schema.provenEntry,
      handle: ({ params }) => reads.proven((params as z.infer<typeof schema.seqParams>).seq),
    },
    {
      path: '/receipts/:digest/draws',
      about: 'Why the renditions of a receipt are looked at, and by whom, or not; draws are private until they are answered',
      params: schema.digestParams,
      answer: schema.draws,
      async handle({ params }) {
        const told = await source.explain((params as z.infer<typeof schema.digestParams>).digest as Hex)
        if (!told) throw new Problem(404, 'no feed that is followed here has shown this receipt lately')
        return told
      },
    },
    { path: '/peers', about: 'Links to peers', answer: schema.peers, handle: async () => ({ peers: source.peers() }) },
    {
      path: '/network',
      about: 'What a doctor of the network wants to know',
      answer: schema.network,
      handle: async () => source.network(),
    },
  ]
}

function pageOf(limit: number, cursor: string | undefined): z.infer<typeof schema.pageQuery> {
  return cursor === undefined ? { limit } : { limit, cursor }
}

async function sheetOf(bundle: string): Promise<Buffer | undefined> {
  // Where it is no file, or none that we can read, there is no picture.
  return await readBundlePart(bundle, /^notes\/sheet\.png$/, MAX_SHEET).catch(() => undefined)
}
