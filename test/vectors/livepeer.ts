import { getBytes, keccak256, toUtf8Bytes } from 'ethers'
import { digestOf, renditionLeaf, windowLeaf } from '../../proofs/digest.ts'
import { merkleTree } from '../../proofs/merkle.ts'
import { flatten, livepeerOrder, type NamedProfile, readSegmentOrder } from '../../proofs/segdata.ts'
import type { Hex, Profile } from '../../proofs/types.ts'
import type { SegData } from '../../src/livepeer/types.ts'
import { createMessageWriter } from '../../src/livepeer/wire.ts'
import { writeSegData } from '../../src/livepeer/write.ts'
import { addressOf } from '../helpers/fixtures.ts'
import type { BadCase } from './bad-bytes.ts'
import { DOMAIN, gateway, json, node, sign, toHex } from './common.ts'
import { BYTES, work } from './example.ts'

// Orders of unmodified gateways: bytes as they are sent, and what follows from them.

const BASE: SegData = {
  ...{
    manifestId: Buffer.from('deadbeef'),
    seq: 7n,
    hash: keccak256(BYTES.source) as Hex,
    sig: new Uint8Array(),
    durationMs: 2_000,
  },
  ...{
    capabilities: undefined,
    calcPerceptualHash: false,
    storage: [],
    slice: undefined,
    forceSessionReinit: false,
    profiles: [],
  },
  authToken: { token: getBytes(`0x${'0d'.repeat(32)}`), sessionId: '5e551011', expiration: 1_800_001_800n },
}

/** Signed by key 6, as a gateway does: the personal signature of keccak256 of what Flatten says. */
export function segData(changes: Partial<SegData>): Uint8Array {
  const fields = { ...BASE, ...changes }
  const signature = gateway.signMessageSync(getBytes(keccak256(flatten(fields))))
  return writeSegData({ ...fields, sig: getBytes(signature) })
}

/** The ladder of the worked example, with names. */
export async function exampleSegData(): Promise<Uint8Array> {
  return segData({ profiles: (await work()).profiles.map(named) })
}

const named = (profile: Profile): NamedProfile => ({ ...profile, name: `${profile.height}p${profile.fpsNum}` })

/** The worked example once more, ordered by an unmodified gateway. */
export async function livepeerWork() {
  const made = await work()
  const bytes = await exampleSegData()
  const { order, orderHash, signature } = livepeerOrder(DOMAIN, { segData: bytes, transcoder: addressOf(node) })
  const { requester, streamId, seq, sourceHash, profilesHash } = order
  const receipt = { ...made.receipt, orderHash, requester, streamId, seq, sourceHash, profilesHash }
  const digest = digestOf(DOMAIN, 'TranscodeReceipt', receipt)
  const tree = merkleTree([windowLeaf(0, digest)])
  const window = { ...made.window, root: tree.root, count: 1 }
  return {
    ...{ ...made, order, receipt, digest, digests: [digest], window, index: 0, windowPath: tree.proof(0) },
    ...{ orderSignature: signature, segData: toHex(bytes) },
    paths: made.leaves.map((_, i) => merkleTree(made.leaves.map(renditionLeaf)).proof(i)),
    signature: await sign(node, 'TranscodeReceipt', receipt),
    windowSignature: await sign(node, 'WindowRoot', window),
  }
}

function described(name: string, bytes: Uint8Array): unknown {
  const transcoder = addressOf(node)
  const { order, orderHash, profiles, signature } = livepeerOrder(DOMAIN, { segData: bytes, transcoder })
  const { hash, ...read } = readSegmentOrder(bytes)
  return {
    ...{ name, segData: toHex(bytes), transcoder, signed: toHex(flatten({ ...read, hash: hash as Hex })), signature },
    ...{ names: read.profiles.map((profile) => profile.name), profiles: profiles.map((profile) => json('Profile', profile)) },
    ...{ order: json('TranscodeOrder', order), orderHash },
  }
}

export async function livepeer(): Promise<unknown> {
  const [rung] = (await work()).profiles.map(named) as [NamedProfile]
  const rich: NamedProfile = {
    ...{ ...rung, name: 'source', fpsNum: 30_000, fpsDen: 1_001, h264Profile: 4, gopMs: 2_000, container: 1, quality: 23 },
  }
  const reordered = await exampleSegData()
  return {
    about:
      'segData: bytes as a gateway sends them, by key 6 where they are signed; signed: what Flatten says; order, orderHash: for the node of key 1.',
    orders: [
      described('the ladder of the worked example', await exampleSegData()),
      described('everything that a profile can say, in the third list', segData({ profiles: [rich, { ...rung, gopMs: -1 }] })),
      described('MP4, in the second list', segData({ profiles: [{ ...rung, container: 1 }] })),
      described(
        'no token, an empty manifest, seq 0',
        segData({ profiles: [rung], authToken: undefined, manifestId: Buffer.alloc(0), seq: 0n }),
      ),
      described(
        'another encoding of the first: an unknown field before it; another nonce, so another order',
        Buffer.concat([createMessageWriter().text(99, 'x').finish(), reordered]),
      ),
    ],
  }
}

export async function badSegData(): Promise<BadCase[]> {
  const good = await exampleSegData()
  const [rung] = (await work()).profiles.map(named) as [NamedProfile]
  const field = createMessageWriter
  const bad = (name: string, bytes: Uint8Array, reason: string): BadCase => ({
    ...{ name: `segdata: ${name}`, what: 'segdata', reason, segData: toHex(bytes), transcoder: addressOf(node) },
  })
  const unsigned = writeSegData({ ...BASE, profiles: [rung] })
  const twice = Buffer.concat([
    good,
    field()
      .bytes(3, getBytes(keccak256(toUtf8Bytes('other'))))
      .finish(),
  ])
  const highS = Buffer.from(good)
  const at = highS.indexOf(Buffer.from([0x2a, 0x41])) + 2
  highS.fill(0xff, at + 32, at + 48)
  return [
    bad('nothing', new Uint8Array(), 'no hash of its source'),
    bad('no signature', unsigned, 'is not signed'),
    bad('no profile', segData({}), 'asks for no profile'),
    bad('a negative seq', segData({ profiles: [rung], seq: -7n }), 'negative seq'),
    bad('a source that is there twice', twice, 'field 3: is there 2 times'),
    bad('a signature with a high s', highS, 'signed by nobody'),
    bad('a hash of 31 bytes', field().bytes(3, new Uint8Array(31)).finish(), 'field 3: has 31 bytes instead of 32'),
    bad('11 profiles', segData({ profiles: Array(11).fill(rung) }), 'is there 11 times'),
    bad('a profile without a height', segData({ profiles: [{ ...rung, height: 0 }] }), 'field 18: 0 is not between'),
    bad('an unknown codec', segData({ profiles: [{ ...rung, codec: 4 }] }), 'field 25: 4 is not between'),
    bad('a negative bitrate', segData({ profiles: [{ ...rung, bitrate: -1 }] }), 'field 19: -1 is not between'),
    bad('a group', Uint8Array.of(0x0b, 0x0c), 'wire type 3'),
    bad('a length beyond the end', good.subarray(0, good.length - 1), 'ends after the message'),
    bad('more than 64 bits', Uint8Array.of(0x10, ...Array(9).fill(0xff), 0x7f), 'more than 64 bits'),
    bad('16,385 bytes', new Uint8Array(16_385), 'at most 16384'),
  ]
}
