import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import type { Profile } from '../../proofs/types.ts'
import { against } from '../../src/judge/compare.ts'
import { createJudge } from '../../src/judge.ts'
import { outputSize } from '../../src/transcode/size.ts'
import { sourceDoubts } from '../../src/verdict/source.ts'
import { type Baselines, baselinesOf, JUDGES } from './baselines.ts'
import { build } from './cache.ts'
import type { Job, RenditionClass } from './classes.ts'
import { FRAUD, LARGE } from './fraud.ts'
import { heldOut } from './held-out.ts'
import { ASIDE, HONEST } from './honest.ts'
import { createMeasurer, decideAt, engineHash, type Measured, type Subject } from './measured.ts'
import { printReport } from './print.ts'
import { classLines, otherTools, type Row, targetsOf } from './report.ts'
import { type Segment, segmentsOf } from './segments.ts'

/** Rungs in real use: built-in profiles of go-livepeer and the usual ladder of its hosted service, smallest first. */
const RUNGS = [
  { width: 426, height: 240, bitrate: 600_000 },
  { width: 640, height: 360, bitrate: 800_000 },
  { width: 854, height: 480, bitrate: 1_600_000 },
] as const
const HD = { width: 1280, height: 720, bitrate: 3_000_000 } as const
/** The lowest rung of the hosted ladder, at its own meagre rate. */
const LOW = { width: 426, height: 240, bitrate: 250_000 } as const

type Rung = { width: number; height: number; bitrate: number }

interface Subjected extends Subject {
  segment: Segment
  cls: RenditionClass
}

function jobOf(segment: Segment, rung: Rung, cls: RenditionClass): { job: Job; profile: Profile } {
  const profile: Profile = {
    ...{ fpsNum: 0, fpsDen: 1, codec: 0, h264Profile: 0, gopMs: 0, container: 0, quality: 0 },
    ...rung,
    ...cls.profile,
  }
  return { job: { segment, bitrate: rung.bitrate, ...outputSize(segment.facts, profile) }, profile }
}

/** Every segment at one rung with all classes, the honest ones at each rung that it fills, and the large tricks at 720 lines. */
function plan(segments: readonly Segment[], wanted: RegExp): { segment: Segment; rung: Rung; cls: RenditionClass }[] {
  const all = [...HONEST, ...ASIDE, ...FRAUD]
  return segments.flatMap((segment, i) => {
    const { width, height } = segment.facts
    const fits = (rung: Rung): boolean => Math.max(width, height) >= Math.max(rung.width, rung.height)
    const rungs = RUNGS.filter(fits)
    const tiny = { width, height, bitrate: 200_000 }
    const main = rungs[i % Math.max(1, rungs.length)] ?? tiny
    const classes = segment.derived ? all.filter((cls) => cls.core) : all
    const ladder = segment.derived ? [] : [...rungs, LOW, HD].filter((rung) => rung !== main && fits(rung))
    const named =
      (name: string): ((cls: RenditionClass) => boolean) =>
      (cls) =>
        cls.name === name
    return [
      ...classes.map((cls) => ({ segment, rung: main, cls })),
      ...ladder.flatMap((rung) =>
        ['veryfast', 'medium'].flatMap((name) => HONEST.filter(named(name)).map((cls) => ({ segment, rung, cls }))),
      ),
      ...(segment.derived ? [] : LARGE.map((cls) => ({ segment, rung: HD, cls }))),
    ].filter(({ cls, rung }) => wanted.test(cls.name) && (cls.applies?.(jobOf(segment, rung, cls).job) ?? true))
  })
}

/** Not even our own re-transcode has fine detail there: whatever is done to it, nobody sees a difference. */
function hasNothingToLose({ own, controls }: Measured): boolean {
  return own !== undefined && controls.length > 0 && against(own, controls).quality.detailOwn === undefined
}

function rowsOf(subject: Subjected, measured: Measured, baselines: Baselines | undefined): Row[] {
  const others = baselines ? Object.fromEntries(Object.entries(JUDGES).map(([tool, says]) => [tool, says(baselines)])) : {}
  return (['check', 'prove'] as const).map((depth) => {
    const { decision, input, again } = decideAt(measured, depth)
    const doubt = sourceDoubts({ ...input, depth: 'prove' })[0]
    return {
      segment: subject.segment.id,
      origin: subject.segment.origin,
      name: subject.cls.name,
      group: subject.cls.group,
      kind: subject.cls.kind,
      noWork: subject.cls.noWork ?? false,
      depth,
      verdict: decision.verdict,
      faultClass: decision.faultClass,
      reasons: decision.reasons.map(({ code, class: of, value, limit }) => ({ code, class: of, value, limit })),
      measures: decision.measures as Row['measures'],
      leftOut: doubt?.code ?? (hasNothingToLose(measured) ? 'featureless' : undefined),
      unsound: doubt?.class === 'source',
      again,
      others,
    }
  })
}

