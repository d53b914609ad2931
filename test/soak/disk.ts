import { spawnSync } from 'node:child_process'
import { closeSync, fstatSync, ftruncateSync, openSync, rmSync, writeSync } from 'node:fs'
import { join } from 'node:path'

/** A small disk of its own for one folder. */
export interface Disk {
  /** Takes all space that is left, but for so many bytes. */
  fill(spareBytes?: number): void
  free(): void
  unmount(): void
}

const CHUNK = Buffer.alloc(256 * 1024)

/** Mounts one on an empty folder; a string says why this machine does not allow it. */
export function mountDisk(folder: string, bytes: number): Disk | string {
  if (process.platform !== 'linux') return 'only Linux mounts a small disk in memory'
  const { status, stderr, error } = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${bytes},mode=700`, 'tmpfs', folder])
  if (status !== 0) return `mount: ${error?.message ?? stderr.toString().trim()}`
  const ballast = join(folder, 'ballast')
  return {
    fill(spareBytes = 0) {
      const file = openSync(ballast, 'a')
      try {
        for (;;) if (writeSync(file, CHUNK) < CHUNK.length) break
      } catch {
        // Full.
      } finally {
        ftruncateSync(file, Math.max(0, fstatSync(file).size - spareBytes))
        closeSync(file)
      }
    },
    free: () => rmSync(ballast, { force: true }),
    unmount: () => void spawnSync('umount', ['-l', folder]),
  }
}
