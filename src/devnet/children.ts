import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { z } from 'zod'
import { deadline, sleep } from '../base/clock.ts'
import { FishermanError } from '../base/errors.ts'
import { childEnvironment } from '../config/child-env.ts'

/** The project's folder: both `src/devnet/` and the built `dist/app/` lie two below it. */
export const projectRoot = fileURLToPath(new URL('../..', import.meta.url))

/**
 * Runs first in every child: our end of its standard input closes however we die, and then it ends too, politely first. Without it a
 * killed demo would leave a network behind.
 */
const LEASH =
  'data:text/javascript,' +
  encodeURIComponent(
    "process.stdin.on('end',()=>{process.kill(process.pid,'SIGTERM');setTimeout(()=>process.kill(process.pid,'SIGKILL'),3000)})" +
      ".on('error',()=>{}).resume();process.stdin.unref?.()",
  )

export interface Child {
  readonly name: string
  readonly logFile: string
  /** Exit code, or undefined while it runs; -1 when a signal ended it. */
  exitCode(): number | undefined
  readonly exited: Promise<number>
  /** Ends it and its process group at once, as a crash would. */
  kill(): void
  /** Asks it to end, insists after a while, and takes its whole process group with it. */
  stop(): Promise<void>
}

const POLITE_MS = 6000

/** Starts `fisherman ...args` as its own process group, its output in a log file. */
export function startChild(init: { name: string; args: readonly string[]; logFile: string; program?: string }): Child {
  const program = init.program ?? join(projectRoot, 'bin/fisherman.mjs')
  const log = openSync(init.logFile, 'a', 0o600)
  let child: ChildProcess
  try {
    child = spawn(process.execPath, ['--import', LEASH, program, ...init.args], {
      stdio: ['pipe', log, log],
      // Its own group: Ctrl-C in a terminal reaches us alone, and we end things in order.
      detached: true,
      env: childEnvironment(),
    })
  } finally {
    closeSync(log)
  }
  let code: number | undefined
  const exited = new Promise<number>((resolve) => {
    const settle = (value: number) => {
      code ??= value
      resolve(code)
    }
    child.once('exit', (value) => settle(value ?? -1))
    child.once('error', () => settle(-1))
  })
  child.stdin?.on('error', () => undefined)
  const signalAll = (signal: NodeJS.Signals, group: boolean) => {
    if (child.pid === undefined) return
    try {
      process.kill(group ? -child.pid : child.pid, signal)
    } catch {
      // Already gone.
    }
  }
  return {
    name: init.name,
    logFile: init.logFile,
    exitCode: () => code,
    exited,
    kill: () => signalAll('SIGKILL', true),
    async stop() {
      if (code === undefined) {
        signalAll('SIGTERM', false)
        const patience = new AbortController()
        await Promise.race([exited, sleep(POLITE_MS, patience.signal).catch(() => undefined)])
        patience.abort()
      }
      signalAll('SIGKILL', true)
      await exited
    },
  }
}

const announced = z.looseObject({
  // A daemon that only watches has none.
  address: z.string().nullable(),
  http: z.string().optional(),
  pid: z.number().optional(),
})
export type Announced = z.output<typeof announced>

/** Waits for a child's daemon.json. */
export async function whenReady(
  child: Child,
  dataDir: string,
  options: { signal: AbortSignal; timeoutMs: number },
): Promise<Announced> {
  const signal = deadline(options.timeoutMs, options.signal)
  for (;;) {
    const text = await readFile(join(dataDir, 'daemon.json'), 'utf8').catch(() => undefined)
    const facts = text === undefined ? undefined : readAnnounced(text)
    if (facts) return facts
    if (child.exitCode() !== undefined) throw failed(child, `ended with code ${child.exitCode()}`, await lastLine(child.logFile))
    if (options.signal.aborted) throw options.signal.reason
    if (signal.aborted) throw failed(child, `was not ready after ${options.timeoutMs / 1000} s`, await lastLine(child.logFile))
    await sleep(50, signal).catch(() => undefined)
  }
}

/** A file that is still being written is no answer yet. */
function readAnnounced(text: string): Announced | undefined {
  try {
    return announced.parse(JSON.parse(text))
  } catch {
    return undefined
  }
}

export async function lastLine(file: string): Promise<string> {
  const text = await readFile(file, 'utf8').catch(() => '')
  return (text.trimEnd().split('\n').at(-1) ?? '').slice(0, 400)
}

function failed(child: Child, what: string, line: string): FishermanError {
  return new FishermanError({
    code: 'child-failed',
    message: `${child.name} ${what}${line ? `; its last line: ${line}` : ''}; --keep keeps all logs`,
    blame: 'ours',
  })
}
