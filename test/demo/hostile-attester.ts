import { createAttester as createHonest } from '../../src/attest/attester.ts'
import { hostility } from './hostile-judge.ts'

export * from '../../src/attest/attester.ts'

/** Signs what it is asked for, but never an opening where it is told so. */
export function createAttester(...args: Parameters<typeof createHonest>): ReturnType<typeof createHonest> {
  const honest = createHonest(...args)
  if (!hostility.neverOpens) return honest
  return {
    ...honest,
    async answer() {
      throw new Error('this member never opens')
    },
  }
}
