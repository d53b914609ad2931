import { join } from 'node:path'
import { systemClock } from './base/clock.ts'
import { PLACES } from './config/paths.ts'
import { createEvidenceStore, type EvidenceStore } from './prooflog/evidence.ts'
import { openProofLog, type ProofLog } from './prooflog/log.ts'
import { type Repaired, repairProofLog } from './prooflog/repair.ts'

export { ENTRY_KINDS, type Entry, type EntryKind, encodeEntry, entryHash } from './prooflog/entry.ts'
export type { ProofLog } from './prooflog/log.ts'

/** Opens the proof log of a data folder to look at it; whosever it is, but never one that does not exist. */
export async function openArchive(dataDir: string): Promise<ProofLog> {
  return await openProofLog({ folder: join(dataDir, PLACES.log) }, { clock: systemClock })
}

/** The bundles beside that log. */
export function evidenceOf(dataDir: string, log: ProofLog): EvidenceStore {
  return createEvidenceStore({ folder: join(dataDir, PLACES.bundles) }, { log, nowMs: systemClock.nowMs })
}

export async function repairArchive(dataDir: string, options: { onStep?: (step: string) => void }): Promise<Repaired> {
  return await repairProofLog(join(dataDir, PLACES.log), { clock: systemClock, ...options })
}
