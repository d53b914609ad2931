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
  /** Bytes that wait for the disk, over all copies. */
  waitingBytes(): number
}

export interface SpoolInit {
  folder: string
  /** Bytes of one body. */
  maxBytes: number
  /** Bytes that may wait for the disk, over all copies; 64 MiB by default. A disk slower than the traffic must cost copies, never memory or traffic. */
  maxPending?: number
}

const MAX_ALL = 64 << 20

/** Copies bodies to disk as they pass. What an earlier process left is removed. */
export async function createSpool(
  init: SpoolInit,
  deps: { onLost(reason: 'spool-slow' | 'spool-failed' | 'too-large'): void },
): Promise<Spool> {
  await mkdir(init.folder, { recursive: true, mode: 0o700 })
  for (const name of await readdir(init.folder)) await rm(join(init.folder, name), { force: true, recursive: true })
  let count = 0
  let waiting = 0
  return {
    waitingBytes: () => waiting,
    copy() {
      const file = join(init.folder, `${++count}`)
      const out = createWriteStream(file, { flags: 'wx', mode: 0o600 })
      let [bytes, lost] = [0, false]
      const remove = () => rm(file, { force: true }).catch(() => undefined)
      const lose = (reason?: Parameters<typeof deps.onLost>[0]) => {
        if (lost) return
        lost = true
        // A file that is only being opened would be there again after its removal.
        out.once('close', remove)
        out.destroy()
        if (reason) deps.onLost(reason)
      }
      out.on('error', () => lose('spool-failed'))
      return {
        push(chunk) {
          if (lost) return
          bytes += chunk.length
          if (bytes > init.maxBytes) return lose('too-large')
          if (waiting + chunk.length > (init.maxPending ?? MAX_ALL)) return lose('spool-slow')
          waiting += chunk.length
          // Called for what a lost copy still had, too.
          out.write(chunk, () => {
            waiting -= chunk.length
          })
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
