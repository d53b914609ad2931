import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach } from 'vitest'
import { systemClock } from '../../src/base/clock.ts'
import { createJudge } from '../../src/judge.ts'
import { createLivepeerClient } from '../../src/livepeer/client.ts'
import { createPayerFactory } from '../../src/livepeer/payment.ts'
import { openProbeFindings } from '../../src/pipeline/probe-findings.ts'
import type { ProberDeps, ProberInit, ProbeTarget } from '../../src/pipeline/prober.ts'
import { createScoreBook, type ScoreBook } from '../../src/pipeline/score-book.ts'
import type { AnsweredSegment } from '../../src/pipeline/unreceipted.ts'
import { createBudget } from '../../src/sample/budget.ts'
import type { NodeFacts } from '../../src/score/score.ts'
import { DOMAIN, wallet } from '../helpers/fixtures.ts'
import { personalSigner } from '../livepeer/fixtures.ts'
import { createOrchestrator, type Orchestrator } from '../livepeer/orchestrator.ts'

/** Chain time of these tests, and all of it. */
export const NOW = 1_000_000
const span = { sinceSec: 0, untilSec: 2 * NOW }

export interface Probed {
  home: string
  scratchDir: string
  node: Orchestrator
  book: ScoreBook
  /** Segments that wait for their receipt. */
  expected: AnsweredSegment[]
  /** Lines of the log. */
  said: [text: string, fields: Record<string, unknown>][]
  newFile(): string
  init(): ProberInit
  target(): ProbeTarget
  facts(): NodeFacts | undefined
  seen(): ReturnType<ScoreBook['of']>
  lines(): string[]
  deps(file?: string, changes?: Partial<ProberDeps>): Promise<ProberDeps>
}

/** A real node of another program's bytes, new for each test, real ffmpeg, a real judge; only the time of the chain is held still. */
export function createProbed(): Probed {
  let files = 0
  const site: Probed = {
    home: '',
    scratchDir: '',
    node: undefined as unknown as Orchestrator,
    book: createScoreBook(),
    expected: [],
    said: [],
    newFile: () => join(site.home, `findings-${++files}.ndjson`),
    init: () => ({
      ...{ domain: DOMAIN, perDay: 5, segments: 1, segmentSec: 1, maxHeight: 360, scratchDir: site.scratchDir },
    }),
    target: () => ({ transcoder: site.node.address, uri: site.node.origin }),
    facts: () => site.book.facts(span).get(site.node.address),
    seen: () => site.book.of(site.node.address, span),
    lines: () => site.said.map(([text]) => text),
    async deps(file = site.newFile(), changes = {}) {
      const signer = personalSigner(wallet(40))
      const limits = { maxPrice: { wei: 1n, pixels: 1n }, maxTicketEvWei: 1n, maxFaceValueWei: 1n }
      const createPayer = createPayerFactory(limits, { signer, ledger: { spend: async () => undefined } })
      const client = createLivepeerClient({ mayConnect: () => true, signer, createPayer }, { clock: systemClock })
      const tell = (text: string, fields = {}) => void site.said.push([text, fields])
      return {
        ...{ clock: systemClock, nowSec: () => NOW, random: () => 0.5, streamName: () => 'abcd0123', client: () => client },
        targets: () => [site.target()],
        judge: createJudge({ scratchDir: join(site.home, 'judge'), searchPath: process.env.PATH ?? '', maxJobs: 1 }),
        findings: await openProbeFindings(file, site.book),
        isFollowed: () => true,
        receipts: { expect: (segment) => void site.expected.push(segment) },
        budget: createBudget({ secondsPerDay: 1_000, bytesPerDay: 1e9 }),
        paused: () => false,
        logger: { debug: tell, info: tell, warn: tell, error: tell },
        ...changes,
      }
    },
  }
  beforeAll(async () => {
    site.home = await mkdtemp(join(tmpdir(), 'fisherman-test-probed-'))
    site.scratchDir = join(site.home, 'scratch')
  })
  afterAll(() => rm(site.home, { recursive: true, force: true }))
  beforeEach(async () => {
    site.node = await createOrchestrator({})
    site.book = createScoreBook()
    site.expected = []
    site.said = []
  })
  afterEach(() => site.node.close())
  return site
}
