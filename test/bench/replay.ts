import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { replayBundle } from '../../src/replay.ts'
import { keeping, signedWork } from '../helpers/evidence.ts'
import { PROFILE } from '../helpers/fixtures.ts'

const HELP = `npm run bench:replay -- [options]

Judges a forged 720p rendition of two seconds of 1080p, keeps the evidence as a daemon would, and times the replay of that bundle
beside the bare decode of its two files.

  --source FILE   real footage in 1080p (default: a card that moves over a fractal)
  --rounds N      (default 5)`

const { values } = parseArgs({
  options: { source: { type: 'string' }, rounds: { type: 'string', default: '5' }, help: { type: 'boolean', default: false } },
})
if (values.help) {
  console.log(HELP)
  process.exit(0)
}

const dir = mkdtempSync(join(tmpdir(), 'fisherman-bench-replay-'))
const ffmpeg = (...args: readonly string[]): void => void execFileSync('ffmpeg', ['-v', 'error', '-y', ...args])
const X264 = ['-an', '-c:v', 'libx264', '-threads', '1', '-pix_fmt', 'yuv420p', '-f', 'mpegts']
const still = 'mandelbrot=size=2400x1400:rate=1:start_scale=0.02:maxiter=300'
const GLIDE =
  "[0]trim=end_frame=1,loop=-1:1:0,fps=30,setpts=N/30/TB,crop=1920:1080:x='100+t*120':y='60+t*60'[a];[a][1]overlay=x='60+t*180':y='700-t*60'"

function made(): { source: string; forged: string } {
  const [source, forged] = [join(dir, 'source.ts'), join(dir, 'forged.ts')]
  const scene = values.source
    ? ['-i', values.source, '-vf', 'fps=30,scale=1920:1080,setsar=1']
    : ['-f', 'lavfi', '-i', still, '-f', 'lavfi', '-i', 'testsrc2=s=480x270:r=30', '-filter_complex', GLIDE]
  ffmpeg(...scene, '-t', '2', '-g', '60', '-b:v', '6M', ...X264, source)
  // From the eighth frame on the picture stands still.
  const freeze = 'scale=1280:720,select=lt(n\\,8),tpad=stop=-1:stop_mode=clone,trim=end_frame=60'
  ffmpeg('-i', source, '-vf', freeze, '-g', '60', '-b:v', '3M', ...X264, forged)
  return { source, forged }
}

const median = (times: number[]): number => [...times].sort((a, b) => a - b)[Math.floor(times.length / 2)] ?? Number.NaN

try {
  const { source, forged } = made()
  const profile = { ...PROFILE, width: 1280, height: 720, bitrate: 3_000_000 }
  const facts = { width: 1280, height: 720, frames: 60, durationMs: 2000 }
  const kept = await keeping(join(dir, 'kept'))
  const result = await kept.check(await signedWork(source, forged, profile, facts), source, forged)
  await kept.keeper.failed(result)
  const bundle = kept.fileOf(result.evidenceHash)
  await kept.log.close()
  const [decodes, replays]: [number[], number[]] = [[], []]
  for (let round = 0; round < Number(values.rounds); round++) {
    const start = performance.now()
    for (const file of [source, forged]) ffmpeg('-i', file, '-f', 'null', '-')
    decodes.push(performance.now() - start)
    const init = { scratchDir: join(dir, 'scratch'), searchPath: process.env.PATH ?? '' }
    const replay = await replayBundle(bundle, init, { nowMs: () => performance.now() })
    if (!replay.reproduced) throw new Error(`not reproduced: ${JSON.stringify(replay.checks)}`)
    replays.push(replay.elapsedMs)
  }
  const [decode, replay] = [median(decodes), median(replays)]
  console.log(`outcome ${result.outcome}, reproduced ${replays.length} times`)
  console.log(`replay of 2 s of 1080p with one rung: ${(replay / 1000).toFixed(2)} s, median of ${replays.length} (target 10)`)
  console.log(`bare decode of both files: ${(decode / 1000).toFixed(2)} s; ratio ${(replay / decode).toFixed(1)}`)
} finally {
  rmSync(dir, { recursive: true, force: true })
}
