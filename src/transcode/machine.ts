import { createReadStream } from 'node:fs'
import { rm, statfs, writeFile } from 'node:fs/promises'
import { freemem } from 'node:os'
import { join } from 'node:path'
import { FishermanError, messageOf } from '../base/errors.ts'

const MIB = 1024 ** 2
/** Free bytes of a scratch folder below which a run may have failed for want of them. */
const ROOM_BYTES = 64 * MIB
/** Free bytes of memory below which a run that was refused some had no fair chance. */
const MEMORY_BYTES = 256 * MIB
const TRIAL = Buffer.alloc(MIB, 0x5a)

export interface MachineUse {
  /** Where a run writes. */
  folder: string
  /** Files that it reads. */
  inputs: readonly string[]
  /** Trouble that ffmpeg named. */
  trouble: string | undefined
}

/**
 * Asked after each run that failed, before anybody is blamed: the disk and the memory themselves, since what ffmpeg says of them may be a
 * hostile file's invention. Throws `machine-trouble` (ours) where a run cannot do its work here now, whoever made it fail.
 */
export async function requireSoundMachine(use: MachineUse): Promise<void> {
  const why = await weakness(use)
  if (why === undefined) return
  const said = use.trouble === undefined ? '' : ` (ffmpeg: ${use.trouble})`
  throw new FishermanError({
    code: 'machine-trouble',
    message: `media cannot be judged on this machine now: ${why}${said}. Nobody is blamed; it is tried again later`,
    blame: 'ours',
    details: { folder: use.folder },
  })
}

async function weakness({ folder, inputs, trouble }: MachineUse): Promise<string | undefined> {
  try {
    const { bavail, bsize, blocks } = await statfs(folder)
    // Some file systems do not tell: there the trial alone must do.
    if (blocks > 0 && bavail * bsize < ROOM_BYTES)
      return `${folder} has ${Math.floor((bavail * bsize) / MIB)} MiB free and ${ROOM_BYTES / MIB} are needed; free some space`
    await tryToWrite(join(folder, 'trial'))
  } catch (error) {
    return `${folder} cannot be written: ${messageOf(error)}`
  }
  for (const path of inputs) {
    try {
      await tryToRead(path)
    } catch (error) {
      return `${path} cannot be read: ${messageOf(error)}`
    }
  }
  if (trouble === 'Cannot allocate memory' && freemem() < MEMORY_BYTES)
    return `it has ${Math.floor(freemem() / MIB)} MiB of memory free and ${MEMORY_BYTES / MIB} are needed; run fewer jobs at once`
  return undefined
}

async function tryToWrite(path: string): Promise<void> {
  try {
    await writeFile(path, TRIAL)
  } finally {
    await rm(path, { force: true })
  }
}

async function tryToRead(path: string): Promise<void> {
  for await (const _ of createReadStream(path, { highWaterMark: MIB })) {
    // Only whether it can be read to its end.
  }
}
