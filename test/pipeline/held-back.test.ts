import { beforeEach, describe, expect, it } from 'vitest'
import type { AnyStatement } from '../../proofs/codec.ts'
import { sampleIdOf } from '../../proofs/digest.ts'
import type { Answer, Hex } from '../../proofs/types.ts'
import { FishermanError } from '../../src/base/errors.ts'
import { createWriteAhead } from '../../src/base/write-ahead.ts'
import { createCourt } from '../../src/court/court.ts'
import { LOCAL_COURT } from '../../src/court/params.ts'
import { type AnswerStageDeps, createAnswerStage } from '../../src/pipeline/answers.ts'
import type { Bench } from '../../src/pipeline/bench.ts'
import type { CheckResult } from '../../src/pipeline/checks.ts'
import { createLedger } from '../../src/pipeline/ledger.ts'
import { networkParams } from '../../src/pipeline/network.ts'
import { createOpinions } from '../../src/pipeline/opinions.ts'
import { createTally, type Tally, type TallySums } from '../../src/pipeline/tally.ts'
import type { VerdictRecord } from '../../src/pipeline/verdicts.ts'
import { addressOf, hash, receiptOf, renditions, wallet } from '../helpers/fixtures.ts'

// A disk that is full at the worst moments: nothing is lost, and nothing is said in two ways.

const me = addressOf(wallet(5))
const receipt = { digest: hash(1), windowId: 5n, receipt: receiptOf(wallet(1), renditions(1)), renditions: renditions(1) }
const result = {
  task: { known: { receipt }, rendition: 0, sampleId: sampleIdOf(hash(1), 0, 5n), beacon: hash(77) },
  ...{ outcome: 'pass', evidenceHash: hash(3), fingerprint: hash(4), cost: { atSec: 1, seconds: 1, bytes: 1 } },
} as unknown as CheckResult

/** What fails, and how often; `torn` is a write that failed and lies there after all. */
let full: { verdict: number; torn: boolean; sign: number; say: number }
let log: VerdictRecord[]
let said: AnyStatement[]
let waiting: (() => Promise<void>)[]
let tally: Tally
let salts: number

beforeEach(() => {
  ;[log, said, waiting, salts] = [[], [], [], 0]
  full = { verdict: 0, torn: false, sign: 0, say: 0 }
  tally = createTally()
})

function noSpace(code: string): never {
  throw new FishermanError({ code, message: 'no space is left', blame: 'ours' })
}

function stage(freeze: AnswerStageDeps['freeze'] = async () => undefined) {
  const sign = async (kind: string, body: unknown) => {
    if (full.sign-- > 0) noSpace('guard-write')
    return { kind, body, signer: me, signature: '0x', extra: '0x' } as unknown as AnyStatement
  }
  const bench = {
    ...{ address: me, params: networkParams('local'), ledger: createLedger(), court: createCourt(LOCAL_COURT), tally },
    ...{ chain: { nowSec: () => 1000 }, writeAhead: createWriteAhead(), signal: new AbortController().signal },
    identity: {
      attester: { address: me, seal: (body: unknown) => sign('sealed', body), answer: (body: unknown) => sign('answer', body) },
    },
    log: {
      async append(_: string, record: VerdictRecord) {
        if (full.verdict-- <= 0) return void log.push(record)
        if (full.torn) log.push(record)
        noSpace('log-write')
      },
      find: async () => log.map((payload) => ({ payload })),
    },
    async say(statement: AnyStatement) {
      if (full.say-- > 0) noSpace('log-write')
      said.push(statement)
    },
    ...{ logger: { info() {}, warn() {} }, metrics: { verdict() {} }, randomHash: () => hash(100 + salts++) },
    later: (_ms: number, _what: string, work: () => Promise<void>) => void waiting.push(work),
  } as unknown as Bench
  return createAnswerStage(bench, {
    opinions: createOpinions(bench),
    ...{ onDrawnAnswer() {}, isAudit: async () => false, freeze, onFinding() {} },
    trancheOf: async () => 0,
  })
}

/** Runs whatever waits until nothing does. */
async function passTime(): Promise<void> {
  for (let work = waiting.shift(); work; work = waiting.shift()) await work()
}

describe('on a full disk', () => {
  it.each<[string, Partial<typeof full>]>([
    ['nothing fails', {}],
    ['the verdict cannot be written', { verdict: 3 }],
    ['the write of the verdict fails and lies there after all', { verdict: 1, torn: true }],
    ['the seal cannot be guarded', { sign: 2 }],
    ['the seal cannot be logged', { say: 2 }],
  ])('a verdict is written, sealed and opened once, with one salt: %s', async (_, fails) => {
    Object.assign(full, fails)
    await stage().submit(result)
    await passTime()
    expect(log).toHaveLength(1)
    expect(said.map(({ kind }) => kind)).toEqual(['sealed', 'answer'])
    expect((said[1]?.body as Answer | undefined)?.salt).toBe(log[0]?.answer?.salt as Hex)
    expect(tally.totals().checked).toBe(1)
  })

  it('nothing is kept of what was counted while a verdict may lie there uncounted', async () => {
    let sums: () => TallySums | undefined = () => undefined
    tally = createTally({
      loaded: undefined,
      save(now) {
        sums = now
      },
    })
    tally.caughtUp()
    Object.assign(full, { verdict: 1, torn: true })
    await stage().submit(result)
    expect([log.length, sums()]).toEqual([1, undefined])
    await passTime()
    expect(sums()).toEqual({ [receipt.receipt.transcoder]: expect.objectContaining({ pass: 1, fail: 0 }) })
  })

  it('an answer that cannot be opened in time is opened when there is space again', async () => {
    const answers = stage()
    await answers.submit(result)
    Object.assign(full, { sign: 1, say: 1 })
    await passTime()
    expect(said.map(({ kind }) => kind)).toEqual(['sealed', 'answer'])
  })

  it('any other error is not waited out', async () => {
    const answers = stage()
    full.verdict = 0
    const broken = { ...result, task: { ...result.task, known: undefined } } as unknown as CheckResult
    await expect(answers.submit(broken)).rejects.toThrow()
    expect(waiting).toEqual([])
  })
})

describe('the deposit of the accused', () => {
  const fail = { ...result, outcome: 'fail', faultClass: 'D2' } as CheckResult
  const kinds = () => said.map(({ kind }) => kind)

  it('is frozen before a fail that may be voted on is opened: who is accused aloud empties it', async () => {
    const frozen = Promise.withResolvers<void>()
    const asked: string[] = []
    await stage(async ({ transcoder, faultClass }) => {
      asked.push(`${transcoder} ${faultClass} ${kinds().join()}`)
      await frozen.promise
    }).submit(fail)
    const passed = passTime()
    await new Promise((resolve) => setImmediate(resolve))
    expect(asked).toEqual([`${addressOf(wallet(1))} D2 sealed`])
    expect(kinds()).toEqual(['sealed'])
    frozen.resolve()
    await passed
    expect(kinds()).toEqual(['sealed', 'answer'])
  })

  it('is left alone for whatever nobody can vote on', async () => {
    const asked: unknown[] = []
    const answers = stage(async (finding) => void asked.push(finding))
    await answers.submit(result)
    await answers.submit({ ...result, outcome: 'fail' } as CheckResult)
    await passTime()
    expect(asked).toEqual([])
  })
})
