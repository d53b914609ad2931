import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Hex } from '../../proofs/types.ts'
import { type CaseFacts, type ChainFacts, COMMIT_MARGIN_SEC, next, type Phase, type Step } from '../../src/chain/engine.ts'
import type { Action, CaseState, CaseView } from '../../src/chain/types.ts'
import { hash } from '../helpers/fixtures.ts'

const me: Hex = `0x${'11'.repeat(20)}`
const other: Hex = `0x${'22'.repeat(20)}`
const NOW = 10_000
const chain = (change: Partial<ChainFacts> = {}): ChainFacts => ({
  ...{ me, nowSec: NOW, round: 20n, statuteRounds: 14n, minCommitAgeSec: 5, maxCommitAgeSec: 3600, leaving: false },
  ...change,
})
const proven = (change: Partial<CaseFacts> = {}): CaseFacts => ({ faultClass: 'O1', proof: true, round: 19n, ...change })
const accused = (change: Partial<CaseFacts> = {}): CaseFacts => ({ faultClass: 'D2', proof: false, ...change })
const view = (state: string, change: Partial<CaseView> = {}): CaseView => ({
  ...{ faultId: hash(1), faultClass: 'D2', transcoder: other, receiptDigest: hash(2), tx: hash(3), blockNumber: 5n },
  ...{ state: state as CaseState, opener: me, finder: me, answerUntilSec: NOW - 10, expiresAtSec: NOW + 100 },
  ...change,
})
const caught = (state: string, change: Partial<CaseView> = {}) => view(state, { faultClass: 'O1', ...change })
const under = (...actions: Action[]) => ({ underWay: new Set(actions) })
const act = (phase: Phase, action: Action) => ({ phase, do: action })
const wait = (phase: Phase, waitUntilSec?: number) => ({ phase, waitUntilSec })
const done = (phase: Phase) => ({ phase, done: true })

