import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'

/** A shell that somebody types into. */
export interface Terminal {
  /** Everything that it showed so far. */
  shown(): string
  /** Types a line and waits for the prompt; the exit code. */
  type(line: string, deadlineMs: number): Promise<number>
  /** Types a line that keeps running. */
  leave(line: string): void
  /** Waits until something is shown. */
  until(condition: (shown: string) => boolean, deadlineMs: number): Promise<boolean>
  /** Ctrl-C, and then the prompt; the exit code of what ran. */
  interrupt(deadlineMs: number): Promise<number>
  close(): Promise<void>
}

const MAX_CHARS = 8 << 20

export function openTerminal(init: { cwd: string; env: Readonly<Record<string, string>> }): Terminal {
  const child = spawn('bash', ['--noprofile', '--norc'], {
    ...{ cwd: init.cwd, env: init.env, detached: true },
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  let shown = ''
  let ended = false
  const watchers = new Set<() => void>()
  const changed = () => {
    for (const look of watchers) look()
  }
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (data: Buffer) => {
      shown = (shown + data.toString('utf8')).slice(-MAX_CHARS)
      changed()
    })
  child.stdin.on('error', () => undefined)
  const closed = new Promise<void>((resolve) => {
    child.once('close', () => {
      ended = true
      changed()
      resolve()
    })
  })
  // Ctrl-C is for what runs in the shell, not for the shell.
  child.stdin.write("trap ':' INT\n")

  function until(condition: (text: string) => boolean, deadlineMs: number): Promise<boolean> {
    return new Promise((resolve) => {
      const done = (value: boolean) => {
        clearTimeout(timer)
        watchers.delete(look)
        resolve(value)
      }
      const look = () => {
        if (condition(shown)) done(true)
        else if (ended) done(false)
      }
      const timer = setTimeout(() => done(condition(shown)), deadlineMs)
      watchers.add(look)
      look()
    })
  }

  let prompt: RegExp | undefined
  function send(line: string): void {
    const mark = randomUUID()
    prompt = new RegExp(`\\n${mark} (\\d+)\\n`)
    child.stdin.write(`${line}\nprintf '\\n${mark} %d\\n' $?\n`)
  }
  async function finished(deadlineMs: number): Promise<number> {
    const wanted = prompt
    if (!wanted) throw new Error('nothing was typed')
    if (!(await until((text) => wanted.test(text), deadlineMs)))
      throw new Error(`no prompt after ${deadlineMs / 1000} s; the last lines:\n${shown.slice(-3000)}`)
    const code = Number(wanted.exec(shown)?.[1])
    shown = shown.replace(wanted, '\n')
    return code
  }

  return {
    shown: () => shown,
    until,
    async type(line, deadlineMs) {
      send(line)
      return await finished(deadlineMs)
    },
    leave: send,
    async interrupt(deadlineMs) {
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGINT')
      return await finished(deadlineMs)
    },
    async close() {
      try {
        if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL')
      } catch {
        // It is gone, with all that ran in it.
      }
      await closed
    },
  }
}
