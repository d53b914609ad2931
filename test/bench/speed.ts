import { spawnSync } from 'node:child_process'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { createJudge } from '../../src/judge.ts'
import type { TranscodeInit } from '../../src/transcode/job.ts'
import { createWrapper, requireFfmpeg, trySandbox } from '../../src/transcode/sandbox.ts'
import { MEDIA_LIMITS } from '../../src/transcode/types.ts'
import { ladderOf } from './speed-media.ts'
import { partsOf } from './speed-parts.ts'
import { CAN_COUNT_CHILDREN, median, peakOf, type Usage, usageOf } from './speed-usage.ts'
import { bareDecode, checkWithoutBands, fullSsim, judged, reencode } from './speed-work.ts'
import { table } from './stats.ts'

// What a verdict costs beside the bare decode of the same files. Variants take turns within one run, so that whatever else the
// machine does falls on all of them; ratios are of CPU time of all processes, medians over the rounds.

const { values } = parseArgs({
  options: {
    corpus: { type: 'string' },
    cache: { type: 'string', default: join(tmpdir(), 'fisherman-bench') },
    rounds: { type: 'string', default: '5' },
    json: { type: 'boolean', default: false },
    parts: { type: 'boolean', default: false },
    memory: { type: 'boolean', default: false },
  },
})
const say = (text: string): void => {
  if (!values.json) console.log(text)
}
const scratchDir = join(tmpdir(), `fisherman-bench-${process.pid}`)
const searchPath = join(scratchDir, 'bin')
const init: TranscodeInit = { ffmpegPath: 'ffmpeg', searchPath, scratchDir, limits: MEDIA_LIMITS }
const corpus = values.corpus ?? resolve(import.meta.dirname, '../../../shared/corpus')

interface Variant {
  name: string
  target?: number
  times: number
  run: () => Promise<unknown>
}

interface Line {
  name: string
  cpuS: number
  wallS: number
  /** Median over the rounds of the ratio to the floor of the same round. */
  ratio: number
  target?: number
}

async function compareCosts(variants: readonly Variant[], rounds: number): Promise<Line[]> {
  const taken = variants.map((): Usage[] => [])
  for (let round = 0; round <= rounds; round++) {
    for (const [i, { run, times, name }] of variants.entries()) {
      const usage = await usageOf(run, times)
      // The first round warms up compilers and caches.
      if (round > 0) taken[i]?.push(usage)
      say(`  round ${round} ${name}: ${usage.cpuS.toFixed(3)} s CPU, ${usage.wallS.toFixed(3)} s`)
    }
  }
  return variants.map(({ name, target }, i) => ({
    name,
    cpuS: median((taken[i] ?? []).map(({ cpuS }) => cpuS)),
    wallS: median((taken[i] ?? []).map(({ wallS }) => wallS)),
    ratio: median((taken[i] ?? []).map(({ cpuS }, round) => cpuS / (taken[0]?.[round]?.cpuS ?? Number.NaN))),
    ...(target === undefined ? {} : { target }),
  }))
}

/** How much faster two checks are done side by side than one after the other. */
async function twoJobs(run: (jobs: number) => Promise<unknown>, rounds: number): Promise<number> {
  const gains: number[] = []
  for (let round = 0; round < rounds; round++) {
    const alone = await usageOf(async () => await run(1))
    const both = await usageOf(async () => await run(2))
    gains.push((2 * alone.wallS) / both.wallS)
  }
  return median(gains)
}

const rounds = Math.max(1, Number(values.rounds))

async function memoryOnly(): Promise<void> {
  const small = await ladderOf(values.cache, corpus, 30)
  const large = await ladderOf(values.cache, corpus, 60)
  const judge = createJudge({ scratchDir, searchPath, maxJobs: 1 })
  // Code and libraries that any job loads are not the job's.
  await judged(judge, small, 'screen')
  console.log(JSON.stringify(await peakOf(async () => await judged(judge, large, 'check'))))
}

/** Measured in a fresh process: memory that an earlier job left behind would be free for the next. */
function memoryOfAJob(): { childMb: number; ownMb: number } {
  const args = ['--expose-gc', process.argv[1] ?? '', '--memory', '--cache', values.cache, '--corpus', corpus]
  const { status, stdout } = spawnSync(process.execPath, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] })
  if (status !== 0) throw new Error('the memory run failed')
  return JSON.parse(stdout)
}

