import { readFile } from 'node:fs/promises'
import { decodeStatement, type Statement } from '../../proofs/codec.ts'
import { bytesToHex, hexToBytes } from '../../proofs/signature.ts'
import type { Hex } from '../../proofs/types.ts'
import { messageOf } from '../base/errors.ts'
import { createLateFile } from '../base/late-file.ts'
import type { Logger } from '../base/log.ts'

/** The last log head of each fisherman, kept for it: small, and on disk, since all of us may restart at once. */
export interface HeadStore {
  last(fisherman: Hex): Uint8Array | undefined
  /** Keeps the longest history of the newest life. */
  keep(statement: Statement<'head'>, bytes: Uint8Array): void
  /** Writes what is not written yet. */
  close(): Promise<void>
}

/** Fishermen whose heads are kept. */
const MAX_KEPT = 4_096
/** Milliseconds between two writes: a crash forgets a few heads, and others keep them too. */
const WRITE_EVERY_MS = 2_000

export async function openHeadStore(file: string, deps: { log: Logger }): Promise<HeadStore> {
  const kept = new Map<Hex, { epoch: bigint; size: bigint; bytes: Uint8Array }>()
  for (const bytes of await load(file, deps.log)) {
    const { body } = decodeStatement('head', bytes) as Statement<'head'>
    kept.set(body.fisherman, { epoch: body.epoch, size: body.size, bytes })
  }
  const written = createLateFile(
    {
      ...{ file, everyMs: WRITE_EVERY_MS, trouble: 'Heads of other logs could not be kept' },
      text: () => JSON.stringify([...kept.values()].map(({ bytes }) => bytesToHex(bytes))),
    },
    deps,
  )

  return {
    last: (fisherman) => kept.get(fisherman)?.bytes,
    keep({ body: { fisherman, epoch, size } }, bytes) {
      const before = kept.get(fisherman)
      if (before && (before.epoch > epoch || (before.epoch === epoch && before.size >= size))) return
      kept.delete(fisherman)
      kept.set(fisherman, { epoch, size, bytes })
      if (kept.size > MAX_KEPT) kept.delete(kept.keys().next().value as Hex)
      written.changed()
    },
    close: written.close,
  }
}

async function load(file: string, log: Logger): Promise<Uint8Array[]> {
  const text = await readFile(file, 'utf8').catch(() => undefined)
  if (text === undefined) return []
  try {
    const list = (JSON.parse(text) as Hex[]).map(hexToBytes)
    for (const bytes of list) decodeStatement('head', bytes)
    return list
  } catch (error) {
    // Ours to lose: the others keep the same heads, and new ones come every minute.
    log.warn('Kept heads of other logs are unreadable, beginning anew', { file, reason: messageOf(error) })
    return []
  }
}
