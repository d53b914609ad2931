import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { isFishermanError } from '../../src/base/errors.ts'
import { type ChainPreset, chainPreset, checkPreset, tokens } from '../../src/chain/presets.ts'
import { brokenRules, type Rule, rulesOf } from '../../src/chain/rules.ts'
import { withSettings } from '../../src/chain/settings.ts'

const PUBLIC = chainPreset('arbitrum-one')
type Change = Omit<Partial<ChainPreset>, 'registry'> & { registry?: Partial<ChainPreset['registry']> }
const changed = (change: Change, preset = PUBLIC): ChainPreset => ({
  ...preset,
  ...change,
  registry: { ...preset.registry, ...change.registry },
})
const DAY = 86_400

/** One change that breaks the rule (others may break with it), and the nearest one that keeps it. */
const RULES: [name: string, breaks: Change, keeps: Change][] = [
  ['round-positive', { roundSec: 0 }, { roundSec: 61_715 }],
  ['window-positive', { windowSec: 0 }, { windowSec: 1 }],
  ['commit-positive', { minCommitAgeSec: 0 }, { minCommitAgeSec: 5 }],
  ['commit-order', { minCommitAgeSec: 10, maxCommitAgeSec: 10 }, { minCommitAgeSec: 10, maxCommitAgeSec: 11 }],
  ['commit-young', { minCommitAgeSec: 4 }, { minCommitAgeSec: 5 }],
  ['commit-old', { maxCommitAgeSec: 3601 }, { maxCommitAgeSec: 3600 }],
  ['answer-positive', { answerSec: 0 }, { answerSec: DAY }],
  ['answer-long', { answerSec: DAY - 1 }, { answerSec: DAY }],
  ['answer-in-case', { answerSec: 4 * DAY, caseSec: 4 * DAY }, { answerSec: 4 * DAY - 1, caseSec: 4 * DAY, thawSec: 21 * DAY }],
  ['appeal-positive', { appealSec: 0 }, { appealSec: 14 * DAY }],
  ['appeal-long', { appealSec: 14 * DAY - 1 }, { appealSec: 14 * DAY }],
  // 14 rounds of 76,524 s are 1,071,336 s.
  [
    'case-statute',
    { caseSec: 1_071_336 - 3 * DAY, timelockSec: 14 * DAY, thawSec: 30 * DAY, registry: { exitSec: 30 * DAY } },
    { caseSec: 1_071_335 - 3 * DAY, timelockSec: 14 * DAY, thawSec: 30 * DAY, registry: { exitSec: 30 * DAY } },
  ],
  ['timelock-case', { timelockSec: 7 * DAY - 1 }, { timelockSec: 7 * DAY }],
  ['activation-windows', { registry: { activationSec: 119 } }, { registry: { activationSec: 120 } }],
  ['exit-activation', { registry: { exitSec: 120 } }, { registry: { exitSec: 21 * DAY } }],
  ['exit-appeal', { registry: { exitSec: 21 * DAY - 1 } }, { registry: { exitSec: 21 * DAY } }],
  ['silent-activation', { registry: { silentSec: 120 } }, { registry: { silentSec: 2 * DAY } }],
  ['silent-heads', { registry: { silentSec: 2 * DAY - 1 } }, { registry: { silentSec: 2 * DAY } }],
  ['silent-case', { registry: { silentSec: 7 * DAY } }, { registry: { silentSec: 7 * DAY - 1 } }],
  // 14 rounds of 76,524 s, one day, seven days.
  ['thaw-statute', { thawSec: 14 * 76_524 + 8 * DAY - 1 }, { thawSec: 14 * 76_524 + 8 * DAY }],
  ['bond-positive', { registry: { minBond: 0n } }, { registry: { minBond: tokens(250) } }],
  ['weight-cap', { registry: { weightCap: tokens(250) - 1n } }, { registry: { weightCap: tokens(250) } }],
  ['members', { registry: { maxMembers: 2 } }, { registry: { maxMembers: 3 } }],
  ['open-bond-positive', { openBond: 0n }, { openBond: 1n }],
  ['open-bond', { openBond: tokens(250) + 1n }, { openBond: tokens(250) }],
  ['appeal-bond-positive', { appealBond: 0n }, { appealBond: 1n }],
  ['appeal-bond', { appealBond: tokens(250) + 1n }, { appealBond: tokens(250) }],
  ['verdict-version', { verdictVersion: 0 }, { verdictVersion: 1 }],
  ['minimum-take', { minimumTake: tokens(50) + 1n }, { minimumTake: tokens(50) }],
  // 14 x 60 = 3 x 280.
  [
    'quorum-money',
    { dailyCap: tokens(60) + 1n, registry: { minBond: tokens(280) } },
    { dailyCap: tokens(60), registry: { minBond: tokens(280) } },
  ],
]