/** Wall clock milliseconds that the real sandbox adds to one start of ffmpeg; 0 where there is none. */
async function sandboxCost(): Promise<number> {
  const sandbox = { ffmpeg: requireFfmpeg('ffmpeg', ''), searchPath: '' }
  const report = await trySandbox(sandbox)
  const started = async (bwrap: string | undefined): Promise<number> => {
    const command = await createWrapper(sandbox, { ...report, bwrap }, scratchDir, MEDIA_LIMITS)([])
    const times = Array.from({ length: 15 }, () => {
      const start = performance.now()
      spawnSync(command, ['-version'], { stdio: 'ignore' })
      return performance.now() - start
    })
    return median(times)
  }
  return report.bwrap ? (await started(report.bwrap)) - (await started(undefined)) : 0
}

async function main(): Promise<void> {
  if (!CAN_COUNT_CHILDREN) say('without /proc the CPU time of ffmpeg cannot be counted: only the wall clock means anything')
  const ladder = await ladderOf(values.cache, corpus, 30)
  const judge = createJudge({ scratchDir, searchPath, maxJobs: 2 })
  // A daemon has done this often: its compilers are done with it.
  for (let i = 0; i < 12; i++) await judged(judge, ladder, i % 3 === 0 ? 'check' : 'screen')
  const lines = await compareCosts(
    [
      { name: 'bare decode', times: 1, run: async () => await bareDecode(ladder) },
      { name: 'screen', target: 0.12, times: 4, run: async () => await judged(judge, ladder, 'screen') },
      { name: 'check without bands', target: 1.1, times: 1, run: async () => await checkWithoutBands(init, ladder) },
      { name: 'check', target: 1.35, times: 1, run: async () => await judged(judge, ladder, 'check') },
      { name: 'full-frame SSIM', times: 1, run: async () => await fullSsim(ladder) },
      { name: 'encode again', times: 1, run: async () => await reencode(ladder) },
    ],
    rounds,
  )
  const gain = await twoJobs(
    async (jobs) => await Promise.all(Array.from({ length: jobs }, async () => await judged(judge, ladder, 'check'))),
    rounds,
  )
  const sandboxMs = await sandboxCost()
  const memory = memoryOfAJob()
  const parts = values.parts ? await partsOf(init, ladder, rounds) : []
  if (values.json)
    console.log(JSON.stringify({ rounds, cores: availableParallelism(), lines, twoJobsGain: gain, sandboxMs, memory, parts }))
  say(`\n4 s of 1080p30 and its 720, 480, 360 and 240p renditions; medians of ${rounds} rounds\n`)
  say(
    table(
      ['', 'CPU s', 'wall s', 'x decode', 'target'],
      lines.map(({ name, cpuS, wallS, ratio, target }) => [
        name,
        ...[cpuS, wallS, ratio].map((value) => value.toFixed(3)),
        target === undefined ? '' : target.toFixed(2),
      ]),
    ),
  )
  say(
    `\na sandbox of its own would add ${sandboxMs.toFixed(0)} ms to each start of ffmpeg: what runs in one is not counted, so it is left out`,
  )
  say(`two jobs at once on ${availableParallelism()} cores: ${gain.toFixed(2)} times one after the other (target 1.5)`)
  const total = memory.childMb + memory.ownMb
  say(
    `4 s of 1080p60: ${memory.childMb.toFixed(0)} MB in ffmpeg and ${memory.ownMb.toFixed(0)} of ours = ${total.toFixed(0)} MB (target 300)`,
  )
  if (parts.length > 0) {
    say('\nwhere it goes\n')
    say(
      table(
        ['', 'CPU ms', 'x decode'],
        parts.map(({ name, cpuMs }) => [name, cpuMs.toFixed(1), (cpuMs / 1000 / (lines[0]?.cpuS ?? Number.NaN)).toFixed(3)]),
      ),
    )
  }
}

// What ends inside a namespace of processes is lost to the counters of the one who waits: the same commands run without it here.
mkdirSync(searchPath, { recursive: true })
writeFileSync(join(searchPath, 'bwrap'), '#!/bin/sh\nwhile [ "$1" != "--" ]; do shift; done\nshift\nexec "$@"\n', { mode: 0o700 })
await (values.memory ? memoryOnly() : main()).finally(() => {
  rmSync(scratchDir, { recursive: true, force: true })
})
