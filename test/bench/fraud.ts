import { type Encode, encode, enlarge, fpsOf, framesOf, freeze, type Job, mix, type RenditionClass, retime } from './classes.ts'

type Kind = 'no-work' | 'time' | 'content' | 'colour' | 'geometry' | 'overlay' | 'detail' | 'rate' | 'audio' | 'adaptive'

function fraud(kind: Kind, name: string, e: Encode | ((job: Job) => Encode), more: Partial<RenditionClass> = {}): RenditionClass {
  return build(kind, name, (job) => [encode(job, typeof e === 'function' ? e(job) : e)], more)
}

function build(kind: Kind, name: string, runs: RenditionClass['runs'], more: Partial<RenditionClass> = {}): RenditionClass {
  return { name, group: 'fraud', kind, runs, ...(kind === 'no-work' ? { noWork: true } : {}), ...more }
}

const core = { core: true } as const
const hasBefore = { applies: (job: Job) => job.segment.before !== undefined }
const hasAudio = (job: Job): boolean => job.segment.facts.audioTracks > 0
const at = (share: number) => (job: Job) => Math.floor(framesOf(job) * share)
/** The other video at size and rate of the claim. */
const other = (job: Job): string => `[1:v:0]scale=${job.width}:${job.height},fps=${fpsOf(job)},${retime(job)},format=yuv420p[o]`
/** A fake [f] shown instead of [s] in the frames for which `when` holds. */
const instead = (when: string): string => `[s1][f]overlay=enable='${when}':format=yuv420[v]`
const splice = (seconds: number) => (job: Job) => {
  const from = at(0.4)(job)
  const to = from + Math.max(2, Math.round(seconds * job.segment.facts.fps)) - 1
  return [mix(job, ['@other'], `${other(job)};[s][o]overlay=enable='between(n,${from},${to})':eof_action=pass:format=yuv420[v]`)]
}
const mixed =
  (fake: (job: Job) => string, when: string, options: readonly string[] = []) =>
  (job: Job) => [mix(job, [], `[s]split[s1][s2];[s2]${fake(job)}[f];${instead(when)}`, { options })]
const logo = (share: number, colour: string) => (job: Job) => {
  const side = 2 * Math.round((job.width * share) / 2)
  return {
    after: `drawbox=x=${Math.round(job.width * 0.68)}:y=${Math.round(job.height * 0.08)}:w=${side}:h=${side}:color=${colour}:t=fill`,
  }
}
const cropped = (share: number): string => `crop=iw*${1 - 2 * share}:ih*${1 - 2 * share}`
const GOP30 = ['-g', '30', '-keyint_min', '30', '-sc_threshold', '0']
/** Everything that a 64x64 picture holds, and nothing else. */
const planesOnly = (job: Job): string => `scale=64:64:flags=area,scale=${job.width}:${job.height}:flags=bicubic`
/** A fine pattern whose mean is zero in every cell: it makes a busy picture out of a dull one. */
const PATTERN = "geq=lum='lum(X,Y)+10*(1-2*mod(X+Y,2))':cb='cb(X,Y)':cr='cr(X,Y)'"
const third = (job: Job): string => enlarge(job, 1 / 3)

