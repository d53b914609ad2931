import {
  canonicalJson,
  datasetDigest,
  datasetRoot,
  datasetTypedData,
  type EventRow,
  type EvidenceRow,
  fileOf,
  type StateRow,
} from '../../proofs/dataset.ts'
import type { Hex } from '../../proofs/types.ts'
import { type Dataset, type IdleSpan, makeDataset, signatureText } from '../../src/idle/dataset.ts'
import { addressOf, hash } from '../helpers/fixtures.ts'
import { DOMAIN, KEYS } from './common.ts'

// Datasets of who earns without working: one that holds, with a node of each class, and what a reader must refuse of it.

const [idle, works, paid, self, unproven, gateway, publisher, stranger] = KEYS.map(addressOf) as [
  ...[Hex, Hex, Hex, Hex, Hex, Hex, Hex, Hex],
]
const ROUNDS = 31
const FIRST = 100n

function events(): EventRow[] {
  const rows: EventRow[] = []
  for (let i = 0; i < ROUNDS; i++) {
    const block = FIRST + BigInt(10 * i)
    rows.push({ kind: 'new-round', block, index: 0, round: BigInt(i + 1) })
    rows.push({ kind: 'reward', block, index: 1, transcoder: idle, amount: 10n ** 18n })
  }
  const block = FIRST + BigInt(10 * ROUNDS - 5)
  const later: [EventRow['kind'], object][] = [
    ['bond', { delegator: gateway, delegate: self, added: 5n }],
    ['ticket', { sender: gateway, recipient: works, faceValue: 7n }],
    ['ticket', { sender: works, recipient: paid, faceValue: 9n }],
    ...[1n, 2n, 3n].map((faceValue): [EventRow['kind'], object] => ['ticket', { sender: gateway, recipient: self, faceValue }]),
    ['reward', { transcoder: unproven, amount: 2n ** 200n }],
    ['service-uri', { transcoder: works, uri: 'https://node.example:8935/"\\ü' }],
    ['transcoder-update', { transcoder: works }],
    ['activated', { transcoder: works, round: 30n }],
    ['deactivated', { transcoder: idle, round: 32n }],
    ['unbond', { delegator: gateway, delegate: self, amount: 1n }],
  ]
  return [...rows, ...later.map(([kind, fields], index) => ({ kind, block, index, ...fields }) as EventRow)]
}

const state: StateRow[] = [idle, works, paid, self, unproven].map((address, i) => ({
  ...{ address, ownBond: BigInt(100 * i), totalStake: BigInt(1_000 * (i + 1)), inPool: i % 2 },
  serviceUri: i === 0 ? '' : `https://${i}.example:8935`,
}))
const NONE = { receipts: 0, pass: 0, fail: 0, inconclusive: 0, withheld: 0, unreceipted: 0, faults: 0, trips: 0 }
const evidence: EvidenceRow[] = [
  { address: works, ...NONE, receipts: 40, pass: 39, fail: 1, trips: 2 },
  { address: paid, ...NONE, receipts: 12, faults: 1 },
  { address: unproven, ...NONE, inconclusive: 1 },
]
const last = FIRST + BigInt(10 * ROUNDS - 1)
const span: IdleSpan = {
  ...{ chainId: DOMAIN.chainId, anchor: DOMAIN.anchor, round: BigInt(ROUNDS), rounds: ROUNDS },
  contracts: { bondingManager: hash20(1), roundsManager: hash20(2), ticketBroker: hash20(3), serviceRegistry: hash20(4) },
  ...{ fromBlock: FIRST, fromBlockHash: hash(10), toBlock: last, toBlockHash: hash(20) },
  ...{ stateBlock: last + 5n, stateBlockHash: hash(30) },
}

function hash20(n: number): Hex {
  return `0x${n.toString(16).padStart(40, '0')}`
}

async function signed({ claim }: Dataset, by = KEYS[6]): Promise<string> {
  const { domain, types, message } = datasetTypedData(DOMAIN, claim)
  return signatureText((await by?.signTypedData(domain, types, message)) as Hex)
}

/** The files by name, and what is to be derived from them. */
export async function dataset() {
  const made = makeDataset({ span, events: events(), state, evidence }, publisher)
  const files: Record<string, string> = {
    ...{ 'manifest.json': made.manifest, 'signature.json': await signed(made) },
    ...Object.fromEntries(made.files),
  }
  const nameOf = (part: string) => Object.keys(files).find((name) => name.startsWith('0x') && files[name]?.includes(part)) ?? ''
  const [eventsFile, resultsFile] = [nameOf('"new-round"'), nameOf('"class"')]
  const text = (name: string) => files[name] as string
  const forged = text(resultsFile).replace('"class":"idle"', '"class":"works"')
  const refitted = refit(made.manifest, forged)
  // Signed again by its publisher: only who derives the results sees it.
  const claim = { ...made.claim, root: refitted.root, manifestHash: fileOf('results', refitted.text).hash }
  const bad: { name: string; changes: Record<string, string | null>; problem: string }[] = [
    { name: 'no manifest', changes: { 'manifest.json': null }, problem: 'there is no manifest.json' },
    { name: 'no signature', changes: { 'signature.json': null }, problem: 'signature.json is missing' },
    { name: 'a file is gone', changes: { [eventsFile]: null }, problem: 'is missing' },
    { name: 'a file too many', changes: { 'notes.txt': '' }, problem: 'notes.txt does not belong' },
    {
      name: 'an amount was changed',
      changes: { [eventsFile]: text(eventsFile).replace('1000000000000000000', '2000000000000000000') },
      problem: 'has another hash',
    },
    { name: 'the manifest is not canonical', changes: { 'manifest.json': ` ${made.manifest}` }, problem: 'not canonical' },
    {
      name: 'the manifest is of another format',
      changes: { 'manifest.json': made.manifest.replace('fisherman-idle/1', 'fisherman-idle/2') },
      problem: 'format is not',
    },
    {
      name: 'another root',
      changes: { 'manifest.json': made.manifest.replace(made.claim.root, hash(99)) },
      problem: 'root',
    },
    {
      name: 'signed by somebody else',
      changes: { 'signature.json': await signed(made, KEYS[7]) },
      problem: `the signature is of ${stranger}, not of ${publisher}`,
    },
    {
      name: 'results that do not follow, with fitting hashes and a good signature',
      changes: {
        [resultsFile]: null,
        [refitted.hash]: forged,
        'manifest.json': refitted.text,
        'signature.json': await signed({ ...made, claim }),
      },
      problem: `results: ${idle} class is "idle" by the events, "works" was published`,
    },
  ]
  return {
    chainId: DOMAIN.chainId,
    anchor: DOMAIN.anchor,
    files,
    ...{ root: made.claim.root, manifestHash: made.claim.manifestHash, digest: datasetDigest(DOMAIN, made.claim), publisher },
    classes: Object.fromEntries(made.results.map((one) => [one.address, { class: one.class, why: one.why }])),
    bad,
  }
}

/** The manifest with other results. */
function refit(manifest: string, results: string): { text: string; hash: Hex; root: Hex } {
  const json = JSON.parse(manifest)
  json.files[3] = fileOf('results', results)
  json.root = datasetRoot(json.files)
  return { text: `${canonicalJson(json)}\n`, hash: json.files[3].hash, root: json.root }
}
