import { type Encode, encode, framesOf, type Job, type RenditionClass, retime } from './classes.ts'

function honest(name: string, e: Encode | ((job: Job) => Encode), more: Partial<RenditionClass> = {}): RenditionClass {
  const runs = (job: Job): string[][] => [encode(job, typeof e === 'function' ? e(job) : e)]
  return { name, group: 'honest', kind: 'honest', runs, ...more }
}

const rate = (fpsNum: number, fpsDen = 1): Partial<RenditionClass> => ({ profile: { fpsNum, fpsDen } })
const hasAudio = (job: Job): boolean => job.segment.facts.audioTracks > 0
const crf = (quality: number): RenditionClass =>
  honest(
    `crf${quality}`,
    { codec: ['-c:v', 'libx264', '-preset', 'medium', '-threads', '1', '-bf', '3', '-crf', String(quality)] },
    { profile: { quality } },
  )
const x265 = ['-c:v', 'libx265', '-preset', 'veryfast', '-x265-params', 'pools=none:frame-threads=1:log-level=error']
const bf0 = ['-bf', '0']

/** Work that was done: encoders, settings, containers and rates that a node may use, and what encoders do at the ends. */
export const HONEST: readonly RenditionClass[] = [
  honest('veryfast', {}, { core: true }),
  ...['ultrafast', 'superfast', 'faster', 'fast', 'slow', 'slower'].map((preset) => honest(preset, { preset })),
  honest('medium', { preset: 'medium' }, { core: true }),
  honest('baseline', { options: ['-profile:v', 'baseline', ...bf0] }, { profile: { h264Profile: 1 }, core: true }),
  honest('main', { preset: 'medium', options: ['-profile:v', 'main'] }, { profile: { h264Profile: 2 } }),
  honest('high-bf0', { preset: 'medium', options: ['-profile:v', 'high', ...bf0] }, { profile: { h264Profile: 4 } }),
  honest('zerolatency', { options: ['-tune', 'zerolatency'] }),
  // What a hardware encoder leaves out: no look-ahead, no trees of macroblocks, one reference, constant rate.
  honest('like-hardware', {
    preset: 'fast',
    options: [...bf0, '-x264-params', 'mbtree=0:rc-lookahead=0:ref=1:aq-mode=0:trellis=0'],
  }),
  honest('x265', { codec: x265 }, { profile: { codec: 1 }, core: true }),
  honest(
    'mp4',
    { format: 'mp4', options: ['-movflags', '+faststart'] },
    { profile: { container: 1 }, extension: 'mp4', core: true },
  ),
  honest('fps25', { after: 'fps=25' }, { ...rate(25), core: true }),
  honest('fps15', { after: 'fps=15' }, rate(15)),
  honest('fps30', { after: 'fps=30' }, rate(30)),
  honest('fps60', { after: 'fps=60' }, rate(60)),
  honest('fps23.976', { after: 'fps=24000/1001' }, rate(24_000, 1001)),
  honest('half-rate-of-bits', { rate: 0.5 }, { core: true }),
  honest('half-rate-of-bits-medium', { rate: 0.5, preset: 'medium' }),
  honest('double-rate-of-bits', { rate: 2 }),
  crf(23),
  crf(28),
  honest('bilinear', { scaler: 'bilinear' }, { core: true }),
  honest('lanczos', { scaler: 'lanczos' }),
  honest('gop1', { options: ['-force_key_frames', 'expr:gte(t,n_forced*1)'] }, { profile: { gopMs: 1000 } }),
  honest('gop2', { options: ['-force_key_frames', 'expr:gte(t,n_forced*2)'] }, { profile: { gopMs: 2000 } }),
  honest('intra', { options: ['-g', '1'], preset: 'medium' }, { profile: { gopMs: -1 } }),
  honest('no-scene-cuts', { options: ['-sc_threshold', '0'] }),
  honest('first-frame-twice', (job) => ({ after: `loop=1:1:0,setpts=N/(${job.segment.facts.fps.toFixed(4)})/TB` })),
  honest('last-frame-twice', { after: 'tpad=stop=1:stop_mode=clone' }),
  honest('first-frame-lost', { after: "select='gte(n,1)'" }),
  honest('last-frame-lost', (job) => ({ after: `trim=end_frame=${framesOf(job) - 1}` })),
  honest('audio-one-lost', { audio: ['-c:a', 'copy', '-bsf:a', 'noise=drop=eq(n\\,3)'] }, { applies: hasAudio }),
  honest('audio-two-lost', { audio: ['-c:a', 'copy', '-bsf:a', 'noise=drop=lt(n\\,2)'] }, { applies: hasAudio }),
]

function aside(group: 'grey' | 'scaler', name: string, e: Encode | ((job: Job) => Encode)): RenditionClass {
  return { ...honest(name, e), group, kind: group }
}

/** Scalers that Livepeer does not use, and work that one may call bad or merely cheap: reported, counted neither way. */
export const ASIDE: readonly RenditionClass[] = [
  aside('scaler', 'fast_bilinear', { scaler: 'fast_bilinear' }),
  aside('scaler', 'neighbor', { scaler: 'neighbor' }),
  aside('scaler', 'area', { scaler: 'area' }),
  aside('grey', 'third-of-the-bits', { rate: 1 / 3 }),
  aside('grey', 'quarter-of-the-bits', { rate: 1 / 4 }),
  aside('grey', 'hue15', { after: 'hue=h=15' }),
  aside('grey', 'noise', { after: 'noise=alls=12:allf=t:all_seed=7' }),
  aside('grey', 'shift1', (job) => ({ after: `tpad=start=1:start_mode=clone,${retime(job)}` })),
  aside('grey', 'light-denoise', { after: 'hqdn3d=2:2:4:4' }),
  aside('grey', 'one-field', { after: 'yadif=mode=0:parity=0:deint=0' }),
]
