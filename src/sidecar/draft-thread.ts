import { setPriority } from 'node:os'
import { parentPort, workerData } from 'node:worker_threads'
import { blameOf, isFishermanError, messageOf } from '../base/errors.ts'
import { type DraftInit, draftOf, type ServedSegment } from './draft.ts'
import type { ThreadAnswer } from './thread.ts'

// Entry of the thread that drafts receipts: a served segment in, a draft or the reason for none out.

/** Of `nice`: the relay, and the node beside us, come first. */
const NICE = 10

// Linux counts each thread for itself, and 0 is the one that asks; elsewhere this would slow the relay down too.
if (process.platform === 'linux') setPriority(0, NICE)

const answer = (message: ThreadAnswer) => parentPort?.postMessage(message)
parentPort?.on('message', (served: ServedSegment) => {
  draftOf(served, workerData as DraftInit).then(
    (drafted) => answer({ drafted }),
    (error: unknown) =>
      answer({ code: isFishermanError(error) ? error.code : 'failed', message: messageOf(error), blame: blameOf(error) }),
  )
})
