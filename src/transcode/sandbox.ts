import { execFile } from 'node:child_process'
import { accessSync, constants, statSync } from 'node:fs'
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, dirname, isAbsolute, join, resolve } from 'node:path'
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

/** How well media is locked up here: in a namespace of its own, by limits alone, or not at all. */
export interface SandboxReport {
  level: 'bubblewrap' | 'limits' | 'none'
  /** Why it is not bubblewrap. */
  reason?: string
  prlimit: string | undefined
  bwrap: string | undefined
}

export interface SandboxInit {
  ffmpeg: string
  searchPath: string
  /** Niceness of media work, 0 to 19; default 0. */
  nice?: number | undefined
  /** Device nodes that a hardware decoder needs. */
  devices?: readonly string[]
}

/** Writes the command that runs ffmpeg on these inputs, and returns its path. */
export type Wrapper = (inputs: readonly string[]) => Promise<string>

const quote = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`

/** What a program needs of a system to start: libraries and their index, nothing of anybody's. */
const SYSTEM = [
  ...['/usr', '/bin', '/sbin', '/lib', '/lib32', '/lib64', '/nix/store'],
  ...['/etc/ld.so.cache', '/etc/ld.so.conf', '/etc/ld.so.conf.d', '/etc/alternatives'],
]

function bwrapArgs(init: SandboxInit, folder: string, inputs: readonly string[]): string[] {
  const bind = (how: string, path: string): string[] => [how, path, path]
  return [
    ...['--die-with-parent', '--unshare-all', '--new-session', '--cap-drop', 'ALL', '--dev', '/dev', '--tmpfs', '/tmp'],
    ...SYSTEM.flatMap((path) => bind('--ro-bind-try', path)),
    ...bind('--ro-bind-try', dirname(init.ffmpeg)),
    ...(init.devices ?? []).flatMap((path) => bind('--dev-bind-try', path)),
    // Drivers know their device by what these say of it.
    ...(init.devices?.length ? ['--proc', '/proc', ...bind('--ro-bind-try', '/sys')] : []),
    ...bind('--bind', folder),
    ...inputs.flatMap((path) => bind('--ro-bind', path)),
    ...['--chdir', folder, '--'],
  ]
}

/**
 * The one way that media is run: an empty environment (a broken-into decoder must not see our secrets), limits of CPU time, address
 * space and file size without core dumps where prlimit is there, and where bubblewrap works no network, no processes but its own,
 * and no files but the system's libraries, its inputs and its scratch folder.
 */
export function createWrapper(
  init: SandboxInit,
  report: Pick<SandboxReport, 'prlimit' | 'bwrap'>,
  folder: string,
  limits: MediaLimits,
): Wrapper {
  let count = 0
  return async (inputs) => {
    const path = join(folder, `run-${count++}`)
    const limited = report.prlimit
      ? [
          ...[report.prlimit, `--cpu=${limits.cpuSeconds}`, `--as=${limits.addressBytes}`],
          ...[`--fsize=${limits.outputBytes}`, '--core=0', '--'],
        ]
      : []
    const locked = report.bwrap
      ? [
          report.bwrap,
          ...bwrapArgs(
            init,
            folder,
            inputs.map((input) => resolve(input)),
          ),
        ]
      : []
    const yielding = init.nice ? ['nice', '-n', String(init.nice)] : []
    const words = ['env', '-i', 'PATH=/usr/bin:/bin', 'LC_ALL=C', ...yielding, ...limited, ...locked, init.ffmpeg]
    await writeFile(path, `#!/bin/sh\nexec ${words.map(quote).join(' ')} "$@"\n`)
    await chmod(path, 0o700)
    return path
  }
}

const tried = new Map<string, Promise<SandboxReport>>()

/** Finds out, once a process, what this machine can lock media up with: bubblewrap counts only after it has run ffmpeg. */
export async function trySandbox(init: SandboxInit): Promise<SandboxReport> {
  const key = [init.ffmpeg, init.searchPath, ...(init.devices ?? [])].join('\n')
  const known = tried.get(key) ?? trial(init)
  tried.set(key, known)
  return await known
}

/** `limits` leaves bubblewrap out where it is in the way, as it may be of a driver. */
export type SandboxMode = 'auto' | 'limits'

/** What a job is to be run in. */
async function sandboxFor(init: SandboxInit, mode: SandboxMode = 'auto'): Promise<SandboxReport> {
  const report = await trySandbox(init)
  return mode === 'auto' || !report.bwrap
    ? report
    : { ...report, level: 'limits', reason: 'left out by the configuration', bwrap: undefined }
}

/** The wrapper of a job in its scratch folder, as well locked up as this machine can. */
export async function openWrapper(
  init: SandboxInit & { sandbox?: SandboxMode | undefined },
  folder: string,
  limits: MediaLimits,
): Promise<Wrapper> {
  return createWrapper(init, await sandboxFor(init, init.sandbox), folder, limits)
}

async function trial(init: SandboxInit): Promise<SandboxReport> {
  const prlimit = findProgram('prlimit', init.searchPath)
  const bwrap = findProgram('bwrap', init.searchPath)
  const without = (reason: string): SandboxReport => ({
    level: prlimit ? 'limits' : 'none',
    reason: prlimit ? reason : `${reason}; prlimit is not installed either`,
    prlimit,
    bwrap: undefined,
  })
  if (!bwrap) return without('bubblewrap is not installed')
  const folder = await mkdtemp(join(tmpdir(), 'fisherman-sandbox-'))
  try {
    const failed = await new Promise<string | undefined>((done) => {
      const args = [...bwrapArgs(init, folder, []), init.ffmpeg, '-version']
      execFile(bwrap, args, { timeout: 10_000, env: {} }, (error, _, stderr) =>
        done(error ? `bubblewrap does not work here: ${(stderr || error.message).trim().split('\n')[0]}` : undefined),
      )
    })
    return failed ? without(failed) : { level: 'bubblewrap', prlimit, bwrap }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
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
