import { messageOf } from '../base/errors.ts'
import type { Logger } from '../base/log.ts'
import type { Cursor } from './cursor.ts'
import type { Gate } from './gate.ts'
import type { Scan } from './scan.ts'
import type { HeadEvent } from './types.ts'

export interface PollDeps {
  log: Logger
  cursor: Cursor
  scan: Scan
  gate: Gate
  /** Looks at our own transactions and account; it must not hold up the head. */
  attend(event: HeadEvent): Promise<void>
}

/** One look at the chain at a time: new blocks, blocks that were taken back, and whoever listens for them. */
export interface Poll {
  /** Throws where the chain cannot be followed; what was not done is done at the next look. */
  look(signal: AbortSignal): Promise<void>
  /** Why the chain cannot be followed, in one line; undefined while it can. */
  trouble(): string | undefined
  /** The same trouble every half second is said once. */
  tell(text: string): void
  /** Returns what ends it. */
  onHead(listener: (event: HeadEvent) => void): () => void
}

export function createPoll(deps: PollDeps): Poll {
  const { log, cursor, scan, gate } = deps
  const listeners = new Set<(event: HeadEvent) => void>()
  let trouble: string | undefined
  /** Read and not yet followed; a rewind that fails half-way is begun again. */
  let undone: HeadEvent | undefined
  /** Followed, and nobody was told yet. */
  let unannounced: HeadEvent | undefined

  async function follow(signal: AbortSignal): Promise<void> {
    const event = await cursor.poll(signal)
    if (event) undone = merged(undone, event)
    if (undone) {
      const { head, rewoundTo } = undone
      const point = rewoundTo === undefined ? undefined : await scan.rewind(rewoundTo, head.number)
      unannounced = merged(unannounced, point === undefined ? { head } : { head, rewoundTo: point })
      undone = undefined
    }
    if (unannounced) await scan.toHead()
    await gate.refresh(cursor.head().number, signal)
  }

  function announce(event: HeadEvent, signal: AbortSignal): void {
    deps.attend(event).catch((error: unknown) => {
      if (!signal.aborted) log.warn('Our own transactions and account cannot be looked at', { error: messageOf(error) })
    })
    for (const listener of listeners) {
      try {
        listener(event)
      } catch (error) {
        log.warn('A listener for new blocks failed', { error: messageOf(error) })
      }
    }
  }

  function tell(text: string): void {
    if (text !== trouble) log.warn('Cannot follow the chain', { error: text })
    trouble = text
  }

  return {
    async look(signal) {
      await follow(signal)
      const conflict = gate.conflict()
      if (conflict !== undefined) tell(conflict)
      else if (trouble !== undefined) {
        log.info('The chain can be followed again', { head: cursor.head().number })
        trouble = undefined
      }
      const event = unannounced
      unannounced = undefined
      if (event) announce(event, signal)
    },
    trouble: () => trouble,
    tell,
    onHead(listener) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
  }
}

/** Two events that listeners hear as one: the newest head, and the deepest point that was gone back to. */
function merged(known: HeadEvent | undefined, event: HeadEvent): HeadEvent {
  const depths = [known?.rewoundTo, event.rewoundTo].filter((depth) => depth !== undefined)
  const [first, second] = depths
  if (first === undefined) return event
  return { head: event.head, rewoundTo: second !== undefined && second < first ? second : first }
}
