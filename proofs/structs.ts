import type { StructName } from './types.ts'

export type FieldType = 'address' | 'bytes32' | 'uint8' | 'uint16' | 'uint32' | 'uint64' | 'int32'

export interface Field {
  readonly name: string
  readonly type: FieldType
}

function fields(text: string): readonly Field[] {
  return text.split(',').map((part) => {
    const [type, name] = part.trim().split(' ') as [FieldType, string]
    return { name, type }
  })
}

/**
 * One table for every struct that is signed, hashed, put in JSON or sent: EIP-712 types, ABI tuples and JSON checks are derived from it,
 * so the three can never drift apart. Order matters: it is the order of the signature.
 */
export const STRUCTS: Readonly<Record<StructName, readonly Field[]>> = {
  Profile: fields(
    'uint32 width,uint32 height,uint32 bitrate,uint32 fpsNum,uint32 fpsDen,uint8 codec,uint8 h264Profile,int32 gopMs,uint8 container,uint8 quality',
  ),
  Rendition: fields(
    'uint16 index,bytes32 profileHash,bytes32 contentHash,uint64 byteLength,uint64 pixels,uint32 width,uint32 height,uint32 frames,uint32 durationMs',
  ),
  FrameFp: fields('uint16 track,uint32 frame,uint32 ptsMs,uint64 dhash,uint64 strong'),
  TranscodeOrder: fields(
    'address requester,address transcoder,bytes32 streamId,uint64 seq,bytes32 sourceHash,uint64 sourceBytes,bytes32 profilesHash,bytes32 sourceFingerprintRoot,bytes32 sessionId,bytes32 nonce,uint64 issuedAt,uint64 expiresAt',
  ),
  TranscodeReceipt: fields(
    'bytes32 orderHash,address transcoder,address requester,bytes32 streamId,uint64 seq,bytes32 sourceHash,bytes32 profilesHash,bytes32 renditionsRoot,bytes32 fingerprintRoot,uint64 completedAt,uint64 round',
  ),
  SignerDelegation: fields('address transcoder,address signer,uint64 fromRound'),
  WindowRoot: fields('address transcoder,uint64 windowId,bytes32 root,uint32 count,uint64 closedAt'),
  SealedAnswer: fields('bytes32 sampleId,bytes32 seal,uint64 deadline'),
  Answer: fields(
    'bytes32 sampleId,bytes32 receiptDigest,uint16 rendition,uint8 outcome,bytes32 evidenceHash,bytes32 fingerprint,uint32 verdictVersion,bytes32 salt',
  ),
  ConvictionVote: fields(
    'bytes32 faultId,uint8 faultClass,address transcoder,bytes32 receiptDigest,uint16 rendition,bytes32 evidenceHash,bytes32 workCommit,address finder,uint32 verdictVersion,uint64 deadline',
  ),
  FraudReport: fields(
    'bytes32 faultId,uint8 faultClass,address transcoder,address reporter,bytes32 receiptDigest,bytes32 evidenceHash,uint64 observedAt,uint64 expiresAt',
  ),
  LogHead: fields('address fisherman,uint64 epoch,uint64 size,bytes32 root,uint64 signedAt'),
  HeadReturn: fields('address fisherman,uint64 epoch,uint64 size,bytes32 root,bytes32 nonce'),
  BlobRequest: fields('address transcoder,bytes32 contentHash,uint64 expiresAt'),
}

/** Solidity tuple type of a struct, for the ABI coder. */
export function tupleOf(name: StructName): string {
  return `tuple(${STRUCTS[name].map((field) => `${field.type} ${field.name}`).join(',')})`
}
