import { readFileSync } from 'node:fs'
import { keccak256 } from 'ethers'
import { isObjective, readBundleInputs, readObjectiveInputs } from '../../proofs/bundle.ts'
import { type BundleCheck, checkMedia, checkObjective, checkSignatures } from '../../proofs/bundle-checks.ts'
import type { InputFiles } from '../../proofs/bundle-fields.ts'
import { type CheckResult, type Claim, checkEvidence, checkFraudProof } from '../../proofs/check.ts'
import { CodecError, decodeDrawProof, decodeStatement, type Statement, type StatementKind } from '../../proofs/codec.ts'
import { structFromJson } from '../../proofs/json.ts'
import { verifyConsistency, verifyInclusion } from '../../proofs/log-tree.ts'
import { merkleRoot } from '../../proofs/merkle.ts'
import { livepeerOrder } from '../../proofs/segdata.ts'
import { hexToBytes, signerOf } from '../../proofs/signature.ts'
import type { Hex, StructName } from '../../proofs/types.ts'
import { canonicalJson, decodeStored, NO_ENTRY } from '../../src/prooflog/entry.ts'
import type { BadCase } from './bad-bytes.ts'
import { DOMAIN } from './common.ts'

// Reads the committed vectors as a stranger would, who has the files and `proofs/`.

export function readVectors<T>(name: string): T {
  return JSON.parse(vectorText(name)) as T
}

export function vectorText(name: string): string {
  return readFileSync(new URL(`../../proofs/vectors/${name}`, import.meta.url), 'utf8')
}

interface BundleVector {
  json: Record<string, unknown>
  media: Record<string, Hex>
}

/** All lines that a bundle's inputs give; a CodecError where they cannot be read. */
export function bundleChecks(files: InputFiles, media: Readonly<Record<string, Hex>>): BundleCheck[] {
  if (isObjective(files)) return checkObjective(readObjectiveInputs(files))
  const inputs = readBundleInputs(files)
  const [source, rendition] = [hexToBytes(media['source.bin'] as Hex), hexToBytes(media['rendition.bin'] as Hex)]
  const hashes = { sourceHash: keccak256(source) as Hex, contentHash: keccak256(rendition) as Hex }
  const lengths = { sourceBytes: BigInt(source.length), renditionBytes: BigInt(rendition.length) }
  return [...checkMedia(inputs, { ...hashes, ...lengths }), ...checkSignatures(inputs)]
}

/** The first entry of these that is not what it must be, and why. */
export function firstBadEntry(texts: readonly string[]): { firstBad: number; reason: string } | undefined {
  let prev: Hex = NO_ENTRY
  for (const [i, text] of texts.entries()) {
    const stored = decodeStored(text)
    if (!stored) return { firstBad: i, reason: 'is no entry' }
    if (canonicalJson(JSON.parse(text)) !== text) return { firstBad: i, reason: 'is not canonical JSON' }
    if (stored.seq !== i) return { firstBad: i, reason: 'is not the next number' }
    if (stored.entry && stored.entry.prev !== prev) return { firstBad: i, reason: 'does not follow the entry before' }
    prev = stored.hash
  }
  return undefined
}

function changedBundle(base: BundleVector, change: { file: string; at: (string | number)[]; value?: unknown }): InputFiles {
  const files = structuredClone(base.json)
  const place: (string | number)[] = [change.file, ...change.at]
  const last = place.pop() as string
  const parent = place.reduce<Record<string, unknown>>((at, key) => at[key] as Record<string, unknown>, files)
  if ('value' in change) parent[last] = change.value
  else delete parent[last]
  return files
}

const said = (result: CheckResult): string | undefined => (result.valid ? undefined : result.reason)

/** How each kind of bad case is looked at: the reason of the refusal, or undefined where it is taken. */
const LOOKS: Readonly<Record<string, (item: never) => string | undefined>> = {
  statement: ({ kind, bytes }: { kind: StatementKind; bytes: Hex }) => void decodeStatement(kind, hexToBytes(bytes)),
  'draw-proof': ({ bytes }: { bytes: Hex }) => void decodeDrawProof(bytes),
  signature(item: { struct: StructName; value: unknown; signature: Hex; signer: Hex; recovered: Hex | null; reason: string }) {
    const recovered = signerOf(DOMAIN, item.struct, structFromJson(item.struct, item.value), item.signature)
    if ((recovered ?? null) !== item.recovered) return `recovers ${recovered}, expected ${item.recovered}`
    return recovered === item.signer ? undefined : item.reason
  },
  json: ({ struct, text }: { struct: StructName; text: string }) => void structFromJson(struct, JSON.parse(text)),
  evidence: ({ claim, evidence }: { claim: Claim; evidence: Hex }) => said(checkEvidence(DOMAIN, claim, evidence)),
  'fraud-proof': ({ bytes }: { bytes: Hex }) =>
    said(checkFraudProof(DOMAIN, decodeStatement('fraud-proof', hexToBytes(bytes)) as Statement<'fraud-proof'>)),
  merkle: ({ leaf, path, root, reason }: { leaf: Hex; path: Hex[]; root: Hex; reason: string }) =>
    merkleRoot(leaf, path) === root ? undefined : reason,
  'log-inclusion': (item: { leaf: Hex; index: number; size: number; path: Hex[]; root: Hex; reason: string }) =>
    verifyInclusion(item.leaf, item.index, item.size, item.path, item.root) ? undefined : item.reason,
  'log-consistency': (item: { oldSize: number; size: number; oldRoot: Hex; root: Hex; path: Hex[]; reason: string }) =>
    verifyConsistency(item.oldSize, item.size, item.oldRoot, item.root, item.path) ? undefined : item.reason,
  'log-entries'({ entries, firstBad }: { entries: string[]; firstBad: number }) {
    const found = firstBadEntry(entries)
    return found?.firstBad === firstBad ? found.reason : undefined
  },
  segdata: ({ segData, transcoder }: { segData: Hex; transcoder: Hex }) =>
    void livepeerOrder(DOMAIN, { segData: hexToBytes(segData), transcoder }),
  bundle({ base, change }: { base: 'media' | 'objective' | 'livepeer'; change: { file: string; at: (string | number)[] } }) {
    const vector = readVectors<Record<string, BundleVector>>('bundle.json')[base] as BundleVector
    const broken = bundleChecks(changedBundle(vector, change), vector.media).filter(({ holds }) => !holds)
    return broken.map(({ name }) => name).join(', ') || undefined
  },
}

/** Why this case is refused; undefined where it is not. Any error but a CodecError is a crash, and thrown on. */
export function refusalOf(item: BadCase): string | undefined {
  const look = LOOKS[item.what]
  if (!look) throw new Error(`nobody looks at a ${item.what}`)
  try {
    return look(item as never)
  } catch (error) {
    if (error instanceof CodecError) return error.message
    throw error
  }
}
