import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import * as dataset from '../../proofs/dataset.ts'
import {
  datasetDigest,
  datasetTypedData,
  type EventRow,
  type EvidenceRow,
  linesOf,
  readEvents,
  readEvidence,
  readState,
  type StateRow,
} from '../../proofs/dataset.ts'
import type { Hex } from '../../proofs/types.ts'
import { checkDataset, type IdleSpan, makeDataset, signatureText } from '../../src/idle/dataset.ts'
import { addressOf, hash, wallet } from '../helpers/fixtures.ts'

const [one, two, gateway] = [1, 2, 3].map((i) => addressOf(wallet(i))) as [Hex, Hex, Hex]
const publisher = wallet(9)
const events: EventRow[] = [
  { kind: 'new-round', block: 10n, index: 0, round: 7n },
  { kind: 'reward', block: 11n, index: 0, transcoder: one, amount: 10n ** 18n },
  { kind: 'ticket', block: 12n, index: 3, sender: gateway, recipient: two, faceValue: 5n },
  { kind: 'service-uri', block: 12n, index: 4, transcoder: two, uri: 'https://two.example:8935' },
]
const state: StateRow[] = [
  { address: one, ownBond: 5n, totalStake: 500n, inPool: 1, serviceUri: '' },
  { address: two, ownBond: 50n, totalStake: 60n, inPool: 1, serviceUri: 'https://two.example:8935' },
]
const evidence: EvidenceRow[] = [
  { address: two, receipts: 9, pass: 40, fail: 0, inconclusive: 1, withheld: 0, unreceipted: 0, faults: 0, trips: 2 },
]
const span: IdleSpan = {
  ...{ chainId: 42_161n, anchor: `0x${'aa'.repeat(20)}`, round: 7n, rounds: 1 },
  contracts: { bondingManager: one, roundsManager: two, ticketBroker: gateway, serviceRegistry: one },
  ...{ fromBlock: 10n, fromBlockHash: hash(10), toBlock: 20n, toBlockHash: hash(20), stateBlock: 30n, stateBlockHash: hash(30) },
}

async function folder(signed = true): Promise<Map<string, string>> {
  const made = makeDataset({ span, events, state, evidence }, signed ? addressOf(publisher) : null)
  const files = new Map<string, string>([...made.files, ['manifest.json', made.manifest]])
  if (signed) {
    const { domain, types, message } = datasetTypedData({ chainId: span.chainId, anchor: span.anchor }, made.claim)
    files.set('signature.json', signatureText((await publisher.signTypedData(domain, types, message)) as Hex))
  }
  return files
}
const nameOf = async (part: string) => [...(await folder())].find(([, text]) => text.includes(part))?.[0] as string

describe('a dataset', () => {
  it('is what it says, signed or not, in whatever order its rows were gathered', async () => {
    const checked = checkDataset(await folder())
    expect(checked).toMatchObject({ problems: [], publisher: addressOf(publisher), span })
    expect(checked.results.map(({ address, class: name }) => [address, name]).sort()).toEqual(
      [
        [one, 'unproven'],
        [two, 'works'],
      ].sort(),
    )
    expect(checkDataset(await folder(false))).toMatchObject({ problems: [], publisher: null })
    const other = makeDataset({ span, events, state: [...state].reverse(), evidence }, null)
    expect(other.manifest).toBe((await folder(false)).get('manifest.json'))
  })

  it.each<[string, (files: Map<string, string>) => void | Promise<void>, RegExp]>([
    ['no manifest', (files) => void files.delete('manifest.json'), /no manifest/],
    [
      'a manifest of another format',
      (files) =>
        void files.set('manifest.json', (files.get('manifest.json') as string).replace('fisherman-idle/1', 'fisherman-idle/2')),
      /format is not/,
    ],
    [
      'a manifest that is not canonical',
      (files) => void files.set('manifest.json', ` ${files.get('manifest.json')}`),
      /not canonical/,
    ],
    ['a file that is gone', async (files) => void files.delete(await nameOf('"reward"')), /events: the file 0x\w+ is missing/],
    [
      'an event that was changed',
      async (files) => {
        const name = await nameOf('"reward"')
        files.set(name, (files.get(name) as string).replace('1000000000000000000', '2000000000000000000'))
      },
      /events: the file \w+ has another hash/,
    ],
    [
      'a manifest that says more',
      (files) => void files.set('manifest.json', files.get('manifest.json')!.replace('{"anchor"', '{"aa":1,"anchor"')),
      /fields that do not belong/,
    ],
    [
      'a manifest that says more of a file',
      (files) => void files.set('manifest.json', files.get('manifest.json')!.replace('{"bytes"', '{"a":1,"bytes"')),
      /fields that do not belong/,
    ],
    ['a file too many', (files) => void files.set('notes.txt', ''), /notes.txt does not belong/],
    ['no signature', (files) => void files.delete('signature.json'), /signature.json is missing/],
    [
      'a signature of somebody else',
      async (files) => {
        const made = makeDataset({ span, events, state, evidence }, addressOf(publisher))
        const { domain, types, message } = datasetTypedData({ chainId: span.chainId, anchor: span.anchor }, made.claim)
        files.set('signature.json', signatureText((await wallet(8).signTypedData(domain, types, message)) as Hex))
      },
      /the signature is of 0x\w+, not of/,
    ],
    ['a signature that is none', (files) => void files.set('signature.json', '{}'), /not understood/],
  ])('with %s is named as such', async (_, break_, problem) => {
    const files = await folder()
    await break_(files)
    expect(checkDataset(files).problems.join('\n')).toMatch(problem)
  })

  it('whose results do not follow from its events is told field by field, though every hash fits', () => {
    const lie = makeDataset({ span, events, state, evidence }, null)
    const results = [...lie.files.values()].find((text) => text.includes('"class"')) as string
    const forged = results.replace('"tickets":1', '"tickets":9')
    expect(forged).not.toBe(results)
    const honest = makeDataset({ span, events, state, evidence }, null)
    // The same dataset with another text for the results, and a manifest that fits it.
    const files = new Map<string, string>()
    for (const [name, text] of honest.files) if (text !== results) files.set(name, text)
    const manifest = refit(honest.manifest, results, forged)
    files.set(manifest.hash, forged).set('manifest.json', manifest.text)
    expect(checkDataset(files).problems).toEqual([`results: ${two} tickets is 1 by the events, 9 was published`])
  })

  it('of other blocks or rounds than its span says so', () => {
    const wrong = (changes: Partial<IdleSpan>) => {
      const made = makeDataset({ span: { ...span, ...changes }, events, state, evidence }, null)
      return checkDataset(new Map([...made.files, ['manifest.json', made.manifest]])).problems.join()
    }
    expect(wrong({ toBlock: 11n })).toMatch('block 12 is outside of 10 to 11')
    expect(wrong({ rounds: 2 })).toMatch('1 rounds begin, the manifest says 2')
    expect(wrong({ round: 8n })).toMatch('the last round is 7, the manifest says 8')
  })

  it('is signed in a domain of its own', () => {
    const { claim } = makeDataset({ span, events, state, evidence }, null)
    expect(datasetDigest({ chainId: 1n, anchor: span.anchor }, claim)).not.toBe(
      datasetDigest({ chainId: 2n, anchor: span.anchor }, claim),
    )
  })
})

