import { checkEvidence } from './check.ts'
import { CodecError } from './codec.ts'
import {
  digestOf,
  evidenceHashOf,
  objectiveEvidenceHash,
  profileHashOf,
  profilesHashOf,
  renditionLeaf,
  windowLeaf,
} from './digest.ts'
import { readHex, structFromJson, structToJson } from './json.ts'
import { merkleRoot } from './merkle.ts'
import { livepeerOrder } from './segdata.ts'
import { hexToBytes, signerOf } from './signature.ts'
import {
  type Domain,
  FAULT_CLASSES,
  type FaultClass,
  type Hex,
  LIMITS,
  type Profile,
  type Rendition,
  type TranscodeOrder,
  type TranscodeReceipt,
  type WindowRoot,
} from './types.ts'

// The inputs of a bundle: what evidenceHash stands for, and what ties the bytes to the node's own signatures. No clock, no fisherman and
// no measure is among them, so everybody who holds the same evidence writes the same bytes.

export const BUNDLE_VERSION = 2

/** Plain JSON by file name, as `inputs/` holds it. */
export type InputFiles = Readonly<Record<string, unknown>>

export interface BundleInputs {
  domain: Domain
  evidenceHash: Hex
  verdictVersion: number
  order: TranscodeOrder
  /** The requester's: over the order, or over what `segData` signs. */
  orderSignature: Hex
  /** What an unmodified gateway ordered with, in place of a signed order; `order` is what follows from it. */
  segData?: Hex
  receipt: TranscodeReceipt
  signature: Hex
  /** Who signed the receipt: the node, or a key that it delegated to. */
  signer: Hex
  /** The whole ladder that was ordered. */
  profiles: Profile[]
  /** The rendition in question, and its path to `renditionsRoot`. */
  rendition: Rendition
  path: Hex[]
  /** The signed window that promised the receipt, the receipt's place in it, and the path. */
  window: WindowRoot
  windowSignature: Hex
  windowSigner: Hex
  windowIndex: number
  windowPath: Hex[]
}

/** One thing that was looked at. */
export interface BundleCheck {
  name: string
  holds: boolean
  /** What it says when it holds, and what is wrong when it does not. */
  detail: string
}

/** Lengths and keccak256 of the two media files of a bundle. */
export interface MediaHashes {
  sourceHash: Hex
  sourceBytes: bigint
  contentHash: Hex
  renditionBytes: bigint
}

export function bundleInputFiles(inputs: BundleInputs): Record<string, Record<string, unknown>> {
  const { domain, order, receipt, window, rendition } = inputs
  return {
    'inputs.json': {
      bundleVersion: BUNDLE_VERSION,
      chainId: domain.chainId.toString(),
      anchor: domain.anchor,
      evidenceHash: inputs.evidenceHash,
      verdictVersion: inputs.verdictVersion,
    },
    'order.json':
      inputs.segData === undefined
        ? { order: structToJson('TranscodeOrder', order), signature: inputs.orderSignature }
        : { segData: inputs.segData },
    'receipt.json': {
      receipt: structToJson('TranscodeReceipt', receipt),
      signature: inputs.signature,
      signer: inputs.signer,
    },
    'delegation.json': { delegation: delegationOf(inputs) },
    'profiles.json': { profiles: inputs.profiles.map((profile) => structToJson('Profile', profile)) },
    'rendition.json': { rendition: structToJson('Rendition', rendition), path: inputs.path },
    'window.json': {
      window: structToJson('WindowRoot', window),
      signature: inputs.windowSignature,
      signer: inputs.windowSigner,
      index: inputs.windowIndex,
      path: inputs.windowPath,
    },
  }
}

/** A key that is not the node's own was delegated on the chain before this round; null where the node signed itself. */
function delegationOf({ receipt, signer }: Pick<BundleInputs, 'receipt' | 'signer'>): Record<string, string> | null {
  return signer === receipt.transcoder ? null : { transcoder: receipt.transcoder, signer, round: receipt.round.toString() }
}

