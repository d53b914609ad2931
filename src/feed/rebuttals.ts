import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Hex } from '../../proofs/types.ts'
import type { HttpApp } from '../base/http.ts'
import { writeWholeFile } from '../base/whole-file.ts'

// What an accused has to say. Its hash stands on the chain beside the case; the words are served here, by that hash, to anybody.

/** Bytes of a rebuttal at most: a page or two, not a video. */
export const MAX_REBUTTAL_BYTES = 64 * 1024

/** Of the files in a folder of rebuttals, behind their hashes. */
export const REBUTTAL_SUFFIX = '.txt'

const HASH = /^0x[0-9a-f]{64}$/

export function rebuttalPath(hash: Hex): string {
  return `/fisherman/v1/rebuttals/${hash}`
}

/** Puts a rebuttal where a node's feed serves it from; the bytes are on disk when it resolves. */
export async function publishRebuttal(folder: string, hash: Hex, bytes: Uint8Array): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  await writeWholeFile(fileOf(folder, hash), bytes)
}

/** Its bytes; undefined where they are not there. */
export async function readRebuttal(folder: string, hash: Hex): Promise<Buffer | undefined> {
  const bytes = await readFile(fileOf(folder, hash)).catch(() => undefined)
  return bytes && bytes.length <= MAX_REBUTTAL_BYTES ? bytes : undefined
}

export function rebuttalRoutes(app: HttpApp, { folder }: { folder: string }): void {
  app.get('/fisherman/v1/rebuttals/:hash', async (request, reply) => {
    const { hash } = request.params as { hash: string }
    if (!HASH.test(hash))
      return reply.code(400).send({ error: 'a rebuttal is asked for by its keccak256: 0x and 64 lower-case hex digits' })
    const bytes = await readRebuttal(folder, hash as Hex)
    if (!bytes) return reply.code(404).send({ error: 'this node has no such rebuttal' })
    // Somebody else's words: never a page of this origin.
    return reply
      .header('content-type', 'text/plain; charset=utf-8')
      .header('x-content-type-options', 'nosniff')
      .header('content-security-policy', "default-src 'none'; sandbox")
      .send(bytes)
  })
}

function fileOf(folder: string, hash: Hex): string {
  return join(folder, `${hash}${REBUTTAL_SUFFIX}`)
}
