import { access } from 'node:fs/promises'
import { join } from 'node:path'
import { openGuard } from './attest/guard.ts'
import { exportGuard, readGuardFile } from './attest/guard-file.ts'
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

/** Writes all that a key has said to a file and stops it here: a key signs in one place. The number of things said. */
export async function exportKeyGuard(dataDir: string, file: string): Promise<number> {
  const guard = await openGuard(join(dataDir, PLACES.guard))
  try {
    const count = await exportGuard(guard, file)
    const day = new Date(systemClock.nowMs()).toISOString().slice(0, 10)
    await guard.stop(
      `this key moved away: its guard was exported on ${day}. Import the file where it shall sign, or here to bring it back`,
    )
    return count
  } finally {
    await guard.close()
  }
}

/** Takes over what a key has said elsewhere; refuses the file of another key than this folder's. */
export async function importKeyGuard(dataDir: string, file: string): Promise<{ owner: string; count: number; epoch: bigint }> {
  const read = await readGuardFile(file)
  const logFolder = join(dataDir, PLACES.log)
  // A folder that has a log has an owner: it must be the same.
  if (
    await access(join(logFolder, 'CURRENT')).then(
      () => true,
      () => false,
    )
  )
    await (await openProofLog({ folder: logFolder, identity: read.owner }, { clock: systemClock })).close()
  const guard = await openGuard(join(dataDir, PLACES.guard), read.owner)
  try {
    const count = await guard.absorb(read.said, read.epoch + 1n)
    return { owner: guard.owner, count, epoch: guard.epoch() }
  } finally {
    await guard.close()
  }
}
