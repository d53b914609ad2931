import { execFile } from 'node:child_process'
import { chmod, mkdir, mkdtemp, rm, statfs, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { messageOf } from '../base/errors.ts'
import { canDrawText } from '../fingerprint/sheet.ts'
import { install } from './mend.ts'
import type { CheckUp, Finding } from './types.ts'

const MIB = 1024 ** 2
/** A few jobs of the longest segments at once; a job writes at most 1 GiB a file, and hardly ever a tenth of it. */
const WANTED_BYTES = 2048 * MIB
/** One ordinary job. */
const NEEDED_BYTES = 256 * MIB

const mebibytes = (bytes: number): string => `${Math.floor(bytes / MIB)} MiB`

async function bytesFree(folder: string): Promise<number> {
  const { bavail, bsize } = await statfs(folder)
  return bavail * bsize
}

/** The wrapper of each job is a script in the scratch folder: a file system that runs nothing would stop them all. */
async function runsScripts(folder: string): Promise<boolean> {
  const script = join(folder, 'script')
  await writeFile(script, '#!/bin/sh\nexit 0\n')
  await chmod(script, 0o700)
  return await new Promise((resolve) => execFile(script, { timeout: 10_000 }, (error) => resolve(error === null)))
}

export const scratchCheckUp: CheckUp = {
  name: 'scratch',
  look: async ({ init, deps }) => {
    const name = 'scratch'
    const { scratchDir } = init
    const mend = 'set TMPDIR to a folder on a disk with room'
    let folder: string | undefined
    try {
      await mkdir(scratchDir, { recursive: true })
      folder = await mkdtemp(join(scratchDir, 'place-'))
      if (!(await runsScripts(folder))) {
        return [{ name, state: 'failed', says: `${scratchDir} lies on a file system that runs no programs (noexec)`, mend }]
      }
      const free = await (deps.freeBytes ?? bytesFree)(folder)
      const says = `${scratchDir} has ${mebibytes(free)} free`
      const state = free < NEEDED_BYTES ? 'failed' : free < WANTED_BYTES ? 'warning' : 'ok'
      return [{ name, state, says, ...(state === 'ok' ? {} : { mend }) }]
    } catch (error) {
      return [{ name, state: 'failed', says: `${scratchDir} cannot be written: ${messageOf(error)}`, mend }]
    } finally {
      if (folder) await rm(folder, { recursive: true, force: true }).catch(() => undefined)
    }
  },
}

export const fontCheckUp: CheckUp = {
  name: 'fonts',
  look: async ({ deps }): Promise<Finding[]> => {
    if (await (deps.canDrawText ?? canDrawText)()) return [{ name: 'fonts', state: 'ok', says: 'contact sheets can be labelled' }]
    const mend = install(deps.machine?.platform ?? process.platform, 'fonts-dejavu-core', '--cask font-dejavu')
    return [{ name: 'fonts', state: 'warning', says: 'none found: letters on contact sheets are boxes', mend }]
  },
}
