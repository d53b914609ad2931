import { readdirSync, readFileSync } from 'node:fs'
import { basename, extname, join } from 'node:path'
import { demux } from '../../src/transcode/probe.ts'
import type { MediaFacts } from '../../src/transcode/types.ts'
import { build } from './cache.ts'

/** One source segment, as a gateway would send it. */
export interface Segment {
  id: string
  /** The clip that it was cut from: segments of one origin are no independent evidence. */
  origin: string
  path: string
  /** The segment before it in the same clip. */
  before?: string | undefined
  /** A segment of another origin. */
  other: string
  facts: MediaFacts
  /** Derived segments are tried with fewer classes. */
  derived: boolean
}

const LENGTH_S = 2
const PER_ORIGIN = 2
const SOURCE = [
  '-c:v',
  'libx264',
  '-threads',
  '1',
  '-preset',
  'fast',
  '-crf',
  '16',
  '-pix_fmt',
  'yuv420p',
  '-x264-params',
  'open-gop=0',
]
const AUDIO = ['-c:a', 'aac', '-b:a', '96k']

const factsOf = (path: string): MediaFacts => demux(readFileSync(path)).facts

async function cut(dir: string, clip: string, startS: number, filter = '', options: readonly string[] = SOURCE): Promise<string> {
  return await build(
    dir,
    'ts',
    [
      [
        ...['-ss', startS.toFixed(3), '-i', '@clip', '-t', String(LENGTH_S), '-map', '0:v:0', '-map', '0:a:0?'],
        ...(filter ? ['-vf', filter] : []),
        ...[...options, ...AUDIO, '-f', 'mpegts', '@out'],
      ],
    ],
    { clip },
  )
}

/** Variants of the first segment of a clip that are hard on a verifier, or that may blame nobody. */
const DERIVED: readonly { name: string; of: string; filter: string; options?: readonly string[] }[] = [
  { name: 'dark', of: 'doorknob', filter: 'lutyuv=y=16+(val-16)*0.1' },
  { name: 'fade', of: 'bigbuckbunny', filter: 'fade=t=out:st=0.4:d=1.4' },
  { name: 'still', of: 'bikes', filter: "select='eq(n,0)',loop=49:1:0,setpts=N/25/TB" },
  { name: 'fog', of: 'doorknob', filter: 'lutyuv=y=200+(val-128)*0.06' },
  { name: 'landscape', of: 'pattern', filter: 'transpose=1' },
  { name: 'fps50', of: 'bikes', filter: 'minterpolate=fps=50:mi_mode=blend' },
  { name: 'fps29.97', of: 'test', filter: 'setpts=PTS*1.001,fps=30000/1001' },
  { name: 'vfr', of: 'bigbuckbunny', filter: "select='not(eq(mod(n,7),3))'", options: ['-fps_mode', 'vfr', ...SOURCE] },
  {
    name: 'tenbit',
    of: 'bigbuckbunny',
    filter: 'format=yuv420p10le',
    options: ['-c:v', 'libx264', '-threads', '1', '-preset', 'fast', '-crf', '16', '-pix_fmt', 'yuv420p10le'],
  },
  { name: 'fields', of: 'bikes', filter: 'tinterlace=mode=interleave_top', options: [...SOURCE, '-flags', '+ilme+ildct'] },
]

function isSound(facts: MediaFacts): boolean {
  return facts.firstIsKey && facts.parameterSets === 1 && facts.timesOk && facts.durationMs < 2500 && facts.container !== 'flv'
}

/** Cuts every clip of a folder into segments of about two seconds; clips that are such segments are taken as they are. */
export async function segmentsOf(corpus: string, dir: string): Promise<Segment[]> {
  const clips = readdirSync(corpus)
    .filter((name) => /\.(mp4|ts|flv|mkv|mov)$/.test(name))
    .sort()
  const made: Omit<Segment, 'other'>[] = []
  const firsts: { origin: string; path: string; startS: number; clip: string }[] = []
  for (const name of clips) {
    const clip = join(corpus, name)
    const origin = basename(name, extname(name)).split(/[-_.]/)[0] ?? name
    const facts = factsOf(clip)
    if (isSound(facts)) {
      made.push({ id: origin, origin, path: clip, facts, derived: false })
      continue
    }
    // Where the source is of no use as it is, it stays as it is: a verifier meets such things.
    if (facts.chroma !== 1) {
      const path = await build(dir, 'ts', [['-i', '@clip', '-t', '2', '-c', 'copy', '-f', 'mpegts', '@out']], { clip })
      made.push({ id: origin, origin, path, facts: factsOf(path), derived: true })
      continue
    }
    const lengthS = Math.min(facts.durationMs / 1000, 40)
    const count = Math.max(1, Math.min(PER_ORIGIN, Math.floor(lengthS / LENGTH_S)))
    for (let k = 0; k < count; k++) {
      const startS = ((lengthS - LENGTH_S) * (k + 1)) / count
      const path = await cut(dir, clip, startS)
      const before = startS >= LENGTH_S ? await cut(dir, clip, startS - LENGTH_S) : undefined
      if (k === 0) firsts.push({ origin, path, startS, clip })
      made.push({ id: `${origin}@${startS.toFixed(1)}`, origin, path, before, facts: factsOf(path), derived: false })
    }
  }
  for (const { name, of, filter, options } of DERIVED) {
    const base = firsts.find(({ origin }) => origin === of)
    if (!base) continue
    const path = await cut(dir, base.clip, base.startS, filter, options)
    made.push({ id: `${of}+${name}`, origin: of, path, facts: factsOf(path), derived: true })
  }
  const sound = made.filter(({ derived }) => !derived)
  return made.flatMap((segment, i): Segment[] => {
    const others = sound.filter(({ origin }) => origin !== segment.origin)
    const other = others[i % Math.max(1, others.length)]
    return other ? [{ ...segment, other: other.path }] : []
  })
}
