import type { NamedProfile } from '../../proofs/segdata.ts'
import { FishermanError } from '../base/errors.ts'

/** Uniform in [0, 1); private, so that no node knows what comes. */
export type Random = () => number

const rung = (name: string, width: number, height: number, bitrate: number, fpsNum = 0): NamedProfile => ({
  ...{ name, width, height, bitrate, fpsNum, fpsDen: 1, codec: 0, h264Profile: 0, gopMs: 0, container: 0, quality: 0 },
})

/** Rungs that go-livepeer's gateways know by name (lpms, `ffmpeg/videoprofile.go`), and those that Livepeer Studio orders. */
export const RUNGS: readonly NamedProfile[] = [
  rung('P144p30fps16x9', 256, 144, 400_000, 30),
  rung('P144p25fps16x9', 256, 144, 400_000, 25),
  rung('P240p30fps16x9', 426, 240, 600_000, 30),
  rung('P240p25fps16x9', 426, 240, 600_000, 25),
  rung('P360p30fps16x9', 640, 360, 1_200_000, 30),
  rung('P360p25fps16x9', 640, 360, 1_200_000, 25),
  rung('P576p30fps16x9', 1_024, 576, 1_600_000, 30),
  rung('P720p30fps16x9', 1_280, 720, 4_000_000, 30),
  rung('P720p25fps16x9', 1_280, 720, 3_500_000, 25),
  ...[rung('240p0', 426, 240, 250_000), rung('360p0', 640, 360, 800_000)],
  ...[rung('480p0', 854, 480, 1_600_000), rung('720p0', 1_280, 720, 3_000_000)],
]

/** Ladders as gateways order them: go-livepeer's default, that of its documentation, and Studio's. */
const LADDERS: readonly (readonly string[])[] = [
  ['P240p30fps16x9', 'P360p30fps16x9'],
  ['P144p30fps16x9', 'P240p30fps16x9'],
  ['P240p30fps16x9', 'P360p30fps16x9', 'P720p30fps16x9'],
  ['P240p25fps16x9', 'P360p25fps16x9'],
  ['240p0', '360p0', '480p0', '720p0'],
  ['240p0', '360p0', '480p0'],
  ['360p0', '720p0'],
]

const byName = new Map(RUNGS.map((one) => [one.name, one]))

/** The rungs of these names, in their order. Throws what a person can mend. */
export function ladderOf(names: readonly string[]): NamedProfile[] {
  return names.map((name) => {
    const found = byName.get(name)
    if (found) return found
    const known = RUNGS.map((one) => one.name).join(', ')
    throw new FishermanError({ code: 'bad-usage', message: `no rung is called '${name}'; there are ${known}`, blame: 'ours' })
  })
}

/** One of the ladders above that asks for no more lines than the source has: nobody orders an upscale. */
export function drawLadder(height: number, random: Random): NamedProfile[] {
  const fitting = LADDERS.map(ladderOf).filter((ladder) => ladder.every((one) => one.height <= height))
  const smallest = ladderOf(['P144p30fps16x9'])
  return fitting[Math.floor(random() * fitting.length)] ?? smallest
}

/** Pixels of all renditions of a segment, about: what a node is paid for. */
export function pixelsOf(ladder: readonly NamedProfile[], source: { fps: number; durationMs: number }): bigint {
  const sum = ladder.reduce((total, { width, height, fpsNum, fpsDen }) => {
    const fps = fpsNum === 0 ? source.fps : fpsNum / fpsDen
    return total + width * height * Math.ceil((fps * source.durationMs) / 1000)
  }, 0)
  return BigInt(sum)
}
