import { mkdir, open, readdir, rm, stat, statfs } from 'node:fs/promises'
import { join } from 'node:path'
import type { Clock } from '../base/clock.ts'
import { messageOf } from '../base/errors.ts'
import { median } from '../base/median.ts'
import { PLACES } from '../config/paths.ts'
import type { InstallationCheckUp } from './installation.ts'

const MIB = 1024 ** 2
/** Written to see how fast the disk is: more than its own cache usually is, and half a second on a slow one. */
const TRIAL_BYTES = 32 * MIB
const BLOCK = Buffer.alloc(MIB, 0x5a)
const SYNCS = 9
/** The log waits for its disk before anything is said: beyond this, statements of a busy minute pile up. */
const SLOW_SYNC_MS = 50
/** A source and its renditions are a few MiB each few seconds. */
const SLOW_MIB_PER_SECOND = 20
/** Less than this stops the log. */
const NEEDED_BYTES = 256 * MIB

const gibibytes = (bytes: number): string => `${(bytes / 1024 ** 3).toFixed(1)} GiB`

/** The data folder can be written, fast enough, and has room for what its quotas allow. */
export const dataCheckUp: InstallationCheckUp = {
  name: 'data folder',
  look: async ({ config, clock, signal }) => {
    const name = 'data folder'
    const { dataDir, cacheBytes, evidenceBytes } = config
    try {
      await mkdir(dataDir, { recursive: true, mode: 0o700 })
      const { bavail, bsize } = await statfs(dataDir)
      const free = bavail * bsize
      const mend = 'free some space, set dataDir to another disk, or lower cacheBytes and evidenceBytes'
      if (free < NEEDED_BYTES) return [{ name, state: 'failed', says: `${dataDir} has ${gibibytes(free)} free`, mend }]
      const { syncMs, mibPerSecond } = await speedOf(dataDir, clock, signal)
      const speed = `writes ${mibPerSecond.toFixed(0)} MiB/s, a synced entry takes ${syncMs.toFixed(1)} ms`
      const used = (await Promise.all(['cache', PLACES.bundles].map((folder) => bytesIn(join(dataDir, folder))))).reduce(
        (sum, bytes) => sum + bytes,
      )
      const wanted = Math.max(0, cacheBytes + evidenceBytes - used)
      const says = `${dataDir} has ${gibibytes(free)} free; ${speed}`
      if (free < wanted)
        return [{ name, state: 'warning', says: `${says}; media and evidence may take ${gibibytes(wanted)} more`, mend }]
      if (syncMs > SLOW_SYNC_MS || mibPerSecond < SLOW_MIB_PER_SECOND)
        return [{ name, state: 'warning', says, mend: 'set dataDir to a folder on a faster disk' }]
      return [{ name, state: 'ok', says }]
    } catch (error) {
      signal.throwIfAborted()
      const says = `${dataDir} cannot be used: ${messageOf(error)}`
      return [{ name, state: 'failed', says, mend: 'set dataDir to a folder that this user may write' }]
    }
  },
}

async function speedOf(folder: string, clock: Clock, signal: AbortSignal): Promise<{ syncMs: number; mibPerSecond: number }> {
  const path = join(folder, `trial-${process.pid}`)
  const file = await open(path, 'wx', 0o600)
  try {
    const startedMs = clock.monotonicMs()
    for (let written = 0; written < TRIAL_BYTES; written += BLOCK.length) {
      signal.throwIfAborted()
      await file.write(BLOCK)
    }
    await file.sync()
    const mibPerSecond = TRIAL_BYTES / MIB / (Math.max(1, clock.monotonicMs() - startedMs) / 1000)
    const syncs: number[] = []
    for (let i = 0; i < SYNCS; i++) {
      const beganMs = clock.monotonicMs()
      await file.write(BLOCK.subarray(0, 512))
      await file.sync()
      syncs.push(clock.monotonicMs() - beganMs)
    }
    return { syncMs: median(syncs), mibPerSecond }
  } finally {
    await file.close()
    await rm(path, { force: true })
  }
}

/** Bytes of the files in a folder; 0 where there is none. */
async function bytesIn(folder: string): Promise<number> {
  const names = await readdir(folder).catch(() => [])
  let bytes = 0
  for (const name of names)
    bytes += await stat(join(folder, name)).then(
      (file) => (file.isFile() ? file.size : 0),
      () => 0,
    )
  return bytes
}
