import { digestOf, profilesHashOf } from '../../proofs/digest.ts'
import { readHex, structFromJson } from '../../proofs/json.ts'
import { signerOf } from '../../proofs/signature.ts'
import { type Hex, LIMITS, type Profile, type TranscodeOrder } from '../../proofs/types.ts'
import { FishermanError, messageOf } from '../base/errors.ts'
import { keccakOf } from '../base/keccak.ts'
import type { Ledger } from '../feed/ledger.ts'

/** An order as it came with a segment, and its name. */
export interface SignedOrder {
  order: TranscodeOrder
  orderSig: Hex
  profiles: Profile[]
  orderHash: Hex
}

/** Seconds that an order may be valid at most, and that a requester's clock may be ahead. */
const MAX_VALID_SECONDS = 3600n
const MAX_AHEAD_SECONDS = 60n

/** Name of the header that carries the order: base64url of JSON {order, orderSig, profiles}. */
export const ORDER_HEADER = 'fisherman-order'

export function encodeOrder(json: { order: unknown; orderSig: Hex; profiles: readonly unknown[] }): string {
  return Buffer.from(JSON.stringify(json)).toString('base64url')
}

/** Reads the header; the error names what is wrong with it. */
export function readOrder(ledger: Pick<Ledger, 'domain'>, header: unknown): SignedOrder {
  if (typeof header !== 'string' || !/^[A-Za-z0-9_-]+$/.test(header))
    throw refusal('order-missing', 'the header Fisherman-Order must hold the order as base64url of JSON')
  try {
    const json: unknown = JSON.parse(Buffer.from(header, 'base64url').toString('utf8'))
    if (typeof json !== 'object' || json === null) throw new Error('the order must be a JSON object')
    const { order: orderJson, orderSig: sigJson, profiles: list } = json as Record<string, unknown>
    if (!Array.isArray(list) || list.length === 0 || list.length > LIMITS.renditions)
      throw new Error(`profiles must be a list of 1 to ${LIMITS.renditions}`)
    const order = structFromJson('TranscodeOrder', orderJson)
    const profiles = list.map((profile) => structFromJson('Profile', profile))
    const orderSig = readHex('orderSig', sigJson, 65)
    return { order, orderSig, profiles, orderHash: digestOf(ledger.domain, 'TranscodeOrder', order) }
  } catch (error) {
    throw refusal('order-format', `the order cannot be read: ${messageOf(error)}`)
  }
}

export interface OrderRules {
  ledger: Ledger
  transcoder: Hex
  /** Who may order; everybody when undefined. */
  requesters?: readonly Hex[] | undefined
  /** Chain time at which this process began: what it promised before, it does not remember. */
  startedAt: bigint
}

/** Refuses an order that this node must not work for, with one line that says why. Costs one signature recovery and one hash. */
export async function checkOrder({ order, orderSig, profiles }: SignedOrder, body: Uint8Array, rules: OrderRules): Promise<void> {
  const { ledger, transcoder, requesters, startedAt } = rules
  const now = ledger.now()
  if (order.transcoder !== transcoder)
    throw refusal('order-not-mine', `the order is for ${order.transcoder}, this node is ${transcoder}`)
  if (requesters && !requesters.includes(order.requester))
    throw refusal('order-requester', `this node takes no orders from ${order.requester}`)
  if (order.expiresAt <= now)
    throw refusal('order-expired', `the order expired at ${order.expiresAt}, chain time is ${now}; sign a new one`)
  if (order.expiresAt > now + MAX_VALID_SECONDS)
    throw refusal('order-too-long', `the order is valid until ${order.expiresAt}, more than ${MAX_VALID_SECONDS} s ahead`)
  if (order.issuedAt > now + MAX_AHEAD_SECONDS)
    throw refusal('order-future', `the order was issued at ${order.issuedAt}, chain time is ${now}`)
  if (order.issuedAt < startedAt)
    throw refusal(
      'order-old',
      `the order was issued at ${order.issuedAt}, before this node started at ${startedAt}; sign a new one`,
    )
  if (order.profilesHash !== profilesHashOf(profiles)) throw refusal('order-profiles', 'profilesHash is not that of the profiles')
  for (const profile of profiles) checkProfile(profile)
  if (order.sourceBytes !== BigInt(body.length))
    throw refusal('order-bytes', `the order is for ${order.sourceBytes} bytes, the body has ${body.length}`)
  const hash = await keccakOf(body)
  if (order.sourceHash !== hash) throw refusal('order-hash', `sourceHash is ${order.sourceHash}, the body hashes to ${hash}`)
  if (signerOf(ledger.domain, 'TranscodeOrder', order, orderSig) !== order.requester)
    throw refusal('order-signature', `the order is not signed by its requester ${order.requester}`)
}

function checkProfile(profile: Profile): void {
  const { width, height, bitrate, fpsNum, fpsDen, codec, h264Profile, container, quality } = profile
  if (codec !== 0) throw refusal('profile-codec', 'this node makes H.264 only (codec 0)')
  if (container > 1) throw refusal('profile-container', 'container must be 0 (MPEG-TS) or 1 (MP4)')
  if (h264Profile > 4) throw refusal('profile-h264', 'h264Profile must be 0 to 4')
  if (width < 16 || height < 16 || width > 4096 || height > 4096)
    throw refusal('profile-size', `a profile of ${width}x${height} is outside of 16..4096`)
  if (bitrate < 10_000 || bitrate > 100_000_000)
    throw refusal('profile-bitrate', `a bitrate of ${bitrate} is outside of 10 k..100 M`)
  if (fpsDen === 0 || fpsNum / fpsDen > 120)
    throw refusal('profile-fps', `${fpsNum}/${fpsDen} frames a second is outside of 0..120`)
  if (quality > 51) throw refusal('profile-quality', 'quality must be 0 to 51')
}

export function refusal(code: string, message: string): FishermanError {
  return new FishermanError({ code, message, blame: 'theirs' })
}
