import { createWriteStream } from 'node:fs'
import { mkdir, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'

/** A copy that is written beside the way of a body. */
export interface Copy {
  /** Takes a chunk; never waits and never throws. */
  push(chunk: Uint8Array): void
  /** The whole body is there: resolves with the file, or with undefined where no copy could be made. The file is the caller's. */
  end(): Promise<{ file: string; bytes: number } | undefined>
  /** The body broke off. */
  abort(): void
}

export interface Spool {
  copy(): Copy
}

/** Bytes that may wait for the disk, of one copy and of all: a disk slower than the traffic must cost a copy, never memory or traffic. */
const MAX_PENDING = 8 << 20
const MAX_ALL = 64 << 20

/** Copies bodies to disk as they pass. What an earlier process left is removed. */
export async function createSpool(
  init: { folder: string; maxBytes: number; maxPending?: number },
  deps: { onLost(reason: 'spool-slow' | 'spool-failed' | 'too-large'): void },
): Promise<Spool> {
  await mkdir(init.folder, { recursive: true, mode: 0o700 })
  for (const name of await readdir(init.folder)) await rm(join(init.folder, name), { force: true, recursive: true })
  let count = 0
  let pending = 0
  return {
    copy() {
      const file = join(init.folder, `${++count}`)
      const out = createWriteStream(file, { flags: 'wx', mode: 0o600 })
      let [bytes, lost] = [0, false]
      const lose = (reason?: Parameters<typeof deps.onLost>[0]) => {
        if (lost) return
        lost = true
        out.destroy()
        rm(file, { force: true }).catch(() => undefined)
        if (reason) deps.onLost(reason)
      }
      out.on('error', () => lose('spool-failed'))
      return {
        push(chunk) {
          if (lost) return
          bytes += chunk.length
          if (bytes > init.maxBytes) return lose('too-large')
          pending += chunk.length
          out.write(chunk, () => {
            pending -= chunk.length
          })
          if (out.writableLength > MAX_PENDING || pending > (init.maxPending ?? MAX_ALL)) lose('spool-slow')
        },
        end: () =>
          new Promise((resolve) => {
            if (lost) return resolve(undefined)
            out.once('close', () => resolve(lost ? undefined : { file, bytes }))
            out.end()
          }),
        abort: () => lose(),
      }
    },
  }
}
