import { type BundleInputs, evidenceHashOfInputs, type ObjectiveInputs } from './bundle.ts'
import { checkEvidence } from './check.ts'
import { digestOf, objectiveEvidenceHash, profileHashOf, profilesHashOf, renditionLeaf, windowLeaf } from './digest.ts'
import { merkleRoot } from './merkle.ts'
import { livepeerOrder } from './segdata.ts'
import { hexToBytes, signerOf } from './signature.ts'
import { FAULT_CLASSES, type Hex } from './types.ts'

// What ties the bytes of a bundle to the node's own signatures.

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

function check(name: string, holds: boolean, yes: string, no: string): BundleCheck {
  return { name, holds, detail: holds ? yes : no }
}
