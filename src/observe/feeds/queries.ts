import { z } from 'zod'
import type { Hex } from '../../../proofs/types.ts'

const address = z
  .string()
  .regex(/^0x[0-9a-fA-F]{40}$/, 'must be an address: 0x and 40 hex digits')
  .transform((text) => text.toLowerCase() as Hex)
const seconds = z
  .string()
  .regex(/^\d{1,12}$/, 'must be Unix seconds')
  .transform(Number)
const name = z.string().max(100, 'is too long')
/** Livepeer's own clients send empty parameters for "all". */
const maybe = <T extends z.ZodType>(schema: T) =>
  z.preprocess((value) => (value === '' ? undefined : value), schema.optional()) as z.ZodType<z.output<T> | undefined>

/** Of `/api/aggregated_stats` and `/api/raw_stats`: Livepeer's parameters, and `preset`, `floor`, `unknown` of our own. */
export const statsQuery = z.object({
  orchestrator: maybe(address),
  region: maybe(name),
  since: maybe(seconds),
  until: maybe(seconds),
  pipeline: maybe(name),
  model: maybe(name),
  preset: maybe(name),
  floor: z.coerce.number().min(0).max(1).default(1),
  unknown: z.enum(['pass', 'omit']).default('pass'),
})
export type StatsQuery = z.output<typeof statsQuery>

export const webhookQuery = z.object({
  preset: maybe(name),
  top: z.coerce.number().int().min(1).max(2000).default(2000),
  unknown: z.enum(['pass', 'omit']).default('pass'),
  trust: z.enum(['all', 'known']).default('all'),
})
export type WebhookQuery = z.output<typeof webhookQuery>

const time = z.number().min(0).max(3600)
const count = z.number().int().min(0).max(1_000_000)
/** What Livepeer's stream tester posts after each run. */
export const postedStat = z.object({
  region: z.string().max(100),
  orchestrator: address,
  success_rate: z.number().min(0).max(1),
  round_trip_time: time,
  errors: z
    .array(z.object({ error_code: z.string().max(100), count }))
    .max(100)
    .nullish()
    .transform((list) => list ?? []),
  timestamp: z.number().int().min(0).max(1e12),
  seg_duration: time.default(0),
  segments_sent: count.default(0),
  segments_received: count.default(0),
  upload_time: time.default(0),
  download_time: time.default(0),
  transcode_time: time.default(0),
})

/** What a gateway posts for each new stream. */
export const authBody = z.object({ url: z.string().max(4096) })
export type AuthBody = z.output<typeof authBody>
