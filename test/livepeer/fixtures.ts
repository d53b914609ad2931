import { getBytes, Wallet } from 'ethers'
import type { NamedProfile } from '../../proofs/segdata.ts'
import type { Hex } from '../../proofs/types.ts'
import type { PersonalSigner } from '../../src/livepeer/signing.ts'
import type { OrchestratorInfo, Payment, SegData, TicketParams } from '../../src/livepeer/types.ts'

/** The key of the published vectors: 0x11, 32 times. */
export const GATEWAY = new Wallet(`0x${'11'.repeat(32)}`)

export function personalSigner(wallet: Wallet): PersonalSigner {
  return {
    address: wallet.address.toLowerCase() as Hex,
    signMessage: async (message) => (await wallet.signMessage(message)) as Hex,
  }
}

export const toBytes = (hex: string): Uint8Array => getBytes(hex.startsWith('0x') ? hex : `0x${hex}`)
export const toHex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')

export function profile(name: string, changes: Partial<NamedProfile> = {}): NamedProfile {
  return {
    ...{
      name,
      width: 640,
      height: 360,
      bitrate: 800_000,
      fpsNum: 0,
      fpsDen: 1,
      codec: 0,
      h264Profile: 0,
      gopMs: 0,
      container: 0,
    },
    ...{ quality: 0, ...changes },
  }
}

export const LADDER = [profile('720p0', { width: 1280, height: 720, bitrate: 3_000_000 }), profile('360p0')]

const params: TicketParams = {
  ...{
    recipient: `0x${'a1'.repeat(20)}`,
    faceValueWei: 10n ** 15n,
    winProb: 1n << 248n,
    recipientRandHash: `0x${'b2'.repeat(32)}`,
  },
  ...{ seed: 0x1234n, expirationBlock: 20_000_000n },
  expirationParams: { creationRound: 3_500n, creationRoundBlockHash: `0x${'c3'.repeat(32)}` },
}
const capabilities = {
  ...{
    bitstring: [4099n, 1n << 63n],
    mandatories: [4096n],
    capacities: new Map([[0, 10]]),
    version: '0.9.1',
    minVersion: '0.8.0',
  },
}
const authToken = { token: toBytes('d4'.repeat(32)), sessionId: 'deadbeef', expiration: 1_800_000_000n }
const storage = [
  {
    type: 's3' as const,
    s3: { host: 'https://s3.example', key: 'k', policy: 'p', signature: 's', credential: 'c', xAmzDate: '20260101T000000Z' },
  },
]

/** With everything that an info can hold. */
export const INFO: OrchestratorInfo = {
  transcoder: 'https://127.0.0.1:8935',
  ticketParams: params,
  price: { pricePerUnit: 1_200n, pixelsPerUnit: 1n, capability: 0, constraint: '' },
  address: `0x${'a1'.repeat(20)}`,
  ...{ capabilities, authToken, storage },
  capabilityPrices: [{ pricePerUnit: 1n << 62n, pixelsPerUnit: 3n, capability: 27, constraint: 'model' }],
  nodes: ['https://a.example:8935', 'https://b.example:8935'],
}

export const SEGMENT: SegData = {
  manifestId: Buffer.from('deadbeef'),
  seq: 7n,
  hash: `0x${'e5'.repeat(32)}`,
  sig: toBytes('f6'.repeat(65)),
  durationMs: 2_000,
  ...{ capabilities, authToken, storage, profiles: LADDER, calcPerceptualHash: true, forceSessionReinit: true },
  slice: { fromMs: 100n, toMs: 1_900n },
}

export const PAYMENT: Payment = {
  ticketParams: params,
  sender: `0x${'19'.repeat(20)}`,
  expirationParams: params.expirationParams,
  tickets: [
    { senderNonce: 1, sig: toBytes('07'.repeat(65)) },
    { senderNonce: 2, sig: toBytes('08'.repeat(65)) },
  ],
  expectedPrice: INFO.price,
}
