import { readFileSync, statSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { z } from 'zod'
import { FishermanError, messageOf } from '../base/errors.ts'
import { NETWORKS } from './schema.ts'

// What somebody who joins a network must know, in one file: whoever runs the network hands it out, `fisherman init --join` reads it.

const url = z
  .string()
  .max(2000)
  .regex(/^https?:\/\/[^\s,]+$/, 'must be an http or https URL')

const networkFile = z.strictObject({
  network: z.enum(NETWORKS),
  rpc: z.array(url).min(1).max(20),
  /** Relative to the file. */
  deployment: z.string().min(1).max(4000),
  feeds: z
    .array(z.strictObject({ transcoder: z.string().regex(/^0x[0-9a-fA-F]{40}$/, 'must be 0x and 40 hex digits'), url }))
    .max(1000),
  bootstrap: z
    .array(
      z
        .string()
        .max(500)
        .regex(/^\/[^\s,]+$/, 'must be a multiaddr'),
    )
    .max(100),
})
export type NetworkFile = z.output<typeof networkFile>

/** No network has so many orchestrators that its file is larger. */
const MAX_BYTES = 1 << 20

/** Throws `network-file`, which names the file, the key and what is wrong with it. */
export function readNetworkFile(file: string): NetworkFile {
  let value: unknown
  try {
    if (statSync(file).size > MAX_BYTES) throw bad(`it is longer than ${MAX_BYTES} bytes`)
    value = JSON.parse(readFileSync(file, 'utf8'))
  } catch (cause) {
    throw bad(
      `cannot read the network file ${file} (${messageOf(cause).split('\n')[0]}); a local one is made by fisherman devnet up`,
    )
  }
  const result = networkFile.safeParse(value)
  if (result.success) return { ...result.data, deployment: resolve(dirname(file), result.data.deployment) }
  const issue = result.error.issues[0]
  throw bad(`${file}: ${issue?.path.join('.') || 'the file'}: ${issue?.message ?? 'is not valid'}`)
}

export function networkFileText(known: NetworkFile): string {
  return `${JSON.stringify(networkFile.parse(known), undefined, 2)}\n`
}

function bad(message: string): FishermanError {
  return new FishermanError({ code: 'network-file', message, blame: 'ours' })
}
