import { rename, writeFile } from 'node:fs/promises'
import { messageOf } from './errors.ts'
import type { Logger } from './log.ts'

/** A small file that is written whole, a while after something in it changed: what it holds can be had again, so a crash may forget the last of it. */
export interface LateFile {
  changed(): void
  /** Writes what is not written yet. */
  close(): Promise<void>
}

/**
 * `text` is asked for when it is written, and a while later again where it gives undefined; what cannot be written is told as `trouble` and does no
 * more harm.
 */
export function createLateFile(
  init: { file: string; everyMs: number; text(): string | undefined; trouble: string },
  deps: { log: Logger },
): LateFile {
  const { file } = init
  let timer: NodeJS.Timeout | undefined
  let writing: Promise<void> = Promise.resolve()

  function changed(): void {
    timer ??= setTimeout(write, init.everyMs)
  }

  function write(): void {
    timer = undefined
    const text = init.text()
    if (text === undefined) {
      changed()
      return
    }
    writing = writing
      .then(() => writeFile(`${file}.part`, text, { mode: 0o600 }))
      .then(() => rename(`${file}.part`, file))
      .catch((error: unknown) => deps.log.warn(init.trouble, { reason: messageOf(error) }))
  }

  return {
    changed,
    async close() {
      if (timer !== undefined) {
        clearTimeout(timer)
        write()
        // What cannot be had now never will be.
        clearTimeout(timer)
      }
      await writing
    },
  }
}
