import { readFile } from 'node:fs/promises'
import { z } from 'zod'
import type { Hex } from '../../proofs/types.ts'
import { messageOf } from '../base/errors.ts'
import { createLateFile } from '../base/late-file.ts'
import type { Logger } from '../base/log.ts'
import type { Trust } from '../court/trust.ts'

/** Our opinion of each member over restarts: whoever had lost our trust has not won it back because we were switched off. */
export interface TrustFile {
  loaded: ReadonlyMap<Hex, Trust>
  save(trust: ReadonlyMap<Hex, Trust>): void
  /** Writes what is not written yet. */
  close(): Promise<void>
}

/** Milliseconds between two writes: a crash forgets a few opinions, and what they came from comes again. */
const WRITE_EVERY_MS = 2_000

const content = z.record(z.string().regex(/^0x[0-9a-f]{40}$/), z.object({ value: z.number(), faults: z.number().int().min(0) }))

export async function openTrustFile(file: string, deps: { log: Logger }): Promise<TrustFile> {
  const loaded = new Map(Object.entries(await load(file, deps.log))) as Map<Hex, Trust>
  let latest: ReadonlyMap<Hex, Trust> = loaded
  const written = createLateFile(
    {
      ...{ file, everyMs: WRITE_EVERY_MS, trouble: 'Our opinion of other members could not be kept' },
      text: () => JSON.stringify(Object.fromEntries(latest)),
    },
    deps,
  )

  return {
    loaded,
    save(trust) {
      latest = trust
      written.changed()
    },
    close: written.close,
  }
}

async function load(file: string, log: Logger): Promise<Record<string, Trust>> {
  const text = await readFile(file, 'utf8').catch(() => undefined)
  if (text === undefined) return {}
  try {
    return content.parse(JSON.parse(text))
  } catch (error) {
    // An opinion decides only whose seal lets us sleep: everybody is a newcomer again.
    log.warn('What we thought of other members is unreadable, beginning anew', { file, reason: messageOf(error) })
    return {}
  }
}
