import { join } from 'node:path'
import { systemClock } from './base/clock.ts'
import { openProofLog, type ProofLog } from './prooflog/log.ts'

export { ENTRY_KINDS, type Entry, encodeEntry, entryHash } from './prooflog/entry.ts'
export type { ProofLog } from './prooflog/log.ts'

/** Opens the proof log of a data folder to look at it; whosever it is, but never one that does not exist. */
export async function openArchive(dataDir: string): Promise<ProofLog> {
  return await openProofLog({ folder: join(dataDir, 'proofs') }, { clock: systemClock })
}