/** Puts the hash, length and root of another text of the results into a manifest. */
function refit(manifest: string, from: string, to: string): { text: string; hash: Hex } {
  const json = JSON.parse(manifest)
  const files = ['events', 'state', 'evidence', 'results'] as const
  const texts = Object.fromEntries(files.map((name, i) => [name, json.files[i]]))
  const { fileOf, datasetRoot, canonicalJson } = dataset
  const changed = fileOf('results', to)
  expect(texts.results.hash).toBe(fileOf('results', from).hash)
  json.files[3] = changed
  json.root = datasetRoot(json.files)
  return { text: `${canonicalJson(json)}\n`, hash: changed.hash }
}

describe('rows', () => {
  const good = linesOf(events)
  it('are read as they were written', () => {
    expect(readEvents(good)).toEqual(events)
    expect(readState(linesOf(state))).toEqual(state)
    expect(readEvidence(linesOf(evidence))).toEqual(evidence)
    expect(readEvents('')).toEqual([])
  })

  it.each([
    ['without an end', good.slice(0, -1), /has no end/],
    ['no JSON', `${good}{\n`, /line 5 is no JSON/],
    ['with a space', good.replace(':', ': '), /line 1 is not canonical/],
    ['of no kind', '{"kind":"toString"}\n', /no known kind/],
    ['with a field more', good.replace('"round":"7"', '"round":"7","x":1'), /missing or unknown fields/],
    ['with a number for an amount', good.replace('"1000000000000000000"', '1'), /decimal string/],
    ['with an address in capitals', good.replace(one, one.toUpperCase().replace('0X', '0x')), /transcoder/],
    ['in another order', linesOf([...events].reverse()), /not after the one before/],
    ['twice', linesOf([events[0], events[0]]), /not after the one before/],
  ])('%s are refused', (_, text, why) => {
    expect(() => readEvents(text)).toThrow(why)
  })

  it('made of anything are read or refused, and what is read is written as it was', () => {
    const readers = [readEvents, readState, readEvidence]
    const mutated = fc
      .tuple(fc.constantFrom(good, linesOf(state), linesOf(evidence)), fc.nat(), fc.string({ maxLength: 4 }), fc.nat(3))
      .map(([text, at, piece, cut]) => {
        const i = at % text.length
        return text.slice(0, i) + piece + text.slice(i + cut)
      })
    const any = fc.oneof(
      mutated,
      fc.string(),
      fc.json().map((json) => `${json}\n`),
    )
    fc.assert(
      fc.property(any, fc.constantFrom(...readers), (text, read) => {
        try {
          expect(linesOf(read(text) as unknown[])).toBe(text)
        } catch (error) {
          expect((error as Error).name).toBe('CodecError')
        }
      }),
      { numRuns: 2_000 },
    )
  })
})
