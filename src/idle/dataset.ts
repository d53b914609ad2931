import {
  canonicalJson,
  type DatasetClaim,
  type DatasetFile,
  datasetRoot,
  datasetSigner,
  type EventRow,
  type EvidenceRow,
  FILES,
  type FileName,
  fileOf,
  linesOf,
  readEvents,
  readEvidence,
  readState,
  type StateRow,
} from '../../proofs/dataset.ts'
import { readHex } from '../../proofs/json.ts'
import type { Domain, Hex } from '../../proofs/types.ts'
import { deriveIdle, IDLE_PARAMETERS, type IdleParameters, type IdleResult } from './idle.ts'

export const FORMAT = 'fisherman-idle/1'

/** Where the events and the state are from. */
export interface IdleSpan {
  readonly chainId: bigint
  readonly anchor: Hex
  readonly contracts: Readonly<Record<'bondingManager' | 'roundsManager' | 'ticketBroker' | 'serviceRegistry', Hex>>
  /** Last whole round, and rounds of the span up to it. */
  readonly round: bigint
  readonly rounds: number
  readonly fromBlock: bigint
  readonly fromBlockHash: Hex
  readonly toBlock: bigint
  readonly toBlockHash: Hex
  readonly stateBlock: bigint
  readonly stateBlockHash: Hex
}

export interface IdleMaterial {
  readonly span: IdleSpan
  readonly events: readonly EventRow[]
  readonly state: readonly StateRow[]
  readonly evidence: readonly EvidenceRow[]
}

export interface Dataset {
  /** Canonical JSON; `manifest.json`. */
  readonly manifest: string
  /** What is signed for it. */
  readonly claim: DatasetClaim
  /** Text by its hash, which is its name. */
  readonly files: ReadonlyMap<Hex, string>
  readonly results: readonly IdleResult[]
}

/** Makes the files of one round; pure, so that two who saw the same write the same bytes. */
export function makeDataset(
  material: IdleMaterial,
  publisher: Hex | null,
  parameters: IdleParameters = IDLE_PARAMETERS,
): Dataset {
  const { span, events } = material
  const state = sorted(material.state)
  const evidence = sorted(material.evidence)
  const results = deriveIdle({ events, state, evidence }, parameters)
  const texts = { events: linesOf(events), state: linesOf(state), evidence: linesOf(evidence), results: linesOf(results) }
  const files = FILES.map((name) => fileOf(name, texts[name]))
  const root = datasetRoot(files)
  const manifest = manifestOf({ span, publisher, files, root, parameters })
  return {
    ...{ manifest, results, claim: claimOf(span, root, manifest) },
    files: new Map(files.map(({ hash, name }) => [hash, texts[name as FileName]])),
  }
}

interface Manifest {
  readonly span: IdleSpan
  readonly publisher: Hex | null
  readonly files: readonly DatasetFile[]
  readonly root: Hex
  readonly parameters: IdleParameters
}

function manifestOf({ span, ...rest }: Manifest): string {
  return `${canonicalJson({ ...span, ...rest, format: FORMAT })}\n`
}

function sorted<T extends { readonly address: Hex }>(rows: readonly T[]): T[] {
  return [...rows].sort((a, b) => (a.address < b.address ? -1 : 1))
}

function claimOf(span: IdleSpan, root: Hex, manifest: string): DatasetClaim {
  const { round, fromBlock, toBlock, toBlockHash } = span
  return { round, fromBlock, toBlock, toBlockHash, root, manifestHash: fileOf('results', manifest).hash }
}

export interface Checked {
  /** What differs, in words; none where the dataset is what it says. */
  readonly problems: readonly string[]
  readonly publisher: Hex | null
  readonly span?: IdleSpan
  readonly results: readonly IdleResult[]
}

/** Files that a dataset consists of; their names, and nothing else of a folder, are read or served. */
export const DATASET_FILE = /^(manifest\.json|signature\.json|0x[0-9a-f]{64})$/

/** The folder as it was found: text of each file by its name. */
export type Found = ReadonlyMap<string, string>

