import { readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

/** One process at one moment. */
export interface Look {
  /** Bytes that are held after all garbage was collected. */
  heap: number
  /** Of these, what V8 made of the program: byte code and machine code, with what belongs to them. */
  code: number
  rss: number
  sockets: number
  /** Open files, without sockets, pipes and the kernel's own. */
  files: number
  /** Open files that were deleted. */
  deleted: number
  /** Processes that it started, and theirs. */
  children: number
}

const PATIENCE_MS = 5_000

/** Collects the garbage of a daemon and looks at what is left; undefined where it does not answer. */
export async function lookAt({ pid, url, codeFile }: { pid: number; url: string; codeFile: string }): Promise<Look | undefined> {
  try {
    const before = await metricsOf(url)
    process.kill(pid, 'SIGUSR2')
    let after = before
    // It is told a little later than it is done.
    for (let tries = 0; tries < 10 && majorOf(after) <= majorOf(before); tries++) {
      await sleep(100)
      after = await metricsOf(url)
    }
    return {
      heap: metricOf(after, 'nodejs_heap_size_used_bytes'),
      code: Number(readFileSync(codeFile, 'utf8')),
      rss: rssOf(pid),
      ...handlesOf(pid),
      children: below(pid).length,
    }
  } catch {
    return undefined
  }
}

async function metricsOf(url: string): Promise<string> {
  const answer = await fetch(`${url}/metrics`, { signal: AbortSignal.timeout(PATIENCE_MS) })
  if (!answer.ok) throw new Error(`/metrics answers ${answer.status}`)
  return await answer.text()
}

export function metricOf(text: string, name: string): number {
  return Number(new RegExp(`^${name.replace(/[{}"]/g, '\\$&')} (\\S+)`, 'm').exec(text)?.[1] ?? Number.NaN)
}

const majorOf = (text: string) => metricOf(text, 'nodejs_gc_duration_seconds_count{kind="major"}') || 0

function rssOf(pid: number): number {
  return 1024 * Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0)
}

function handlesOf(pid: number): Pick<Look, 'sockets' | 'files' | 'deleted'> {
  const links = readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
    try {
      return [readlinkSync(`/proc/${pid}/fd/${fd}`)]
    } catch {
      // Closed meanwhile.
      return []
    }
  })
  const count = (fits: (link: string) => boolean) => links.filter(fits).length
  return {
    sockets: count((link) => link.startsWith('socket:')),
    files: count((link) => link.startsWith('/')),
    deleted: count((link) => link.startsWith('/') && link.endsWith(' (deleted)')),
  }
}

function pids(): number[] {
  return readdirSync('/proc').map(Number).filter(Number.isInteger)
}

function below(pid: number): number[] {
  const parents = new Map<number, number>()
  for (const one of pids()) {
    try {
      const stat = readFileSync(`/proc/${one}/stat`, 'utf8')
      parents.set(one, Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]))
    } catch {
      // It has ended meanwhile.
    }
  }
  const found: number[] = []
  for (let level = [pid]; level.length > 0; found.push(...level))
    level = [...parents].filter(([, parent]) => level.includes(parent)).map(([one]) => one)
  return found
}

/** Living processes, without this one, whose command names this text. */
export function naming(text: string): { pid: number; command: string }[] {
  return pids().flatMap((pid) => {
    try {
      const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim()
      return pid !== process.pid && command.includes(text) ? [{ pid, command: command.slice(0, 200) }] : []
    } catch {
      return []
    }
  })
}

/** Bytes in a folder's files of these names. */
export function bytesIn(folder: string, counts: (name: string) => boolean = () => true): number {
  let sum = 0
  try {
    for (const name of readdirSync(folder))
      if (counts(name)) sum += statSync(join(folder, name), { throwIfNoEntry: false })?.size ?? 0
  } catch {
    // Not there yet.
  }
  return sum
}