describe('parameters', () => {
  it('of every preset hold all rules', () => {
    for (const name of ['local', 'arbitrum-sepolia', 'arbitrum-one']) expect(brokenRules(chainPreset(name))).toEqual([])
  })

  it('are each broken in a test, and each in the table of proofs/contracts/README.md, word for word', () => {
    const rules = rulesOf(PUBLIC)
    expect(RULES.map(([name]) => name)).toEqual(rules.map(({ name }) => name))
    const text = readFileSync('proofs/contracts/README.md', 'utf8')
    const table = text.slice(text.indexOf('## Inequalities between parameters'), text.indexOf('## Gas'))
    const row = ({ name, left, is, right, why }: Rule) =>
      `| \`${name}\` | ${left[0]} ${is} ${right[0] === 'nothing' ? '0' : right[0]} | ${why} |`
    const rows = table.split('\n').filter((line) => line.startsWith('| `'))
    expect(rows.map((line) => `${line.split(' | ').slice(0, 3).join(' | ')} |`)).toEqual(rules.map(row))
    // The last column: which of them hold on public networks only.
    const open = rows.filter((line) => line.includes('public')).map((line) => line.split('`')[1])
    expect(open).toEqual(rules.filter(({ publicOnly }) => publicOnly).map(({ name }) => name))
  })

  it.each(RULES)('%s: broken once it is refused, at its edge it is not', (name, breaks, keeps) => {
    const broken = brokenRules(changed(breaks))
    expect(broken.map((rule) => rule.name)).toContain(name)
    const { says } = broken.find((rule) => rule.name === name) ?? { says: '' }
    // Both numbers are told, and what would happen.
    expect(says).toMatch(new RegExp(`^${name}: .+ \\(.+\\) must (not )?be (above|below) (0|.+ \\(.+\\)), else .+`))
    expect(brokenRules(changed(keeps))).toEqual([])
  })

  it('are refused with all rules that they break', () => {
    const bad = changed({ thawSec: DAY, dailyCap: tokens(60), registry: { exitSec: 7200 } })
    expect(() => checkPreset(bad)).toThrow(/exit-appeal: .*; thaw-statute: .*; quorum-money: 14 of dailyCap \(840 LPT\)/)
    try {
      checkPreset(bad)
    } catch (error) {
      expect(isFishermanError(error) && (error.details.rules as string[]).length).toBe(3)
    }
  })

  it('of a local network may have short windows and any caps, and nothing else', () => {
    const local = chainPreset('local')
    expect(brokenRules(changed({ dailyCap: tokens(10_000_000), thawSec: 1 }, local))).toEqual([])
    const broken = brokenRules(changed({ caseSec: 4, registry: { activationSec: 7, maxMembers: 0 } }, local))
    expect(broken.map(({ name }) => name)).toEqual(['answer-in-case', 'activation-windows', 'members'])
  })
})

describe('settings', () => {
  it('are read with their units', () => {
    const set = withSettings(PUBLIC, [
      'openBond=30.5',
      'thawSec=28d',
      'registry.silentSec=90h',
      'registry.maxMembers=7',
      'answerSec=90000',
    ])
    expect(set).toMatchObject({ openBond: tokens(61) / 2n, thawSec: 28 * DAY, answerSec: 90_000 })
    expect(set.registry).toMatchObject({ silentSec: 90 * 3600, maxMembers: 7, exitSec: 21 * DAY })
    expect(PUBLIC.openBond).toBe(tokens(25))
  })

  it.each([
    ['openBond', /write name=value/],
    ['openbond=3', /no parameter openbond; there are roundSec, .*registry\.maxMembers/],
    ['chainId=3', /no parameter chainId/],
    ['name=mars', /no parameter name/],
    ['registry=3', /no parameter registry;/],
    ['openBond=-3', /amount of tokens/],
    ['openBond=1e3', /amount of tokens/],
    ['openBond=0.1234567890123456789', /amount of tokens/],
    ['thawSec=3w', /a time, such as/],
    ['registry.maxMembers=2.5', /whole number/],
    ['registry.toString=2', /no parameter registry\.toString/],
  ])('%s is refused', (text, says) => {
    expect(() => withSettings(PUBLIC, [text])).toThrow(says)
  })
})