describe('what the engine does about', () => {
  const table: [what: string, facts: CaseFacts, at: Partial<ChainFacts>, step: object][] = [
    // O classes: commit, reveal, and whoever is first.
    ['a fault that nobody knows', proven(), {}, act('found', 'commit')],
    ['the same without a key', proven(), { me: undefined }, wait('found')],
    ['a fault whose proof is gone', proven({ proof: false }), {}, wait('found')],
    ['a commitment on its way', proven(under('commit')), {}, wait('found')],
    ['a young commitment', proven({ committedAtSec: NOW - 4 }), {}, wait('committed', NOW + 1)],
    ['a commitment of age', proven({ committedAtSec: NOW - 5 }), {}, act('committed', 'reveal')],
    ['one near its end', proven({ committedAtSec: NOW - 3600 + COMMIT_MARGIN_SEC }), {}, act('committed', 'reveal')],
    ['one too near its end', proven({ committedAtSec: NOW - 3600 + COMMIT_MARGIN_SEC - 1 }), {}, act('found', 'commit')],
    ['a reveal on its way', proven({ committedAtSec: NOW - 9, ...under('reveal') }), {}, wait('revealed')],
    ['the last round of the statute', proven({ round: 6n }), {}, act('found', 'commit')],
    ['one round more', proven({ round: 5n }), {}, done('expired')],
    ['one round more, already revealed', proven({ round: 5n, ...under('reveal') }), {}, wait('revealed')],
    ['two windows, which name no round', proven({ round: undefined }), {}, act('found', 'commit')],
    ['our catch, held', proven({ view: caught('convicted', { releaseAtSec: NOW + 7 }) }), {}, wait('seized', NOW + 8)],
    ['our catch at its last second', proven({ view: caught('convicted', { releaseAtSec: NOW }) }), {}, wait('seized', NOW + 1)],
    ['our catch, released', proven({ view: caught('convicted', { releaseAtSec: NOW - 1 }) }), {}, act('seized', 'settle')],
    [
      'a settlement on its way',
      proven({ view: caught('convicted', { releaseAtSec: 1 }), ...under('settle') }),
      {},
      wait('seized'),
    ],
    ['our catch, paid out', proven({ view: caught('settled') }), {}, done('settled')],
    ["somebody else's catch", proven({ view: caught('convicted', { finder: other, releaseAtSec: 1 }) }), {}, done('lost')],
    ["somebody else's catch, paid out", proven({ view: caught('settled', { finder: other }) }), {}, done('lost')],
    ['our catch, overturned', proven({ view: caught('refunded') }), {}, done('lost')],
    // D classes: a bonded case, its votes, and the money.
    ['a fail that is worth a case', accused({ mayOpen: true }), {}, act('found', 'open')],
    ['a fail that is not', accused(), {}, wait('found')],
    ['a case on its way', accused({ mayOpen: true, ...under('open') }), {}, wait('found')],
    ['a fail past the statute', accused({ mayOpen: true, round: 5n }), {}, done('expired')],
    ['an open case without votes', accused({ view: view('open') }), {}, wait('committed', NOW + 101)],
    ['an answered case without votes', accused({ view: view('answered') }), {}, wait('disputed', NOW + 101)],
    ["another's case without votes", accused({ view: view('open', { opener: other }) }), {}, wait('committed')],
    [
      'votes before the answer is due',
      accused({ proof: true, view: view('open', { answerUntilSec: NOW }) }),
      {},
      wait('committed', NOW + 1),
    ],
    ['votes after it', accused({ proof: true, view: view('open') }), {}, act('committed', 'convict')],
    ['votes on an answered case', accused({ proof: true, view: view('answered') }), {}, act('disputed', 'convict')],
    ['votes before our turn', accused({ proof: true, view: view('open'), turnAtSec: NOW + 30 }), {}, wait('committed', NOW + 31)],
    [
      'votes before our turn, while the suspect leaves',
      accused({ proof: true, view: view('open'), turnAtSec: NOW + 30 }),
      { leaving: true },
      act('committed', 'convict'),
    ],
    [
      'votes before the answer is due, while the suspect leaves',
      accused({ proof: true, view: view('open', { answerUntilSec: NOW + 3 }), turnAtSec: NOW + 30 }),
      { leaving: true },
      wait('committed', NOW + 4),
    ],
    [
      'a conviction on its way',
      accused({ proof: true, view: view('open'), ...under('convict') }),
      {},
      wait('revealed', NOW + 101),
    ],
    [
      'votes without a fault, at once',
      accused({ dismissal: 'reject', view: view('open', { answerUntilSec: NOW + 9 }) }),
      {},
      act('committed', 'reject'),
    ],
    ['the same on an answered case', accused({ dismissal: 'reject', view: view('answered') }), {}, act('disputed', 'reject')],
    [
      'the same before our turn',
      accused({ dismissal: 'reject', view: view('open'), turnAtSec: NOW + 30 }),
      {},
      wait('committed', NOW + 31),
    ],
    [
      'the same while the suspect leaves: it is in no hurry to be cleared',
      accused({ dismissal: 'reject', view: view('open'), turnAtSec: NOW + 30 }),
      { leaving: true },
      wait('committed', NOW + 31),
    ],
    ['the same without a key', accused({ dismissal: 'reject', view: view('open') }), { me: undefined }, wait('committed')],
    [
      'votes for both: doubt is for the accused',
      accused({ proof: true, dismissal: 'reject', view: view('open') }),
      {},
      act('committed', 'reject'),
    ],
    [
      'votes without bytes before the answer is due',
      accused({ dismissal: 'draw', view: view('open', { answerUntilSec: NOW }) }),
      {},
      wait('committed', NOW + 1),
    ],
    ['votes without bytes after it', accused({ dismissal: 'draw', view: view('open') }), {}, act('committed', 'draw')],
    [
      'votes without bytes before our turn',
      accused({ dismissal: 'draw', view: view('open'), turnAtSec: NOW + 3 }),
      {},
      wait('committed', NOW + 4),
    ],
    [
      'a rejection on its way',
      accused({ dismissal: 'reject', view: view('open', { opener: other }), ...under('reject') }),
      {},
      wait('revealed'),
    ],
    [
      'a draw on its way',
      accused({ dismissal: 'draw', view: view('open', { opener: other }), ...under('draw') }),
      {},
      wait('revealed'),
    ],
    [
      'a rejection that comes too late',
      accused({ dismissal: 'reject', view: view('open', { expiresAtSec: 1 }) }),
      {},
      act('committed', 'expire'),
    ],
    ['a case at its last second', accused({ view: view('open', { expiresAtSec: NOW }) }), {}, wait('committed', NOW + 1)],
    ['our case over time', accused({ view: view('open', { expiresAtSec: NOW - 1 }) }), {}, act('committed', 'expire')],
    ["another's case over time", accused({ view: view('open', { opener: other, expiresAtSec: 1 }) }), {}, wait('committed')],
    [
      "another's case over time before our turn",
      accused({ view: view('open', { opener: other, expiresAtSec: 1 }), endTurnAtSec: NOW }),
      {},
      wait('committed', NOW + 1),
    ],
    [
      "another's case over time in our turn",
      accused({ view: view('answered', { opener: other, expiresAtSec: 1 }), endTurnAtSec: NOW - 1 }),
      {},
      act('disputed', 'expire'),
    ],
    [
      "another's case in our turn without a key",
      accused({ view: view('open', { opener: other, expiresAtSec: 1 }), endTurnAtSec: 1 }),
      { me: undefined },
      wait('committed'),
    ],
    [
      "another's case in our turn, under way",
      accused({
        view: view('open', { opener: other, expiresAtSec: 1 }),
        endTurnAtSec: 1,
        underWay: new Set(['expire'] as const),
      }),
      {},
      wait('committed'),
    ],
    [
      'votes that came too late',
      accused({ proof: true, view: view('open', { expiresAtSec: 1 }) }),
      {},
      act('committed', 'expire'),
    ],
    ['a conviction of all, named for us', accused({ view: view('convicted', { releaseAtSec: 1 }) }), {}, act('seized', 'settle')],
    ['one named for another', accused({ view: view('convicted', { finder: other, releaseAtSec: 1 }) }), {}, wait('seized')],
    ['an appeal', accused({ view: view('convicted', { releaseAtSec: 1 }), appealUntilSec: NOW }), {}, wait('disputed', NOW + 1)],
    [
      'an appeal that is over',
      accused({ view: view('convicted', { releaseAtSec: 1 }), appealUntilSec: NOW - 1 }),
      {},
      act('seized', 'settle'),
    ],
    ['a settled case', accused({ view: view('settled', { finder: other }) }), {}, done('settled')],
    ['an expired case', accused({ view: view('expired') }), {}, done('expired')],
    ['a drawn case', accused({ view: view('drawn') }), {}, done('expired')],
    ['a rejected case', accused({ view: view('rejected') }), {}, done('lost')],
    ['an overturned case', accused({ view: view('refunded') }), {}, done('lost')],
  ]
  it.each(table)('%s', (_, facts, at, step) => expect(next(facts, chain(at))).toEqual(step))

  it('meets every phase in this table', () => {
    const phases = new Set(table.map(([, facts, at]) => next(facts, chain(at)).phase))
    expect([...phases].sort()).toEqual(['committed', 'disputed', 'expired', 'found', 'lost', 'revealed', 'seized', 'settled'])
  })
})

