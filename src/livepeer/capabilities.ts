import type { NamedProfile } from '../../proofs/segdata.ts'
import type { Capabilities } from './types.ts'

/** Bit numbers that a transcoding job may need (core/capabilities.go of go-livepeer). */
export const CAPABILITY = {
  ...{ h264: 0, mpegts: 1, mp4: 2, fractionalFramerates: 3, profileBaseline: 7, profileMain: 8, profileHigh: 9 },
  ...{ profileConstrainedHigh: 10, gop: 11, authToken: 12, hevcEncode: 16, vp8Encode: 19, vp9Encode: 20, segmentSlicing: 26 },
} as const

const CODECS = [CAPABILITY.h264, CAPABILITY.hevcEncode, CAPABILITY.vp8Encode, CAPABILITY.vp9Encode]
const H264_PROFILES = [
  undefined,
  CAPABILITY.profileBaseline,
  CAPABILITY.profileMain,
  CAPABILITY.profileHigh,
  CAPABILITY.profileConstrainedHigh,
]

/** What a job needs of a node: what its profiles ask for, and the token that every node of today demands. */
export function jobCapabilities(profiles: readonly NamedProfile[], isSliced = false): Capabilities {
  const bits = new Set<number>([CAPABILITY.h264, CAPABILITY.authToken])
  for (const { container, codec, h264Profile, gopMs, fpsNum, fpsDen } of profiles) {
    bits.add(container === 1 ? CAPABILITY.mp4 : CAPABILITY.mpegts)
    bits.add(CODECS[codec] ?? CAPABILITY.h264)
    const profileBit = H264_PROFILES[h264Profile]
    if (profileBit !== undefined) bits.add(profileBit)
    if (gopMs !== 0) bits.add(CAPABILITY.gop)
    if (fpsNum > 0 && fpsDen > 1) bits.add(CAPABILITY.fractionalFramerates)
  }
  if (isSliced) bits.add(CAPABILITY.segmentSlicing)
  const bitstring = [[...bits].reduce((word, bit) => word | (1n << BigInt(bit)), 0n)]
  return { bitstring, mandatories: [], capacities: new Map(), version: '', minVersion: '' }
}

/** Does a node say that it can do the job? The job must be within its bits, and its mandatory bits within the job. */
export function isCompatible(job: Capabilities, node: Capabilities | undefined): boolean {
  if (!node) return true
  const within = (small: readonly bigint[], large: readonly bigint[]) =>
    small.every((word, i) => (word & ~(large[i] ?? 0n)) === 0n)
  return within(job.bitstring, node.bitstring) && within(node.mandatories, job.bitstring)
}
