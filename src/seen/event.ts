import { z } from 'zod'
import type { Hex, Profile } from '../../proofs/types.ts'
import { refusal } from './refusal.ts'

/** Bytes of the event part; sixteen rungs take about 6 KiB. */
export const EVENT_BYTES = 32_768
/** Renditions of one donation. */
export const MOST_RENDITIONS = 16

const contentHash = z.string().regex(/^0x[0-9a-f]{64}$/, 'must be 0x and 64 lower-case hex digits (keccak256)')
const ms = z.number().min(0).max(600_000)
const side = z.number().int().min(2).max(8192)

/** A profile as go-livepeer writes it in webhooks and pushes. */
const profile = z.object({
  name: z.string().max(60).optional(),
  ...{ width: side, height: side, bitrate: z.number().int().min(1000).max(1_000_000_000) },
  fps: z.number().int().min(0).max(1_000_000).default(0),
  fpsDen: z.number().int().min(0).max(1_000_000).default(1),
  profile: z.string().max(40).optional(),
  gop: z
    .string()
    .regex(/^(|intra|\d{1,5}(\.\d{1,6})?)$/, 'must be seconds, or intra')
    .optional(),
  encoder: z.string().max(20).optional(),
  quality: z.number().int().min(0).max(63).default(0),
})

const schema = z.object({
  /** The donor's own name for this donation; each is taken once. */
  id: z.string().regex(/^[A-Za-z0-9._-]{8,80}$/, 'must be 8 to 80 letters, digits, dots, hyphens or underscores'),
  /** Unix milliseconds at which it was sent. */
  timeMs: z.number().int().min(0).max(Number.MAX_SAFE_INTEGER),
  manifestId: z.string().min(1).max(200),
  seq: z.number().int().min(0).max(Number.MAX_SAFE_INTEGER),
  source: z.object({ contentHash, durationMs: ms.optional() }),
  renditions: z.array(z.object({ contentHash, profile })).min(1).max(MOST_RENDITIONS),
  orchestrator: z
    .object({
      address: z
        .string()
        .regex(/^0x[0-9a-fA-F]{40}$/)
        .transform((text) => text.toLowerCase() as Hex)
        .optional(),
      /** Only kept as text: it is never connected to. */
      uri: z.string().max(500).optional(),
    })
    .optional(),
  latency: z.object({ uploadMs: ms, transcodeMs: ms, downloadMs: ms, totalMs: ms }).optional(),
})

export type DonationEvent = z.output<typeof schema>

export function readEvent(text: string): DonationEvent {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw refusal(400, 'event', 'the part event is no JSON')
  }
  const read = schema.safeParse(value)
  if (read.success) return read.data
  const { path, message } = read.error.issues[0] ?? { path: [], message: 'not understood' }
  throw refusal(400, 'event', `event.${path.join('.')}: ${message}`)
}

const CODECS: Readonly<Record<string, number>> = { '': 0, h264: 0, h265: 1, hevc: 1, vp8: 2, vp9: 3 }
const H264: Readonly<Record<string, number>> = { h264baseline: 1, h264main: 2, h264high: 3, h264constrainedhigh: 4 }

/** What was ordered, as the verdict wants it. */
export function orderedProfile({ profile: asked }: DonationEvent['renditions'][number]): Profile {
  const { width, height, bitrate, fps, fpsDen, gop = '', quality } = asked
  return {
    ...{ width, height, bitrate, quality, container: 0 },
    ...(fps === 0 ? { fpsNum: 0, fpsDen: 1 } : { fpsNum: fps, fpsDen: Math.max(1, fpsDen) }),
    codec: CODECS[(asked.encoder ?? '').toLowerCase().replace(/[^a-z0-9]/g, '')] ?? 0,
    h264Profile: H264[(asked.profile ?? '').toLowerCase()] ?? 0,
    gopMs: gop === 'intra' ? -1 : Math.round(Number(gop) * 1000),
  }
}