/** It says nothing that the receipt does not, so there is one right text: anything else would be a second encoding of the same evidence. */
function checkDelegation(json: unknown, expected: Record<string, string> | null): void {
  const said = json as Record<string, unknown> | null
  const same =
    expected === null
      ? said === null
      : typeof said === 'object' &&
        said !== null &&
        Object.keys(said).length === Object.keys(expected).length &&
        Object.entries(expected).every(([field, value]) => said[field] === value)
  if (!same) throw new CodecError('delegation.json: the delegation is not that of its signer')
}

/** Reads the inputs of a bundle; a CodecError names the file and the field that is wrong. */
export function readBundleInputs(files: InputFiles): BundleInputs {
  onlyFiles(files, ['inputs', 'order', 'receipt', 'delegation', 'profiles', 'rendition', 'window'])
  const { domain, evidenceHash, verdictVersion } = readHeader(files)
  const receipt = part(files, 'receipt.json', ['receipt', 'signature', 'signer'])
  const ladder = part(files, 'profiles.json', ['profiles'])
  const leaf = part(files, 'rendition.json', ['rendition', 'path'])
  const window = part(files, 'window.json', ['window', 'signature', 'signer', 'index', 'path'])
  const { delegation } = part(files, 'delegation.json', ['delegation'])
  const signed = {
    receipt: structFromJson('TranscodeReceipt', receipt.receipt),
    signature: readHex('receipt.json: signature', receipt.signature, 65),
    signer: readHex('receipt.json: signer', receipt.signer, 20),
  }
  checkDelegation(delegation, delegationOf(signed))
  return {
    domain,
    evidenceHash,
    verdictVersion,
    ...readOrder(files, domain, signed.receipt.transcoder),
    ...signed,
    profiles: list('profiles.json: profiles', ladder.profiles, LIMITS.renditions).map((item) => structFromJson('Profile', item)),
    rendition: structFromJson('Rendition', leaf.rendition),
    path: readPath('rendition.json: path', leaf.path),
    window: structFromJson('WindowRoot', window.window),
    windowSignature: readHex('window.json: signature', window.signature, 65),
    windowSigner: readHex('window.json: signer', window.signer, 20),
    windowIndex: readCount('window.json: index', window.index),
    windowPath: readPath('window.json: path', window.path),
  }
}

/** A signed order, or what an unmodified gateway sent. */
function readOrder(
  files: InputFiles,
  domain: Domain,
  transcoder: Hex,
): Pick<BundleInputs, 'order' | 'orderSignature' | 'segData'> {
  if ((files['order.json'] as { segData?: unknown } | undefined)?.segData === undefined) {
    const { order, signature } = part(files, 'order.json', ['order', 'signature'])
    return {
      order: structFromJson('TranscodeOrder', order),
      orderSignature: readHex('order.json: signature', signature, 65),
    }
  }
  const json = part(files, 'order.json', ['segData'])
  const segData = readHex('order.json: segData', json.segData, undefined, LIMITS.segDataBytes)
  const { order, signature } = livepeerOrder(domain, { segData: hexToBytes(segData), transcoder })
  return { order, orderSignature: signature, segData }
}

/** A fault that the node's own signatures prove: nothing to decode, so there are no media. */
export interface ObjectiveInputs {
  domain: Domain
  evidenceHash: Hex
  faultClass: FaultClass
  faultId: Hex
  transcoder: Hex
  receiptDigest: Hex
  evidence: Hex
}

export function objectiveInputFiles(inputs: ObjectiveInputs): Record<string, Record<string, unknown>> {
  const { domain, ...rest } = inputs
  return {
    'inputs.json': { bundleVersion: BUNDLE_VERSION, chainId: domain.chainId.toString(), anchor: domain.anchor, ...rest },
  }
}

export function isObjective(files: InputFiles): boolean {
  return (files['inputs.json'] as { evidence?: unknown } | undefined)?.evidence !== undefined
}

