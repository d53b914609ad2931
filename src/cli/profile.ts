import type { Profile } from '../../proofs/types.ts'
import { FishermanError } from '../base/errors.ts'

const NAMES: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  codec: { h264: 0, avc: 0, h265: 1, hevc: 1, vp8: 2, vp9: 3 },
  h264Profile: { unset: 0, baseline: 1, main: 2, high: 3, constrainedhigh: 4 },
  container: { mpegts: 0, ts: 0, mp4: 1 },
}

/** Smallest and largest value of each field; sizes and rates beyond what any encoder of the network makes are typing errors. */
const RANGES: Readonly<Record<keyof Profile, readonly [number, number]>> = {
  width: [2, 8192],
  height: [2, 8192],
  bitrate: [1000, 1_000_000_000],
  fpsNum: [0, 1_000_000],
  fpsDen: [1, 1_000_000],
  codec: [0, 3],
  h264Profile: [0, 4],
  gopMs: [-1, 3_600_000],
  container: [0, 1],
  quality: [0, 63],
}

const ALIASES: Readonly<Record<string, keyof Profile>> = {
  fps: 'fpsNum',
  encoder: 'codec',
  profile: 'h264Profile',
  gop: 'gopMs',
  format: 'container',
}

const isField = (key: string): key is keyof Profile => Object.hasOwn(RANGES, key)

function bad(text: string, what: string): FishermanError {
  return new FishermanError({ code: 'bad-profile', message: `--profile '${text}': ${what}`, blame: 'ours' })
}

/** Reads 'name=360p0,width=640,height=360,bitrate=800000,fps=0' into a profile. Throws with what is wrong and what would be right. */
export function parseProfile(text: string): { name: string; profile: Profile } {
  const values: Partial<Record<keyof Profile, number>> = {}
  let name = ''
  for (const part of text.split(',').map((p) => p.trim())) {
    const at = part.indexOf('=')
    if (at <= 0) throw bad(text, `'${part}' is not written as field=value`)
    const key = part.slice(0, at).trim()
    const value = part.slice(at + 1).trim()
    if (key === 'name') {
      name = value
      continue
    }
    const field = Object.hasOwn(ALIASES, key) ? ALIASES[key] : isField(key) ? key : undefined
    if (!field) throw bad(text, `no field is called '${key}'; there are name, ${Object.keys(RANGES).join(', ')} and fps`)
    if (values[field] !== undefined) throw bad(text, `${field} is given twice`)
    const named = NAMES[field]?.[value.toLowerCase()]
    const number = named ?? (/^-?\d+$/.test(value) ? Number(value) : Number.NaN)
    const [least, most] = RANGES[field]
    if (!(number >= least && number <= most)) {
      const names = NAMES[field] ? ` or one of ${Object.keys(NAMES[field]).join(', ')}` : ''
      throw bad(text, `${key} must be a whole number from ${least} to ${most}${names}, not '${value}'`)
    }
    values[field] = number
  }
  const { width, height, bitrate } = values
  if (width === undefined || height === undefined || bitrate === undefined) {
    const missing = (['width', 'height', 'bitrate'] as const).filter((field) => values[field] === undefined)
    throw bad(text, `${missing.join(', ')} missing`)
  }
  const defaults = { fpsNum: 0, fpsDen: 1, codec: 0, h264Profile: 0, gopMs: 0, container: 0, quality: 0 }
  const profile: Profile = { ...defaults, ...values, width, height, bitrate }
  return { name: name || `${profile.width}x${profile.height}`, profile }
}