/** Derives every number again from the events and compares; names all that differs, and stops only where nothing can be read. */
export function checkDataset(found: Found): Checked {
  const problems: string[] = []
  const failed = (what: string): Checked => ({ problems: [...problems, what], publisher: null, results: [] })
  const manifest = found.get('manifest.json')
  if (manifest === undefined) return failed('there is no manifest.json')
  let read: ReturnType<typeof readManifest>
  try {
    read = readManifest(manifest)
  } catch (error) {
    return failed(`manifest.json: ${error instanceof Error ? error.message : 'is not understood'}`)
  }
  const { span, publisher, files, root, parameters } = read
  const texts: Partial<Record<FileName, string>> = {}
  for (const [i, { name, hash, bytes }] of files.entries()) {
    const text = found.get(hash)
    if (name !== FILES[i]) problems.push(`the manifest has ${name} where ${FILES[i]} belongs`)
    else if (text === undefined) problems.push(`${name}: the file ${hash} is missing`)
    else {
      const real = fileOf(FILES[i], text)
      if (real.hash !== hash) problems.push(`${name}: the file ${hash} has another hash, ${real.hash}`)
      if (real.bytes !== bytes) problems.push(`${name}: ${real.bytes} bytes where the manifest says ${bytes}`)
      texts[FILES[i]] = text
    }
  }
  if (datasetRoot(files) !== root)
    problems.push(`the Merkle root of the files is ${datasetRoot(files)}, the manifest says ${root}`)
  const known = new Set(['manifest.json', 'signature.json', ...files.map(({ hash }) => hash as string)])
  for (const name of found.keys()) if (!known.has(name)) problems.push(`${name} does not belong to the dataset`)
  problems.push(...signatureProblems(found, read, claimOf(span, root, manifest)))
  const { events, state, evidence, results } = texts
  if (events === undefined || state === undefined || evidence === undefined || results === undefined)
    return { problems, publisher, span, results: [] }
  try {
    const rows = { events: readEvents(events), state: readState(state), evidence: readEvidence(evidence) }
    problems.push(...spanProblems(span, rows.events))
    const derived = deriveIdle(rows, parameters)
    problems.push(...differences(linesOf(derived), results))
    return { problems, publisher, span, results: derived }
  } catch (error) {
    return {
      problems: [...problems, error instanceof Error ? error.message : 'a file is not understood'],
      publisher,
      span,
      results: [],
    }
  }
}

function spanProblems(span: IdleSpan, events: readonly EventRow[]): string[] {
  const problems = events
    .filter(({ block }) => block < span.fromBlock || block > span.toBlock)
    .slice(0, 1)
    .map(({ block }) => `events: block ${block} is outside of ${span.fromBlock} to ${span.toBlock}`)
  const rounds = events.filter((row) => row.kind === 'new-round')
  if (rounds.length !== span.rounds) problems.push(`events: ${rounds.length} rounds begin, the manifest says ${span.rounds}`)
  if (rounds.at(-1)?.round !== span.round)
    problems.push(`events: the last round is ${rounds.at(-1)?.round ?? 'none'}, the manifest says ${span.round}`)
  return problems
}

function signatureProblems(
  found: Found,
  { span, publisher }: { span: IdleSpan; publisher: Hex | null },
  claim: DatasetClaim,
): string[] {
  const text = found.get('signature.json')
  if (publisher === null) return text === undefined ? [] : ['signature.json is there, but the manifest names no publisher']
  if (text === undefined) return [`signature.json is missing: nobody vouches that ${publisher} published this`]
  const domain: Domain = { chainId: span.chainId, anchor: span.anchor }
  const signature = /^\{"signature":"(0x[0-9a-f]{130})"\}\n$/.exec(text)?.[1] as Hex | undefined
  if (signature === undefined) return ['signature.json is not understood']
  const signer = datasetSigner(domain, claim, signature)
  return signer === publisher ? [] : [`the signature is of ${signer ?? 'nobody'}, not of ${publisher}`]
}

export function signatureText(signature: Hex): string {
  return `${canonicalJson({ signature })}\n`
}