/** No work at all, or that of another segment. */
const NO_WORK: readonly RenditionClass[] = [
  build('no-work', 'passthru', () => [['-i', '@source', '-c', 'copy', '-f', 'mpegts', '@out']], core),
  build('no-work', 'passthru-mp4', () => [['-i', '@source', '-c', 'copy', '-f', 'mp4', '@out']], { extension: 'mp4' }),
  fraud('no-work', 'up120', (job) => ({ after: third(job) }), core),
  fraud('no-work', 'freeze', (job) => ({ after: freeze(job) }), core),
  fraud('no-work', 'prevseg', { input: '@before' }, { ...hasBefore, ...core }),
  fraud('no-work', 'prevseg-retimed', (job) => ({ input: '@before', after: retime(job) }), hasBefore),
  fraud('no-work', 'other', (job) => ({ input: '@other', after: `fps=${fpsOf(job)},${retime(job)}` }), core),
  fraud('no-work', 'black', { after: 'drawbox=t=fill:color=black' }, core),
  build('no-work', 'black-and-a-second-track', (job) => [
    encode(job, { after: 'drawbox=t=fill:color=black', output: '@tmp' }),
    ['-i', '@tmp', '-i', '@source', '-map', '0:v:0', '-map', '1:v:0', '-c', 'copy', '-f', 'mpegts', '@out'],
  ]),
  build('no-work', 'mpeg2', (job) => [encode(job, { codec: ['-c:v', 'mpeg2video', '-threads', '1'], after: 'hue=s=0' })]),
  fraud('no-work', 'trunc50', (job) => ({ after: `trim=end_frame=${at(0.5)(job)}` }), core),
  fraud('no-work', 'trunc10', (job) => ({ after: `trim=end_frame=${at(0.88)(job)}` })),
  build('no-work', 'splice1s', splice(1), core),
  build('no-work', 'splice025', splice(0.25)),
  build('no-work', 'splice010', splice(0.1)),
]

const TIME: readonly RenditionClass[] = [
  fraud('time', 'freezehalf', (job) => ({ after: `loop=${framesOf(job)}:1:${at(0.5)(job)},${retime(job)}` }), core),
  fraud('time', 'slide1fps', (job) => ({ after: `fps=1,fps=${fpsOf(job)},tpad=stop=-1:stop_mode=clone,${retime(job)}` })),
  fraud('time', 'halfrate', (job) => ({ after: `framestep=2,fps=${fpsOf(job)}` }), core),
  fraud('time', 'every-fourth-twice', (job) => ({ after: `select='gt(mod(n,4),0)',fps=${fpsOf(job)}` })),
  fraud('time', 'freeze-bursts', (job) => ({
    after: `select='lt(mod(t,1),0.5)',fps=${fpsOf(job)},tpad=stop=-1:stop_mode=clone,${retime(job)}`,
  })),
  fraud('time', 'speed125', (job) => ({
    after: `setpts=PTS/1.25,fps=${fpsOf(job)},tpad=stop=-1:stop_mode=clone,${retime(job)}`,
  })),
  fraud('time', 'shift3', (job) => ({ after: `tpad=start=3:start_mode=clone,${retime(job)}` })),
  fraud('time', 'shift8', (job) => ({ after: `tpad=start=8:start_mode=clone,${retime(job)}` })),
  fraud('time', 'reverse', { after: 'reverse' }),
  fraud(
    'time',
    'interpolated',
    (job) => ({ after: `framestep=2,minterpolate=fps=${fpsOf(job)}:mi_mode=mci:mc_mode=obmc:search_param=16` }),
    {
      applies: (job) => job.width <= 640,
    },
  ),
  fraud('time', 'interpolated-blend', (job) => ({ after: `framestep=2,minterpolate=fps=${fpsOf(job)}:mi_mode=blend` })),
]

const COLOUR: readonly RenditionClass[] = [
  fraud('colour', 'bw', { after: 'hue=s=0' }, core),
  fraud('colour', 'sat50', { after: 'hue=s=0.5' }),
  fraud('colour', 'hue60', { after: 'hue=h=60' }),
  fraud('colour', 'swapuv', { after: 'swapuv' }),
  fraud('colour', 'negate', { after: 'negate' }),
  fraud('colour', 'bright15', { after: 'lutyuv=y=clip(val+15\\,0\\,255)' }),
  fraud('colour', 'gamma', { after: 'eq=gamma=1.25' }),
  fraud('colour', 'posterised', { after: "lutyuv=y='trunc(val/24)*24+12'" }),
  build('colour', 'chroma-frozen', (job) => [
    mix(job, [], `[s]split[a][b];[b]${freeze(job)}[f];[a][f]mergeplanes=0x001112:yuv420p[v]`),
  ]),
]

