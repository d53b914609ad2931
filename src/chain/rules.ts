import { exact } from '../base/amounts.ts'
import type { ChainPreset } from './presets.ts'

// What the design relies on, as inequalities between parameters. One that does not hold makes stake escape, proofs impossible, or a bought
// quorum profitable.

/** One broken inequality. */
export interface BrokenRule {
  /** Short and stable; for tests and for people who search. */
  name: string
  /** What must hold, with the numbers that do not, and why. */
  says: string
}

/** Statute, as FaultVerifier has it: two unbonding periods of Livepeer. */
export const STATUTE_ROUNDS = 14
/** Seconds for which the version of the verdict before the newest still opens cases, as Parameters has them. */
export const VERDICT_OVERLAP_SEC = 3 * 86_400
/** Fewest people who can convict. */
export const QUORUM_MEMBERS = 3
const NOTHING: Side = ['nothing', 0]
const HOUR_SEC = 3_600
const DAY_SEC = 86_400

type Unit = 'time' | 'tokens' | 'count'
/** A value and what it is called: a parameter, or a bound of the design. */
type Side = readonly [name: string, value: bigint | number]

export interface Rule {
  name: string
  unit: Unit
  left: Side
  is: '<' | '<=' | '>' | '>='
  right: Side
  why: string
  /** Local networks last minutes and hold no money: their windows are shorter than any statute. */
  publicOnly?: true
}

/** All broken rules, not only the first: whoever mends one sees what it does to the others. */
export function brokenRules(preset: ChainPreset): BrokenRule[] {
  return rulesOf(preset)
    .filter((rule) => !(rule.publicOnly && preset.name === 'local') && !holds(rule))
    .map((rule) => ({ name: rule.name, says: sentence(rule) }))
}