export function readObjectiveInputs(files: InputFiles): ObjectiveInputs {
  onlyFiles(files, ['inputs'])
  const { domain, evidenceHash } = readHeader(files, ['faultClass', 'faultId', 'transcoder', 'receiptDigest', 'evidence'])
  const json = files['inputs.json'] as Record<string, unknown>
  const { faultClass } = json
  if (!isObjectiveClass(faultClass)) throw new CodecError('inputs.json: faultClass is none that signatures prove')
  return {
    domain,
    evidenceHash,
    faultClass,
    faultId: readHex('inputs.json: faultId', json.faultId, 32),
    transcoder: readHex('inputs.json: transcoder', json.transcoder, 20),
    receiptDigest: readHex('inputs.json: receiptDigest', json.receiptDigest, 32),
    evidence: readHex('inputs.json: evidence', json.evidence, undefined, LIMITS.fraudProofBytes),
  }
}

function isObjectiveClass(value: unknown): value is FaultClass {
  return typeof value === 'string' && Object.hasOwn(FAULT_CLASSES, value) && value.startsWith('O')
}

export function evidenceHashOfInputs({ domain, receipt, rendition, verdictVersion }: BundleInputs): Hex {
  return evidenceHashOf({
    receiptDigest: digestOf(domain, 'TranscodeReceipt', receipt),
    rendition: rendition.index,
    sourceHash: receipt.sourceHash,
    contentHash: rendition.contentHash,
    profileHash: rendition.profileHash,
    verdictVersion,
  })
}

/** Are the media of the bundle the bytes that were signed? A bundle where they are not is broken. */
export function checkMedia(inputs: BundleInputs, media: MediaHashes): BundleCheck[] {
  const { order, receipt, rendition } = inputs
  return [
    check(
      'source.bin',
      // A gateway of Livepeer signs no length: its hash says enough.
      media.sourceHash === receipt.sourceHash && (inputs.segData !== undefined || media.sourceBytes === order.sourceBytes),
      `${media.sourceBytes} bytes with the hash that order and receipt sign`,
      'not the bytes that order and receipt sign',
    ),
    check(
      'rendition.bin',
      media.contentHash === rendition.contentHash && media.renditionBytes === rendition.byteLength,
      `${media.renditionBytes} bytes with the hash of the signed rendition`,
      'not the bytes of the signed rendition',
    ),
    check(
      'evidence hash',
      evidenceHashOfInputs(inputs) === inputs.evidenceHash,
      inputs.evidenceHash,
      'does not stand for these inputs',
    ),
  ]
}

/** Do the signatures and paths tie the bytes to the node? */
export function checkSignatures(inputs: BundleInputs): BundleCheck[] {
  const { domain, order, receipt, rendition, window } = inputs
  const digest = digestOf(domain, 'TranscodeReceipt', receipt)
  const shared = ['transcoder', 'requester', 'streamId', 'seq', 'sourceHash', 'profilesHash'] as const
  const profile = inputs.profiles[rendition.index]
  const delegated = (signer: Hex): string =>
    signer === receipt.transcoder
      ? `by the node ${signer}`
      : `by ${signer}; that the node delegated to it, the chain must vouch for`
  return [
    check('order', isOrdered(inputs), `signed by the requester ${order.requester}`, 'not signed by its requester'),
    check(
      'receipt',
      signerOf(domain, 'TranscodeReceipt', receipt, inputs.signature) === inputs.signer,
      `signed ${delegated(inputs.signer)}`,
      'not signed by its signer',
    ),
    check(
      'order and receipt',
      digestOf(domain, 'TranscodeOrder', order) === receipt.orderHash && shared.every((field) => order[field] === receipt[field]),
      'belong together',
      'do not belong together',
    ),
    check(
      'profile',
      profile !== undefined &&
        profilesHashOf(inputs.profiles) === receipt.profilesHash &&
        profileHashOf(profile) === rendition.profileHash,
      `rung ${rendition.index} of the ladder that was ordered`,
      'not the one that was ordered',
    ),
    check(
      'rendition',
      merkleRoot(renditionLeaf(rendition), inputs.path) === receipt.renditionsRoot,
      'lies under the root that the receipt signs',
      'does not lie under the root that the receipt signs',
    ),
    check(
      'window',
      signerOf(domain, 'WindowRoot', window, inputs.windowSignature) === inputs.windowSigner &&
        window.transcoder === receipt.transcoder &&
        merkleRoot(windowLeaf(inputs.windowIndex, digest), inputs.windowPath) === window.root,
      `${window.windowId}, signed ${delegated(inputs.windowSigner)}, holds the receipt`,
      'does not hold the receipt, or is not signed by its signer',
    ),
  ]
}