/** The first rows and fields that differ. */
function differences(derived: string, published: string): string[] {
  if (derived === published) return []
  const [mine, theirs] = [byAddress(derived), byAddress(published)]
  const problems: string[] = []
  for (const address of [...new Set([...mine.keys(), ...theirs.keys()])].sort()) {
    const [a, b] = [mine.get(address), theirs.get(address)]
    if (!a) problems.push(`results: ${address} is published, and the events do not give it`)
    else if (!b) problems.push(`results: ${address} is missing`)
    else
      for (const field of new Set([...Object.keys(a), ...Object.keys(b)]))
        if (canonicalJson(a[field] ?? null) !== canonicalJson(b[field] ?? null))
          problems.push(`results: ${address} ${field} is ${text(a[field])} by the events, ${text(b[field])} was published`)
  }
  if (problems.length === 0) problems.push('results: not the text that the events give')
  return problems.slice(0, 20)
}

const text = (value: unknown): string => JSON.stringify(value ?? null).slice(0, 100)

function byAddress(lines: string): Map<string, Record<string, unknown>> {
  const rows = new Map<string, Record<string, unknown>>()
  for (const line of lines.split('\n').slice(0, -1)) {
    let row: unknown
    try {
      row = JSON.parse(line)
    } catch {
      continue
    }
    if (typeof row === 'object' && row !== null && !Array.isArray(row))
      rows.set(String((row as { address?: unknown }).address).slice(0, 60), row as Record<string, unknown>)
  }
  return rows
}

function readManifest(manifest: string): Manifest {
  const json = object(JSON.parse(manifest), 'it')
  if (`${canonicalJson(json)}\n` !== manifest) throw new Error('is not canonical')
  if (json.format !== FORMAT) throw new Error(`format is not ${FORMAT}; use the version of the program that wrote it`)
  const contracts = object(json.contracts, 'contracts')
  const limits = object(json.parameters, 'parameters')
  const address = (name: string) => readHex(`contracts.${name}`, contracts[name], 20)
  const files = json.files
  if (!Array.isArray(files) || files.length !== FILES.length) throw new Error(`names other files than ${FILES.join(', ')}`)
  const read: Manifest = {
    span: {
      ...{ chainId: big(json, 'chainId'), anchor: readHex('anchor', json.anchor, 20) },
      contracts: {
        ...{ bondingManager: address('bondingManager'), roundsManager: address('roundsManager') },
        ...{ ticketBroker: address('ticketBroker'), serviceRegistry: address('serviceRegistry') },
      },
      ...{ round: big(json, 'round'), rounds: count(json, 'rounds') },
      ...{ fromBlock: big(json, 'fromBlock'), fromBlockHash: readHex('fromBlockHash', json.fromBlockHash, 32) },
      ...{ toBlock: big(json, 'toBlock'), toBlockHash: readHex('toBlockHash', json.toBlockHash, 32) },
      ...{ stateBlock: big(json, 'stateBlock'), stateBlockHash: readHex('stateBlockHash', json.stateBlockHash, 32) },
    },
    publisher: json.publisher === null ? null : readHex('publisher', json.publisher, 20),
    files: files.map((item, i) => {
      const file = object(item, `files[${i}]`)
      return { name: String(file.name), hash: readHex(`files[${i}].hash`, file.hash, 32), bytes: count(file, 'bytes') }
    }),
    root: readHex('root', json.root, 32),
    parameters: {
      ...{ idleFromRounds: count(limits, 'idleFromRounds'), selfFromTickets: count(limits, 'selfFromTickets') },
      ...{ selfSharePpm: count(limits, 'selfSharePpm'), failFromSamples: count(limits, 'failFromSamples') },
    },
  }
  // One text for one meaning: nothing stands in it that nobody reads.
  if (manifestOf(read) !== manifest) throw new Error('has fields that do not belong to it')
  return read
}

function object(value: unknown, path: string): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new Error(`${path} must be an object`)
  return value as Record<string, unknown>
}

/** Block numbers and rounds are uint64 in the signature. */
function big(from: Record<string, unknown>, name: string): bigint {
  const value = from[name]
  if (typeof value !== 'string' || !/^(0|[1-9][0-9]{0,18})$/.test(value)) throw new Error(`${name} must be a decimal string`)
  return BigInt(value)
}

function count(from: Record<string, unknown>, name: string): number {
  const value = from[name]
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0) throw new Error(`${name} must be a count`)
  return value
}
