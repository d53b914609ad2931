import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'

/** Ticks a second of /proc, the same on every Linux. */
const TICKS = 100
export const CAN_COUNT_CHILDREN = existsSync('/proc/self/stat')

/** CPU seconds of this process and of all children that have ended, with theirs; user and system. */
function cpuSeconds(): number {
  const { user, system } = process.cpuUsage()
  if (!CAN_COUNT_CHILDREN) return (user + system) / 1e6
  const stat = readFileSync('/proc/self/stat', 'latin1')
  // The name, in brackets, may hold spaces; cutime and cstime are fields 16 and 17, the second word after it is field 4.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (user + system) / 1e6 + (Number(fields[13]) + Number(fields[14])) / TICKS
}

export interface Usage {
  cpuS: number
  wallS: number
}

/** What one run of `work` costs, mean of `times` runs in a row. */
export async function usageOf(work: () => Promise<unknown>, times = 1): Promise<Usage> {
  const cpu = cpuSeconds()
  const start = performance.now()
  for (let i = 0; i < times; i++) await work()
  return { cpuS: (cpuSeconds() - cpu) / times, wallS: (performance.now() - start) / 1000 / times }
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? (sorted[middle] ?? Number.NaN) : ((sorted[middle - 1] ?? 0) + (sorted[middle] ?? 0)) / 2
}

function kib(pid: string, field: string): number {
  try {
    return Number(new RegExp(`${field}:\\s+(\\d+)`).exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1] ?? 0)
  } catch {
    return 0
  }
}

/** All descendants of a process. */
function descendants(pid: string): string[] {
  try {
    const own = readdirSync(`/proc/${pid}/task`).flatMap((task) =>
      readFileSync(`/proc/${pid}/task/${task}/children`, 'latin1').split(' ').filter(Boolean),
    )
    return own.flatMap((child) => [child, ...descendants(child)])
  } catch {
    // It ended while we looked.
    return []
  }
}

/** Peak memory of a job in MB: that of its largest child process, and how much this process grew. */
export async function peakOf(work: () => Promise<unknown>): Promise<{ childMb: number; ownMb: number }> {
  let childKib = 0
  const timer = setInterval(() => {
    for (const pid of descendants(String(process.pid))) childKib = Math.max(childKib, kib(pid, 'VmHWM'))
  }, 5)
  globalThis.gc?.()
  // Forgets the peak so far.
  writeFileSync('/proc/self/clear_refs', '5')
  const before = kib('self', 'VmRSS')
  await work()
  clearInterval(timer)
  return { childMb: childKib / 1024, ownMb: (kib('self', 'VmHWM') - before) / 1024 }
}
