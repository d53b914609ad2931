import { Worker } from 'node:worker_threads'
import { type Blame, FishermanError } from '../base/errors.ts'
import type { Drafted, DraftInit, ServedSegment } from './draft.ts'

export interface DraftThreadInit extends DraftInit {
  /** File of the thread: JavaScript, `draft-thread.ts` in a bundle of its own. */
  entry: URL
  /** Milliseconds for one draft; a thread that takes longer is ended. */
  draftMs: number
}

/** Drafts receipts in a thread of their own, so that the event loop that relays segments never waits for a hash. */
export interface DraftThread {
  /**
   * One at a time. Throws the reason why there is no receipt as its code; `thread` where the thread crashed or hung: then this draft is lost, and the next
   * one begins in a new thread.
   */
  draft(served: ServedSegment): Promise<Drafted>
  stop(): Promise<void>
}

export type ThreadAnswer = { drafted: Drafted } | { code: string; message: string; blame: Blame }

/** MiB of JavaScript objects; the bytes of a rendition are not among them. */
const HEAP_MIB = 256

export function createDraftThread(init: DraftThreadInit): DraftThread {
  const { entry, draftMs, domain, transcoder, isPrivate = false } = init
  const workerData: DraftInit = { domain, transcoder, isPrivate }
  let isStopped = false
  let worker: Worker | undefined
  let settle: ((end: ThreadAnswer | FishermanError) => void) | undefined

  function begin(): Worker {
    // Without the flags of the process: what they import is not for a thread.
    const begun = new Worker(entry, { workerData, env: {}, execArgv: [], resourceLimits: { maxOldGenerationSizeMb: HEAP_MIB } })
    // A sidecar that stops does not wait for a draft.
    begun.unref()
    const lost = (reason: string) => {
      if (worker !== begun) return
      worker = undefined
      settle?.(broken(reason))
    }
    begun.on('message', (message: ThreadAnswer) => settle?.(message))
    begun.on('error', (error) => lost(error.message))
    begun.on('exit', (code) => lost(`it ended with ${code}`))
    return begun
  }
  worker = begin()

  return {
    draft: (served) =>
      new Promise((resolve, reject) => {
        if (isStopped) return reject(broken('it was stopped'))
        worker ??= begin()
        const used = worker
        const timer = setTimeout(() => {
          worker = undefined
          settle?.(broken(`it took longer than ${draftMs} ms`))
          void used.terminate()
        }, draftMs)
        settle = (end) => {
          clearTimeout(timer)
          settle = undefined
          if (end instanceof FishermanError) reject(end)
          else if ('drafted' in end) resolve(end.drafted)
          else reject(new FishermanError(end))
        }
        used.postMessage(served)
      }),
    async stop() {
      isStopped = true
      const ended = worker
      worker = undefined
      settle?.(broken('it was stopped'))
      await ended?.terminate()
    },
  }
}

function broken(reason: string): FishermanError {
  return new FishermanError({ code: 'thread', message: `the thread that drafts receipts broke off: ${reason}`, blame: 'ours' })
}
