import { randomBytes } from 'node:crypto'
import { digestOf, profilesHashOf, ZERO_HASH } from '../../proofs/digest.ts'
import { structFromJson, structToJson } from '../../proofs/json.ts'
import { bytesToHex, signerOf } from '../../proofs/signature.ts'
import type { Domain, Hex, Profile, TranscodeOrder, TranscodeReceipt } from '../../proofs/types.ts'
import type { Signer } from '../attest/keys.ts'
import { type Clock, deadline, sleep } from '../base/clock.ts'
import { FishermanError, messageOf } from '../base/errors.ts'
import { keccakOf } from '../base/keccak.ts'
import type { Logger } from '../base/log.ts'
import { encodeOrder } from './orders.ts'

export interface GatewayInit {
  domain: Domain
  orchestrators: readonly { transcoder: Hex; url: string }[]
  profiles: readonly Profile[]
  /** Milliseconds between two segments of one stream; the streams begin evenly spread over it. */
  everyMs: number
  /** Milliseconds that one segment may be tried for. */
  patienceMs: number
}

export interface GatewayDeps {
  signer: Signer
  clock: Clock
  log: Logger
  /** Chain time, Unix seconds. */
  nowSec(): number
}

export interface Gateway {
  /** Sends every segment, in order, to every orchestrator. Each is read when its turn comes: a long stream does not fit in memory. */
  run(segments: readonly (() => Promise<Buffer>)[], signal: AbortSignal): Promise<{ answered: number; failed: number }>
}

/** Seconds that an order is valid. */
const VALID_SECONDS = 120

/** A test gateway: one stream for each orchestrator, one segment every few seconds, each with its own signed order. */
export function createGateway(init: GatewayInit, deps: GatewayDeps): Gateway {
  const { signer, clock, log } = deps
  const { domain, profiles } = init

  const orderFor = async (transcoder: Hex, stream: Stream, seq: number, segment: Buffer): Promise<Ordered> => {
    const issuedAt = BigInt(deps.nowSec())
    const order: TranscodeOrder = {
      ...{ requester: signer.address, transcoder, ...stream, seq: BigInt(seq), sourceHash: await keccakOf(segment) },
      ...{ sourceBytes: BigInt(segment.length), profilesHash: profilesHashOf(profiles), sourceFingerprintRoot: ZERO_HASH },
      ...{ nonce: random32(), issuedAt, expiresAt: issuedAt + BigInt(VALID_SECONDS) },
    }
    const orderSig = await signer.signStruct(domain, 'TranscodeOrder', order)
    const json = {
      order: structToJson('TranscodeOrder', order),
      orderSig,
      profiles: profiles.map((profile) => structToJson('Profile', profile)),
    }
    return { order, header: encodeOrder(json) }
  }

  /** One try. Undefined when it is worth another one with the same order. */
  const post = async (url: string, { order, header }: Ordered, segment: Buffer, signal: AbortSignal): Promise<boolean> => {
    const response = await fetch(`${url}/segment`, {
      method: 'POST',
      headers: { 'content-type': 'video/mp2t', 'fisherman-order': header },
      body: Uint8Array.from(segment),
      signal: deadline(60_000, signal),
    })
    const text = (await response.text()).slice(0, 100_000)
    if (!response.ok) throw refused(url, response.status, text)
    const { receipt: json, sig } = JSON.parse(text) as { receipt: unknown; sig: Hex }
    const receipt: TranscodeReceipt = structFromJson('TranscodeReceipt', json)
    return (
      receipt.orderHash === digestOf(domain, 'TranscodeOrder', order) &&
      receipt.sourceHash === order.sourceHash &&
      signerOf(domain, 'TranscodeReceipt', receipt, sig) === order.transcoder
    )
  }

  const deliver = async (url: string, ordered: Ordered, segment: Buffer, signal: AbortSignal): Promise<boolean> => {
    const fields = { transcoder: ordered.order.transcoder, seq: String(ordered.order.seq) }
    const startMs = clock.monotonicMs()
    for (let pauseMs = 500; ; pauseMs = Math.min(4000, pauseMs * 2)) {
      try {
        const good = await post(url, ordered, segment, signal)
        if (good) log.info('segment answered', { ...fields, ms: Math.round(clock.monotonicMs() - startMs) })
        else log.warn('the answer is no receipt for this order', fields)
        return good
      } catch (error) {
        if (signal.aborted) throw error
        log.warn('segment not answered', { ...fields, error: messageOf(error) })
        const isFinal = error instanceof FishermanError && error.blame === 'ours'
        if (isFinal || clock.monotonicMs() - startMs + pauseMs > init.patienceMs) return false
        await sleep(pauseMs, signal)
      }
    }
  }

  return {
    async run(segments, signal) {
      const startMs = clock.monotonicMs()
      const count = { answered: 0, failed: 0 }
      const streams = init.orchestrators.map(async ({ transcoder, url }, i) => {
        const stream = { streamId: random32(), sessionId: random32() }
        const offsetMs = (i * init.everyMs) / init.orchestrators.length
        for (const [seq, read] of segments.entries()) {
          await sleep(Math.max(0, startMs + offsetMs + seq * init.everyMs - clock.monotonicMs()), signal)
          const segment = await read()
          const ordered = await orderFor(transcoder, stream, seq, segment)
          if (await deliver(url, ordered, segment, signal)) count.answered++
          else count.failed++
        }
      })
      await Promise.all(streams)
      return count
    },
  }
}

interface Stream {
  streamId: Hex
  sessionId: Hex
}

interface Ordered {
  order: TranscodeOrder
  header: string
}

function random32(): Hex {
  return bytesToHex(Uint8Array.from(randomBytes(32)))
}

/** Refusals of the order itself are final; everything else may pass. */
function refused(url: string, status: number, text: string): FishermanError {
  const isFinal = status >= 400 && status < 500 && status !== 408 && status !== 429
  const message = `${url} answered ${status}: ${text.slice(0, 300)}`
  return new FishermanError({ code: 'segment-refused', message, blame: isFinal ? 'ours' : 'unknown' })
}
