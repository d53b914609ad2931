import { accessSync, constants, statSync } from 'node:fs'
import { chmod, writeFile } from 'node:fs/promises'
import { delimiter, isAbsolute, join } from 'node:path'
import { FishermanError } from '../base/errors.ts'
import type { MediaLimits } from './types.ts'

/** Where a system keeps its programs, searched after `searchPath`. */
const SYSTEM_PATH = ['/usr/local/bin', '/usr/bin', '/bin', '/opt/homebrew/bin']

/** Absolute path of an executable, or undefined. Asked before each run: a missing binary would be an uncaught crash later. */
export function findProgram(name: string, searchPath: string): string | undefined {
  const candidates =
    isAbsolute(name) || name.includes('/') ? [name] : [...searchPath.split(delimiter), ...SYSTEM_PATH].map((d) => join(d, name))
  return candidates.find((path) => {
    try {
      accessSync(path, constants.X_OK)
      return statSync(path).isFile()
    } catch {
      return false
    }
  })
}

const quote = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`

/**
 * Writes the one wrapper that media runs through: an empty environment (a broken-into decoder must not see our secrets) and,
 * where prlimit is there, limits of CPU time, address space and file size, and no core dumps.
 */
export async function writeWrapper(path: string, ffmpeg: string, searchPath: string, limits: MediaLimits): Promise<void> {
  const prlimit = findProgram('prlimit', searchPath)
  const limited = prlimit
    ? `${quote(prlimit)} --cpu=${limits.cpuSeconds} --as=${limits.addressBytes} --fsize=${limits.outputBytes} --core=0 -- `
    : ''
  await writeFile(path, `#!/bin/sh\nexec env -i PATH=/usr/bin:/bin LC_ALL=C ${limited}${quote(ffmpeg)} "$@"\n`)
  await chmod(path, 0o700)
}

/** Throws where ffmpeg is not there. */
export function requireFfmpeg(name: string, searchPath: string): string {
  const found = findProgram(name, searchPath)
  if (found) return found
  throw new FishermanError({
    code: 'ffmpeg-missing',
    message: `cannot find ffmpeg (${name}); install it ("apt-get install ffmpeg") or say where it is`,
    blame: 'ours',
    details: { ffmpeg: name },
  })
}
