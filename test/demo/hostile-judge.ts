import { createJudge as createHonest, type Judge, type JudgeInit } from '../../src/judge.ts'

export * from '../../src/judge.ts'

/** What a hostile member does, by its second argument. */
export interface Hostility {
  /** Fails whatever this node made. */
  frames?: string
  /** Passes whatever this node made. */
  shields?: string
  /** Seals and never opens. */
  neverOpens?: boolean
}

export const hostility = JSON.parse(process.argv[3] ?? '{}') as Hostility

/** The judge of a liar: it looks, so that its fingerprints are right, and says what it was paid for. */
export function createJudge(init: JudgeInit): Judge {
  const honest = createHonest(init)
  return {
    ...honest,
    async judge(request, options) {
      const result = await honest.judge(request, options)
      const from = (node: string | undefined) => node !== undefined && request.source.includes(node)
      for (const one of result.renditions) {
        if (from(hostility.frames)) {
          one.verdict = 'fail'
          one.faultClass = 'D2'
          one.reasons = [
            { code: 'frame-error', class: 'D2', value: 60, limit: 9, sees: 'other video' } as (typeof one.reasons)[number],
          ]
        }
        if (from(hostility.shields)) {
          one.verdict = 'pass'
          one.reasons = []
          delete one.faultClass
        }
      }
      return result
    },
  }
}