function isOrdered({ domain, order, orderSignature, segData, receipt }: BundleInputs): boolean {
  if (segData === undefined) return signerOf(domain, 'TranscodeOrder', order, orderSignature) === order.requester
  const { transcoder } = receipt
  return (
    livepeerOrder(domain, { segData: hexToBytes(segData), transcoder }).orderHash === digestOf(domain, 'TranscodeOrder', order)
  )
}

/** The whole proof of an O class: its predicate, its ids and its signatures. */
export function checkObjective(inputs: ObjectiveInputs): BundleCheck[] {
  const { faultClass, evidence, evidenceHash, domain } = inputs
  const report = { ...inputs, faultClass: FAULT_CLASSES[faultClass] }
  const result = checkEvidence(domain, report, evidence)
  return [
    check(
      'evidence hash',
      objectiveEvidenceHash(faultClass, evidence) === evidenceHash,
      evidenceHash,
      'does not stand for this evidence',
    ),
    check(
      faultClass,
      result.valid,
      result.valid
        ? `${inputs.transcoder} is proven at fault by signatures of ${[...new Set(result.accusedSigners)].join(', ')}`
        : '',
      result.valid ? '' : result.reason,
    ),
  ]
}

function onlyFiles(files: InputFiles, known: readonly string[]): void {
  for (const name of Object.keys(files))
    if (!known.includes(name.replace(/\.json$/, ''))) throw new CodecError(`inputs/${name} is not known`)
}

function readHeader(files: InputFiles, more: readonly string[] = ['verdictVersion']) {
  const names = ['bundleVersion', 'chainId', 'anchor', 'evidenceHash', ...more]
  const header = part(files, 'inputs.json', names)
  if (header.bundleVersion !== BUNDLE_VERSION)
    throw new CodecError(`inputs.json: bundle version ${String(header.bundleVersion)}, this program knows ${BUNDLE_VERSION}`)
  if (typeof header.chainId !== 'string' || !/^[1-9][0-9]{0,19}$/.test(header.chainId))
    throw new CodecError('inputs.json: chainId must be a decimal string')
  return {
    domain: { chainId: BigInt(header.chainId), anchor: readHex('inputs.json: anchor', header.anchor, 20) },
    evidenceHash: readHex('inputs.json: evidenceHash', header.evidenceHash, 32),
    verdictVersion: more.includes('verdictVersion') ? readCount('inputs.json: verdictVersion', header.verdictVersion) : 0,
  }
}

/** One JSON file with exactly these fields. */
function part(files: InputFiles, name: string, fields: readonly string[]): Record<string, unknown> {
  const json = files[name]
  if (json === undefined) throw new CodecError(`inputs/${name} is missing`)
  if (typeof json !== 'object' || json === null || Array.isArray(json)) throw new CodecError(`inputs/${name} must be an object`)
  for (const field of Object.keys(json))
    if (!fields.includes(field)) throw new CodecError(`${name}: no field ${JSON.stringify(field.slice(0, 40))} is known`)
  return json as Record<string, unknown>
}

function list(path: string, value: unknown, most: number): unknown[] {
  if (!Array.isArray(value) || value.length > most) throw new CodecError(`${path} must be a list of at most ${most}`)
  return value
}

/** A path of a tree of at most 4,096 leaves has 12 steps; twice that is room enough. */
function readPath(path: string, value: unknown): Hex[] {
  return list(path, value, 24).map((item) => readHex(path, item, 32))
}

function readCount(path: string, value: unknown): number {
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 0 || value > 0xffffffff)
    throw new CodecError(`${path} must be a whole number`)
  return value
}

function check(name: string, holds: boolean, yes: string, no: string): BundleCheck {
  return { name, holds, detail: holds ? yes : no }
}
