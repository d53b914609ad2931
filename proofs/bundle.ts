import { BUNDLE_VERSION, type InputFiles, list, onlyFiles, part, readCount, readHeader, readPath } from './bundle-fields.ts'
import { CodecError } from './codec.ts'
import { digestOf, evidenceHashOf } from './digest.ts'
import { readHex, structFromJson, structToJson } from './json.ts'
import { livepeerOrder } from './segdata.ts'
import { hexToBytes } from './signature.ts'
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
