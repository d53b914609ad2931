import { FishermanError } from './errors.ts'

// Write before you act: log before gossip, guard before sign, intent before send. One mechanism for all rooms, so that there is one place
// to read, one switch that stops everything, and one set of named points at which a test can pull the plug.

/** What is about to be done. */
export type Step = 'sample' | 'verdict' | 'sign' | 'say' | 'intend' | 'broadcast' | 'mined'
/** Where a step is: nothing is done yet; it is written down; it is done. */
export type Stage = 'before' | 'recorded' | 'done'

export interface Moment {
  step: Step
  /** Which one of its kind: `answer`, `vote`, `open`, … */
  what: string
  stage: Stage
  /** What was written down, once it was: the fact that must survive everything. */
  record?: unknown
}

export interface WriteAhead {
  /**
   * Runs `record`, which must resolve only when what it wrote is on disk, and then `act`. Whatever fails in `record` keeps `act` from
   * happening. Throws `not-acting` where the step is not allowed now.
   */
  run<R, T>(step: Step, what: string, record: () => Promise<R>, act: (record: R) => Promise<T> | T): Promise<T>
}

export interface WriteAheadDeps {
  /** Why a step may not be done now, in one sentence; undefined when it may. */
  refuses?(step: Step, what: string): string | undefined
  /** Called at each point; a test that kills the program here sees what a crash leaves. */
  reached?(moment: Moment): void
}

export function createWriteAhead(deps: WriteAheadDeps = {}): WriteAhead {
  const reached = deps.reached ?? (() => undefined)
  return {
    async run(step, what, record, act) {
      const reason = deps.refuses?.(step, what)
      if (reason !== undefined)
        throw new FishermanError({ code: 'not-acting', message: reason, blame: 'ours', details: { step, what } })
      reached({ step, what, stage: 'before' })
      const written = await record()
      reached({ step, what, stage: 'recorded', record: written })
      const result = await act(written)
      reached({ step, what, stage: 'done', record: written })
      return result
    },
  }
}
