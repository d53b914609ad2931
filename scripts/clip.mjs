// Renders the demo's default clip: 40 s of 640x360 at 30 fps, detailed, always moving and never twice the same, so that a replayed,
// frozen or upscaled segment looks different from honest work. A camera wanders over a large fractal while a test card drifts across.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const out = process.argv[2]
if (!out) throw new Error('usage: node scripts/clip.mjs OUT.mp4')
const dir = mkdtempSync(join(tmpdir(), 'fisherman-clip-'))
const base = join(dir, 'base.png')

function ffmpeg(args) {
  const { status, stderr, error } = spawnSync('ffmpeg', ['-v', 'error', '-y', ...args], { encoding: 'utf8' })
  if (status !== 0) throw new Error(`ffmpeg failed: ${error?.message ?? stderr}`)
}

try {
  const fractal =
    'mandelbrot=size=1900x1200:start_x=-0.7436438870371587:start_y=0.13182590420531198:start_scale=0.009:maxiter=400:bailout=20' +
    ':outer=normalized_iteration_count:inner=period,gblur=sigma=0.9'
  ffmpeg(['-f', 'lavfi', '-i', fractal, '-frames:v', '1', base])
  // Frequencies without a common period: no view comes back within the clip.
  const camera = "crop=640:360:x='630+560*sin(0.13*t)+60*sin(0.9*t)':y='420+370*sin(0.193*t+1)+45*cos(0.7*t)'"
  const card = "overlay=x='240+220*sin(0.63*t)':y='135+115*cos(0.47*t)'"
  ffmpeg([
    ...['-loop', '1', '-framerate', '30', '-t', '40', '-i', base],
    ...['-f', 'lavfi', '-t', '40', '-i', 'testsrc2=size=160x90:rate=30'],
    ...['-filter_complex', `[0]format=yuv420p,${camera}[a];[a][1]${card},format=yuv420p`],
    ...['-c:v', 'libx264', '-preset', 'veryfast', '-crf', '20', '-g', '60', '-keyint_min', '60', '-sc_threshold', '0', out],
  ])
} finally {
  rmSync(dir, { recursive: true, force: true })
}