const GEOMETRY: readonly RenditionClass[] = [
  fraud('geometry', 'hflip', { after: 'hflip' }, core),
  fraud('geometry', 'crop10', { before: cropped(0.1) }),
  fraud('geometry', 'crop5', { before: cropped(0.05) }),
  fraud('geometry', 'crop2', { before: cropped(0.02) }),
  fraud('geometry', 'letterbox', (job) => ({
    after: `scale=${job.width}:${2 * Math.round(job.height * 0.38)},pad=${job.width}:${job.height}:0:(oh-ih)/2`,
  })),
  fraud('geometry', 'rot2', { after: 'rotate=2*PI/180' }),
  fraud('geometry', 'rot05', { after: 'rotate=0.5*PI/180' }),
  build('geometry', 'lower-rung', (job) => [
    encode({ ...job, width: 2 * Math.round(job.width / 3), height: 2 * Math.round(job.height / 3) }),
  ]),
]

const OVERLAY: readonly RenditionClass[] = [
  fraud('overlay', 'wm_tiny', logo(0.05, 'white')),
  fraud('overlay', 'wm_small', logo(0.1, 'white'), core),
  fraud('overlay', 'wm_large', logo(0.25, 'orange')),
  fraud('overlay', 'wm_alpha', logo(0.15, 'white@0.3')),
  fraud('overlay', 'vignette', { after: 'vignette=PI/4' }),
  fraud('overlay', 'delogo', (job) => {
    const part = (share: number, side: number): number => Math.max(2, 2 * Math.round((side * share) / 2))
    return {
      after: `delogo=x=${part(0.4, job.width)}:y=${part(0.4, job.height)}:w=${part(0.14, job.width)}:h=${part(0.14, job.height)}`,
    }
  }),
  build('overlay', 'left-half-other', (job) => [
    mix(
      job,
      ['@other'],
      `${other(job)};[o]crop=${2 * Math.round(job.width / 4)}:${job.height}:0:0[h];[s][h]overlay=eof_action=pass:format=yuv420[v]`,
    ),
  ]),
  build(
    'overlay',
    'ghost-of-before',
    (job) => [mix(job, ['@before'], `[1:v:0]scale=${job.width}:${job.height},format=yuv420p[o];[s][o]blend=all_mode=average[v]`)],
    hasBefore,
  ),
]

const DETAIL: readonly RenditionClass[] = [
  fraud('detail', 'up180', (job) => ({ after: enlarge(job, 1 / 2) }), core),
  fraud('detail', 'blur8', { after: 'gblur=sigma=8' }),
  fraud('detail', 'blur2', { after: 'gblur=sigma=2' }),
  fraud('detail', 'blur1', { after: 'gblur=sigma=1' }),
  fraud('detail', 'planes-only', (job) => ({ after: planesOnly(job) })),
  fraud('detail', 'planes-and-pattern', (job) => ({ after: `${planesOnly(job)},${PATTERN}` })),
  fraud('detail', 'up180-sharp', (job) => ({ after: `${enlarge(job, 1 / 2)},unsharp=5:5:1.5` })),
  fraud('detail', 'up120-sharp', (job) => ({ after: `${third(job)},unsharp=7:7:2` })),
  fraud('detail', 'up120-noise', (job) => ({ after: `${third(job)},noise=alls=14:allf=t:all_seed=7` })),
  fraud('detail', 'heavy-denoise', { after: 'hqdn3d=16:16:40:40' }),
  build('detail', 'rung-enlarged', (job) => [
    encode(
      { ...job, width: 2 * Math.round(job.width / 4), height: 2 * Math.round(job.height / 4) },
      { rate: 0.5, output: '@tmp' },
    ),
    encode(job, { input: '@tmp' }),
  ]),
  build('detail', 'region-enlarged', (job) => {
    const [w, h] = [2 * Math.round(job.width / 4), 2 * Math.round(job.height / 4)]
    const [x, y] = [2 * Math.round(job.width / 8), 2 * Math.round(job.height / 8)]
    const small = `crop=${w}:${h}:${x}:${y},scale=${2 * Math.round(w / 6)}:${2 * Math.round(h / 6)},scale=${w}:${h}`
    return [mix(job, [], `[s]split[a][b];[b]${small}[c];[a][c]overlay=${x}:${y}:format=yuv420[v]`)]
  }),
]