describe('the engine', () => {
  const sec = fc.option(fc.integer({ min: NOW - 5000, max: NOW + 5000 }), { nil: undefined })
  const who = fc.constantFrom(me, other)
  const optional = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined })
  const states = ['open', 'answered', 'convicted', 'settled', 'expired', 'refunded', 'drawn', 'rejected']
  const anyView = fc
    .record({
      state: fc.constantFrom(...states),
      opener: who,
      finder: who,
      answerUntilSec: sec,
      expiresAtSec: sec,
      releaseAtSec: sec,
    })
    .map(({ state, ...rest }) => view(state, rest as Partial<CaseView>))
  const anyFacts = fc
    .record({
      faultClass: fc.constantFrom('O1', 'O3', 'D1', 'D2'),
      view: optional(anyView),
      proof: fc.boolean(),
      mayOpen: fc.boolean(),
      dismissal: optional(fc.constantFrom('reject', 'draw')),
      round: optional(fc.bigInt(0n, 30n)),
      committedAtSec: sec,
      underWay: fc
        .uniqueArray(fc.constantFrom<Action>('open', 'commit', 'reveal', 'convict', 'reject', 'draw', 'expire', 'settle'))
        .map((all) => new Set(all)),
      turnAtSec: sec,
      appealUntilSec: sec,
    })
    .map((facts) => ({
      ...facts,
      ...(facts.view ? { view: { ...facts.view, faultClass: facts.faultClass } } : {}),
    })) as fc.Arbitrary<CaseFacts>
  const anyChain = fc.record({ me: optional(fc.constant(me)), leaving: fc.boolean() })

  it('never does without a key, and never does again what is on its way', () => {
    fc.assert(
      fc.property(anyFacts, anyChain, (facts, at) => {
        const step = next(facts, chain(at as Partial<ChainFacts>))
        if (!('do' in step)) return
        expect(at.me).toBe(me)
        expect(facts.underWay?.has(step.do)).not.toBe(true)
      }),
      { numRuns: 2000 },
    )
  })

  it('is not kept waiting by a suspect that leaves: what it does in peace it does then, or more', () => {
    fc.assert(
      fc.property(anyFacts, (facts) => {
        const [calm, urgent] = [next(facts, chain()), next(facts, chain({ leaving: true }))]
        if ('do' in calm) expect(urgent).toEqual(calm)
        if ('waitUntilSec' in urgent && 'waitUntilSec' in calm && calm.waitUntilSec !== undefined)
          expect(urgent.waitUntilSec ?? Number.POSITIVE_INFINITY).toBeLessThanOrEqual(calm.waitUntilSec)
      }),
      { numRuns: 1000 },
    )
  })

  it('has something to do, or an end, whenever the time that it waited for has come', () => {
    fc.assert(
      fc.property(anyFacts, (facts) => {
        const step = next(facts, chain())
        if (!('waitUntilSec' in step) || step.waitUntilSec === undefined) return
        expect(step.waitUntilSec).toBeGreaterThan(NOW)
        const later = next(facts, chain({ nowSec: step.waitUntilSec }))
        expect('waitUntilSec' in later && later.waitUntilSec === step.waitUntilSec).toBe(false)
      }),
      { numRuns: 2000 },
    )
  })

  it('brings a proof to its end through any order of restarts and blocks that are taken back', () => {
    // A chain of one fault: each action moves it on; at random it falls back to what it was some steps before.
    fc.assert(
      fc.property(fc.array(fc.nat(9), { maxLength: 40 }), (luck) => {
        const history: { facts: CaseFacts; now: number }[] = [{ facts: proven(), now: NOW }]
        let step: Step = next(proven(), chain())
        for (let i = 0; i < luck.length + 40; i++) {
          const last = history.at(-1)!
          step = next(last.facts, chain({ nowSec: last.now }))
          if ('done' in step && i >= luck.length) break
          // Bad luck: a reorganisation.
          if ((luck[i] ?? 9) < 2 && history.length > 1) {
            history.pop()
            continue
          }
          const now = 'waitUntilSec' in step ? (step.waitUntilSec ?? last.now + 1) : last.now + 1
          history.push({ facts: 'do' in step ? after(last.facts, step.do, last.now) : last.facts, now })
        }
        expect(step).toEqual(done('settled'))
      }),
      { numRuns: 300 },
    )
  })
})

function after(facts: CaseFacts, action: Action, now: number): CaseFacts {
  if (action === 'commit') return { ...facts, committedAtSec: now }
  if (action === 'reveal') return { ...facts, view: caught('convicted', { releaseAtSec: now + 20 }) }
  return { ...facts, view: caught('settled') }
}
