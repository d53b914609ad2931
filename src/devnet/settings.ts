import { readFile } from 'node:fs/promises'
import { parse } from 'yaml'
import { z } from 'zod'
import type { Hex } from '../../proofs/types.ts'
import { FishermanError, messageOf } from '../base/errors.ts'

const address = z
  .string()
  .regex(/^0x[0-9a-fA-F]{40}$/, 'must be an address: 0x and 40 hex digits')
  .transform((text) => text.toLowerCase() as Hex)
const url = z.string().regex(/^https?:\/\/\S+$/, 'must be an http or https URL')
const positive = z.number().int().positive()

const common = {
  network: z.string().default('local'),
  /** Keeps blobs, scratch files and daemon.json. */
  dataDir: z.string().min(1),
  rpc: z.array(url).min(1),
  /** File that says where the contracts lie. */
  deployment: z.string().min(1),
  key: z.strictObject({ file: z.string().min(1), passwordFile: z.string().min(1) }),
  log: z
    .strictObject({
      level: z.enum(['debug', 'info', 'warn', 'error']).default('info'),
      format: z.enum(['human', 'json']).default('json'),
    })
    .prefault({}),
}

const orchestratorSchema = z.strictObject({
  ...common,
  http: z
    .strictObject({ host: z.string().default('127.0.0.1'), port: z.number().int().min(0).max(65535).default(0) })
    .prefault({}),
  /** Who may order; everybody when not given. */
  requesters: z.array(address).optional(),
  /** What to keep: closed windows, and bytes of media. */
  retention: z.strictObject({ windows: positive.default(10_000), bytes: positive.default(1_000_000_000) }).prefault({}),
  maxSegmentBytes: positive.max(100_000_000).default(16_000_000),
  /** Blob requests of one address. */
  rate: z.strictObject({ perSecond: positive.default(50), burst: positive.default(200) }).prefault({}),
})

const gatewaySchema = z.strictObject({
  ...common,
  /** Segments in order, as files that are cut already; or a video to cut. */
  segments: z.array(z.string()).min(1).optional(),
  video: z.string().min(1).optional(),
  orchestrators: z.array(z.strictObject({ transcoder: address, url })).min(1),
  /** Milliseconds between two segments of one stream. */
  everyMs: positive.default(4000),
  /** Begins again with new streams when all is sent, until it is stopped. */
  repeat: z.boolean().default(false),
})

export type OrchestratorSettings = z.output<typeof orchestratorSchema>
export type GatewaySettings = z.output<typeof gatewaySchema>

export const readOrchestratorSettings = (file: string) => readSettings(file, orchestratorSchema)
export const readGatewaySettings = (file: string) => readSettings(file, gatewaySchema)

/** YAML or JSON; the error names the file, the key and what is wrong with it. */
async function readSettings<T>(file: string, schema: z.ZodType<T>): Promise<T> {
  let value: unknown
  try {
    value = parse(await readFile(file, 'utf8'), { maxAliasCount: 10 })
  } catch (cause) {
    throw problem(
      `cannot read the configuration ${file} (${messageOf(cause).split('\n')[0]}); pass its path with --config`,
      cause,
    )
  }
  const result = schema.safeParse(value)
  if (result.success) return result.data
  const issue = result.error.issues[0]
  throw problem(`${file}: ${issue?.path.join('.') || 'the file'}: ${issue?.message ?? 'is not valid'}`)
}

function problem(message: string, cause?: unknown): FishermanError {
  return new FishermanError({ code: 'bad-config', message, blame: 'ours', ...(cause === undefined ? {} : { cause }) })
}