/** Every inequality, kept or broken; proofs/contracts/README.md lists the same. */
export function rulesOf(p: ChainPreset): Rule[] {
  const { registry: r } = p
  const rule = (name: string, unit: Unit, left: Side, is: Rule['is'], right: Side, why: string): Rule => {
    return { name, unit, left, is, right, why }
  }
  const time = (name: string, left: Side, is: Rule['is'], right: Side, why: string) => rule(name, 'time', left, is, right, why)
  const money = (name: string, left: Side, is: Rule['is'], right: Side, why: string) => rule(name, 'tokens', left, is, right, why)
  const open = (one: Rule): Rule => ({ ...one, publicOnly: true })

  const commitYoung: Side = ['minCommitAgeSec', p.minCommitAgeSec]
  const answer: Side = ['answerSec', p.answerSec]
  const appeal: Side = ['appealSec', p.appealSec]
  const whole: Side = ['caseSec', p.caseSec]
  const foreign: Side = ['three days + caseSec', VERDICT_OVERLAP_SEC + p.caseSec]
  const activation: Side = ['registry.activationSec', r.activationSec]
  const exit: Side = ['registry.exitSec', r.exitSec]
  const silent: Side = ['registry.silentSec', r.silentSec]
  const bond: Side = ['registry.minBond', r.minBond]
  const exitNeeds: Side = ['caseSec + appealSec', p.caseSec + p.appealSec]
  const thawNeeds: Side = ['14 of roundSec + answerSec + caseSec', STATUTE_ROUNDS * p.roundSec + p.answerSec + p.caseSec]
  const statute: Side = ['14 of roundSec', STATUTE_ROUNDS * p.roundSec]
  const bought: Side = ['14 of dailyCap', BigInt(STATUTE_ROUNDS) * p.dailyCap]
  const quorum: Side = ['the bonds of the smallest convicting quorum', BigInt(QUORUM_MEMBERS) * r.minBond]
  return [
    time('round-positive', ['roundSec', p.roundSec], '>', NOTHING, 'rounds never pass'),
    time('window-positive', ['windowSec', p.windowSec], '>', NOTHING, 'nothing can be drawn'),
    time('commit-positive', commitYoung, '>', NOTHING, 'whoever sees a reveal could copy it'),
    time('commit-order', commitYoung, '<', ['maxCommitAgeSec', p.maxCommitAgeSec], 'no reveal would ever be valid'),
    open(time('commit-young', commitYoung, '>=', ['five seconds', 5], 'a copier would come in time')),
    time('commit-old', ['maxCommitAgeSec', p.maxCommitAgeSec], '<=', ['one hour', HOUR_SEC], 'proofs could be kept in store'),
    time('answer-positive', answer, '>', NOTHING, 'the accused could not answer'),
    open(time('answer-long', answer, '>=', ['one day', DAY_SEC], 'the accused could not answer in time')),
    time('answer-in-case', answer, '<', whole, 'a case would end before anybody may convict'),
    time('appeal-positive', appeal, '>', NOTHING, 'money would leave before anybody looked'),
    open(time('appeal-long', appeal, '>=', ['two weeks', 14 * DAY_SEC], 'people could not look at an appeal in time')),
    open(
      time(
        'case-statute',
        // A case may be about the version before, which fewer and fewer members can judge.
        foreign,
        '<',
        statute,
        'a case about something sham would shield its receipt until the statute is over',
      ),
    ),
    open(time('timelock-case', ['timelockSec', p.timelockSec], '>=', whole, 'rules would change under an open case')),
    time(
      'activation-windows',
      activation,
      '>=',
      ['two of windowSec', 2 * p.windowSec],
      'members would join after seeing the beacon',
    ),
    time('exit-activation', exit, '>', activation, 'a member could come back while its old entry waits'),
    // Longer where a conviction can still be overturned: the registry asks for `bondsNeededUntil`, which no parameter shortens.
    open(time('exit-appeal', exit, '>=', exitNeeds, 'a bond would be free while what it voted on can be appealed')),
    time('silent-activation', silent, '>', activation, 'members would fall silent before they count'),
    open(
      time(
        'silent-heads',
        silent,
        '>=',
        ['two days', 2 * DAY_SEC],
        'a daemon that misses one of its daily heads would not count',
      ),
    ),
    open(time('silent-case', silent, '<', whole, 'silent members would block a case until it expires')),
    open(
      time('thaw-statute', ['thawSec', p.thawSec], '>=', thawNeeds, 'a deposit would leave before its last receipt is proven'),
    ),
    money('bond-positive', bond, '>', NOTHING, 'votes would cost nothing'),
    money('weight-cap', ['registry.weightCap', r.weightCap], '>=', bond, 'no bond would count whole'),
    rule(
      'members',
      'count',
      ['registry.maxMembers', r.maxMembers],
      '>=',
      ['a quorum', QUORUM_MEMBERS],
      'nobody could be convicted',
    ),
    money('open-bond-positive', ['openBond', p.openBond], '>', NOTHING, 'freezing a deposit would cost nothing'),
    money('open-bond', ['openBond', p.openBond], '<=', bond, 'a member could not afford to accuse'),
    money('appeal-bond-positive', ['appealBond', p.appealBond], '>', NOTHING, 'every conviction would be appealed'),
    money('appeal-bond', ['appealBond', p.appealBond], '<=', bond, 'an innocent node could not afford to object'),
    rule('verdict-version', 'count', ['verdictVersion', p.verdictVersion], '>', NOTHING, 'no case could be opened'),
    money('minimum-take', ['minimumTake', p.minimumTake], '<=', ['dailyCap', p.dailyCap], 'nothing could ever be taken'),
    open(money('quorum-money', bought, '<=', quorum, 'a bought quorum would take more than it can lose')),
  ]
}

function holds({ left: [, a], is, right: [, b] }: Rule): boolean {
  if (is === '<') return a < b
  if (is === '<=') return a <= b
  return is === '>' ? a > b : a >= b
}

const WORDS = { '<': 'must be below', '<=': 'must not be above', '>': 'must be above', '>=': 'must not be below' } as const

function sentence({ name, unit, left, is, right, why }: Rule): string {
  const bound = right === NOTHING ? '0' : `${right[0]} (${quantity(right[1], unit)})`
  return `${name}: ${left[0]} (${quantity(left[1], unit)}) ${WORDS[is]} ${bound}, else ${why}`
}

function quantity(value: bigint | number, unit: Unit): string {
  if (unit === 'time') return `${value} s`
  return unit === 'tokens' ? exact(BigInt(value), 'LPT') : `${value}`
}