const RATE: readonly RenditionClass[] = [
  fraud('rate', 'lowbr10', { rate: 0.1 }, core),
  fraud('rate', 'lowbr20', { rate: 0.05 }),
  fraud('rate', 'ultrafast_crf40', { codec: ['-c:v', 'libx264', '-preset', 'ultrafast', '-threads', '1', '-crf', '40'] }),
  build('rate', 'second-generation', (job) => [encode(job, { rate: 0.05, output: '@tmp' }), encode(job, { input: '@tmp' })]),
  fraud('rate', 'mpeg4', { codec: ['-c:v', 'mpeg4', '-threads', '1'], format: 'mp4' }, { extension: 'mp4' }),
]

const AUDIO: readonly RenditionClass[] = [
  build(
    'audio',
    'audio-replaced',
    (job) => {
      const [, , ...rest] = encode(job, { audio: ['-c:a', 'aac', '-b:a', '96k', '-shortest'] })
      return [
        ['-i', '@source', '-f', 'lavfi', '-i', 'sine=f=440:r=44100', ...rest.map((arg) => (arg === '0:a:0?' ? '1:a:0' : arg))],
      ]
    },
    { applies: hasAudio },
  ),
  fraud('audio', 'audio-starved', { audio: ['-c:a', 'aac', '-b:a', '16k'] }, { applies: hasAudio }),
]

/** Attacks that know this code. */
const ADAPTIVE: readonly RenditionClass[] = [
  build('adaptive', 'honest-key-frames', mixed(third, 'gt(mod(n,30),0)', GOP30), core),
  build('adaptive', 'honest-half-gop', mixed(third, 'gte(mod(n,30),15)', GOP30)),
  fraud('adaptive', 'frozen-half-gop', (job) => ({
    after: `select='lt(mod(n,30),15)',fps=${fpsOf(job)},tpad=stop=-1:stop_mode=clone,${retime(job)}`,
    options: GOP30,
  })),
  build('adaptive', 'honest-third-frames', mixed(third, 'gt(mod(n,3),0)')),
  build(
    'adaptive',
    'honest-every-second',
    mixed((job) => enlarge(job, 1 / 4), 'mod(n,2)'),
  ),
  build('adaptive', 'bottom-frozen', (job) => {
    const top = 2 * Math.floor(job.height / 4)
    const bottom = job.height - top
    return [
      mix(
        job,
        [],
        `[s]split[a][b];[a]crop=${job.width}:${top}:0:0[t];[b]crop=${job.width}:${bottom}:0:${top},${freeze(job)}[u];[t][u]vstack[v]`,
      ),
    ]
  }),
]

const hd = (job: Job): boolean => job.segment.facts.height >= 700 && job.segment.facts.width >= 700

/** The same tricks at 720 lines. */
export const LARGE: readonly RenditionClass[] = [
  fraud('no-work', 'up240to720', (job) => ({ after: third(job) })),
  fraud('detail', 'up360to720', (job) => ({ after: enlarge(job, 1 / 2) })),
  fraud('rate', 'lowbr10_720', { rate: 0.1 }),
  fraud('overlay', 'wm_small_720', logo(0.1, 'white')),
].map((c) => ({ ...c, applies: hd }))

export const FRAUD: readonly RenditionClass[] = [
  ...[...NO_WORK, ...TIME, ...COLOUR, ...GEOMETRY, ...OVERLAY, ...DETAIL, ...RATE, ...AUDIO, ...ADAPTIVE],
]
