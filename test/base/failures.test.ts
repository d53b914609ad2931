import { describe, expect, it } from 'vitest'
import { type Blame, FishermanError } from '../../src/base/errors.ts'
import { outcomeOfFetch, outcomeOfJudge } from '../../src/base/failures.ts'
import type { Bench } from '../../src/pipeline/bench.ts'
import { type CheckTask, createCheckStage } from '../../src/pipeline/checks.ts'
import { createBudget } from '../../src/sample/budget.ts'
import { addressOf, hash, PROFILE, receiptOf, renditions, wallet } from '../helpers/fixtures.ts'

// A self-check and a daemon must say the same of the same failure: what the one forgives the other must not hold against a node.

const leaves = renditions(1)
const known = {
  receipt: {
    ...{ digest: hash(1), windowId: 1n, receipt: receiptOf(wallet(1), leaves), renditions: leaves, profiles: [PROFILE] },
    order: { sourceBytes: 10n },
  },
  feed: { transcoder: addressOf(wallet(1)), url: 'http://127.0.0.1:1' },
  window: { draw: undefined },
} as unknown as CheckTask['known']
const drawn = { known, rendition: 0, sampleId: hash(2), beacon: hash(3), sample: {} } as unknown as CheckTask

/** What the daemon answers where fetching, or judging, fails so; undefined is no answer. */
async function daemon(failure: { blob?: unknown; judge?: unknown; online: boolean }) {
  const bench = {
    ...{ clock: { monotonicMs: () => 0 }, chain: { nowSec: () => 1 }, online: () => failure.online },
    ...{ metrics: { dropped() {}, checkMs() {} }, logger: { warn() {}, info() {} } },
    budget: createBudget({ secondsPerDay: 1, bytesPerDay: 1 }),
    blobs: {
      async get() {
        if (failure.blob) throw failure.blob
        return '/file'
      },
    },
    judge: { judge: async () => await Promise.reject(failure.judge) },
  } as unknown as Bench
  const result = await createCheckStage(bench, { worthProving: () => false }).run(drawn, new AbortController().signal)
  return result?.outcome
}

const failing = (blame: Blame) => new FishermanError({ code: 'some-code', message: 'it failed', blame })
const FAILURES: [string, unknown][] = [
  ...(['theirs', 'unknown', 'ours'] as const).map((blame): [string, unknown] => [blame, failing(blame)]),
  ['a bug', new TypeError('x is not a function')],
]

describe('what a failure says of a node', () => {
  it.each(FAILURES)('of a fetch, blame %s: as the daemon says, whether we reach others or not', async (_, blob) => {
    for (const online of [true, false]) expect(outcomeOfFetch(blob, online)).toBe(await daemon({ blob, online }))
  })

  it.each(FAILURES)('of a judge, blame %s: as the daemon says, and never that the node withheld anything', async (_, judge) => {
    expect(outcomeOfJudge(judge)).toBe(await daemon({ judge, online: true }))
    expect(outcomeOfJudge(judge)).not.toBe('withheld')
  })
})
