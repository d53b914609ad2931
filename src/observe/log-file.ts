import { closeSync, fstatSync, ftruncateSync, openSync, renameSync, rmSync, writeSync } from 'node:fs'
import { FishermanError, messageOf } from '../base/errors.ts'

/**
 * A file that log lines go to. It never grows beyond its limit, and it never stops the program: what cannot be written is counted, and the count
 * is the first thing that is written when there is space again. Each line is in the kernel's hands when `write` returns, so that a crash loses none.
 */
export interface LogFile {
  /** One line, with its end. */
  write(line: string): void
  /** Closes it and opens what lies at its path now: somebody moved it away. */
  reopen(): void
  close(): void
}

export interface LogFileInit {
  file: string
  /** Bytes after which it becomes `file.1` and a new one is begun. */
  maxBytes: number
  /** Old ones that are kept. */
  keep: number
}

export function createLogFile(init: LogFileInit): LogFile {
  const { file, maxBytes, keep } = init
  let handle: number | undefined
  let size = 0
  let lost = 0
  /** The last line stands there in part. */
  let isTorn = false

  function open(): number {
    const opened = openSync(file, 'a', 0o600)
    handle = opened
    size = fstatSync(opened).size
    return opened
  }

  function close(): void {
    const opened = handle
    handle = undefined
    if (opened !== undefined) closeSync(opened)
  }

  function rotate(): void {
    if (keep === 0) ftruncateSync(handle ?? open())
    else {
      rmSync(`${file}.${keep}`, { force: true })
      for (let i = keep - 1; i > 0; i--) move(`${file}.${i}`, `${file}.${i + 1}`)
      move(file, `${file}.1`)
    }
    close()
    isTorn = false
    open()
  }

  function put(text: string): void {
    const bytes = Buffer.from(text)
    if (handle === undefined) open()
    if (size > 0 && size + bytes.length > maxBytes) rotate()
    const written = writeSync(handle as number, bytes)
    size += written
    if (written === bytes.length) return
    isTorn = written > 0 || isTorn
    throw new Error('the disk is full')
  }

  try {
    open()
  } catch (cause) {
    throw new FishermanError({
      code: 'log-file',
      message: `cannot write log.file ${file} (${messageOf(cause)}); make its folder, or name another file`,
      blame: 'ours',
      cause,
    })
  }

  return {
    write(line) {
      try {
        const told = lost > 0 ? `${JSON.stringify({ level: 40, msg: 'Log lines could not be written', lost })}\n` : ''
        put(`${isTorn ? '\n' : ''}${told}${line}`)
        isTorn = false
        lost = 0
      } catch {
        lost++
      }
    },
    reopen() {
      try {
        close()
        isTorn = false
        open()
      } catch {
        // The next line tries again, and counts where it cannot.
      }
    },
    close,
  }
}

function move(from: string, to: string): void {
  try {
    renameSync(from, to)
  } catch (error) {
    if ((error as { code?: string }).code !== 'ENOENT') throw error
  }
}