const { values } = parseArgs({
  options: {
    corpus: { type: 'string' },
    cache: { type: 'string', default: 'dist/bench-cache' },
    segments: { type: 'string', default: '.' },
    classes: { type: 'string', default: '.' },
    json: { type: 'boolean', default: false },
    missed: { type: 'boolean', default: false },
    engine: { type: 'string' },
    'no-others': { type: 'boolean', default: false },
    'leave-one-out': { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
})

const HELP = `npm run bench:detect -- --corpus DIR [options]

Builds honest and fraudulent renditions of every clip in DIR, judges them at check and prove, and prints how many of each class
fail, are inconclusive and pass, beside what other tools say of the same files.

  --corpus DIR      folder of clips (default: FISHERMAN_CORPUS/natural, then ../shared/corpus/natural)
  --cache DIR       what was built and measured before (default: dist/bench-cache)
  --segments RE     only segments whose name matches
  --classes RE      only classes whose name matches
  --missed          list every rendition that was judged wrongly, with the measures
  --leave-one-out   set the lines by the honest work of all other origins, and try them on each
  --engine HASH     try the lines on what an earlier state of the engine measured
  --no-others       do not ask the other tools, which takes as long as all the rest
  --json            one JSON object instead of tables
`

async function main(): Promise<number> {
  if (values.help) {
    console.log(HELP)
    return 0
  }
  const corpus = values.corpus ?? join(process.env.FISHERMAN_CORPUS ?? '../shared/corpus', 'natural')
  const cache = resolve(values.cache)
  const say = (text: string): void => {
    if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${text}`)
  }
  say('cutting segments')
  const segments = (await segmentsOf(corpus, join(cache, 'segments'))).filter(({ id }) => new RegExp(values.segments).test(id))
  const planned = plan(segments, new RegExp(values.classes))
  let built = 0
  const subjects = await Promise.all(
    planned.map(async ({ segment, rung, cls }): Promise<Subjected> => {
      const { job, profile } = jobOf(segment, rung, cls)
      const inputs = { source: segment.path, other: segment.other, ...(segment.before ? { before: segment.before } : {}) }
      const path = await build(join(cache, 'renditions'), cls.extension ?? 'ts', cls.runs(job), inputs)
      say(`building renditions ${++built} of ${planned.length}`)
      return { path, source: segment.path, profile, segment, cls }
    }),
  )
  let measuredCount = 0
  const measurer = createMeasurer({
    judge: createJudge({
      scratchDir: join(tmpdir(), `fisherman-detect-${process.pid}`),
      searchPath: process.env.PATH ?? '',
      maxJobs: 2,
    }),
    cacheDir: join(cache, 'measured'),
    engine: values.engine ?? engineHash(resolve('.')),
    onDone: () => say(`measuring ${++measuredCount} of ${subjects.length}`),
  })
  const measured = await measurer.measure(subjects)
  let asked = 0
  const baselines = values['no-others']
    ? []
    : await Promise.all(
        subjects.map(async ({ source, path, profile, segment }) => {
          const claim = { ...outputSize(segment.facts, profile), profile }
          const found = await baselinesOf(join(cache, 'baselines'), source, path, claim)
          say(`asking other tools about ${++asked} of ${subjects.length}`)
          return found
        }),
      )
  say('')
  const rows = subjects.flatMap((subject, i) => {
    const found = measured[i]
    return found ? rowsOf(subject, found, baselines[i]) : []
  })
  const result = {
    segments: segments.length,
    renditions: subjects.length,
    classes: classLines(rows),
    targets: targetsOf(rows),
    others: otherTools(rows),
    ...(values['leave-one-out'] ? { heldOut: heldOut(rows) } : {}),
  }
  if (values.json) console.log(JSON.stringify({ ...result, rows }))
  else printReport(result, rows, { missed: values.missed })
  return result.targets.every(({ ok }) => ok) ? 0 : 1
}

process.exitCode = await main()
