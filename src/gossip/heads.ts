import type { Connection, Stream } from '@libp2p/interface'
import { decodeStatement, type Statement } from '../../proofs/codec.ts'
import { bytesToHex, hexToBytes, signerOf } from '../../proofs/signature.ts'
import { type Domain, type HeadReturn, type Hex, LIMITS } from '../../proofs/types.ts'
import { deadline } from '../base/clock.ts'
import { messageOf } from '../base/errors.ts'
import type { Logger } from '../base/log.ts'
import { createRateLimiter } from '../base/rate.ts'
import type { Counters } from './counters.ts'
import { framesOn } from './pull-frames.ts'

// heads/1: a fisherman asks its peers for the last head of its own log that they hold. Whoever comes back with an older copy of its folder, or
// runs twice, learns it here before it signs anything. Frames are prefixed by their length as u32, numbers big-endian.
//
//   request   fisherman: 20 bytes, nonce: 32 bytes
//   reply     keeper: 20 bytes, signature: 65 bytes over HeadReturn, head: the statement that is held, or nothing
//
// The reply is signed, so that a crowd of nobodies cannot speak for the bonded: the asker counts keepers that are members only.

/** What a keeper returned, checked: its signature over our nonce, and the head's own. */
export interface ReturnedHead {
  keeper: Hex
  /** Undefined where it holds none. */
  head: Statement<'head'> | undefined
}

/** What the one who serves needs. */
export interface HeadKeeper {
  /** Payload of the last head statement of this fisherman. */
  last(fisherman: Hex): Uint8Array | undefined
  /** Signs what we return; undefined without a key. */
  sign(body: HeadReturn): Promise<{ signer: Hex; signature: Hex } | undefined>
}

const REQUEST_BYTES = 20 + 32
const REPLY_HEAD_BYTES = 20 + 65
const TIMEOUT_MS = 5_000
/** A fisherman asks at its start, every few seconds until it may sign; strangers need no more. */
const QUOTA = { burst: 20, everyMs: 500 }
const NO_HEAD = { epoch: 0n, size: 0n, root: `0x${'0'.repeat(64)}` as Hex }

function bodyOf(fisherman: Hex, nonce: Hex, head: Statement<'head'> | undefined): HeadReturn {
  const { epoch, size, root } = head?.body ?? NO_HEAD
  return { fisherman, epoch, size, root, nonce }
}

/** Answers one request on a stream, and closes it. */
export function createHeadServer(deps: {
  keeper: HeadKeeper
  clock: { nowMs(): number }
  counters: Counters
  log: Logger
}): (stream: Stream, connection: Connection) => Promise<void> {
  const limiter = createRateLimiter({ ...QUOTA, maxKeys: 1_024 }, deps.clock)

  async function replyTo(request: Uint8Array): Promise<Uint8Array> {
    if (request.length !== REQUEST_BYTES) throw new Error('a request has 52 bytes')
    const fisherman = bytesToHex(request.subarray(0, 20))
    const held = deps.keeper.last(fisherman)
    const head = held && (decodeStatement('head', held) as Statement<'head'>)
    const signed = await deps.keeper.sign(bodyOf(fisherman, bytesToHex(request.subarray(20)), head))
    if (!signed) throw new Error('we have no key to sign with')
    return Buffer.concat([hexToBytes(signed.signer), hexToBytes(signed.signature), held ?? new Uint8Array()])
  }

  return async function serve(stream, connection) {
    const signal = AbortSignal.timeout(TIMEOUT_MS)
    try {
      if (!limiter.take(connection.remotePeer.toString())) throw new Error('asked too often')
      const frames = framesOn(stream, { frameBytes: REQUEST_BYTES, bufferBytes: 8 * REQUEST_BYTES })
      const reply = await replyTo((await frames.read({ signal })).subarray())
      await frames.write(reply, { signal })
      await stream.close({ signal })
      deps.counters.add('heads.served')
    } catch (error) {
      deps.counters.add('heads.refused')
      deps.log.debug('a head could not be returned', { error: messageOf(error) })
      stream.abort(error instanceof Error ? error : new Error(messageOf(error)))
    }
  }
}

/** Asks one peer. Throws where it does not answer, or answers what nobody can believe. */
export async function askHead(
  connection: Connection,
  protocol: string,
  question: { domain: Domain; fisherman: Hex; nonce: Hex },
  options: { signal: AbortSignal },
): Promise<ReturnedHead> {
  const { domain, fisherman, nonce } = question
  const signal = deadline(TIMEOUT_MS, options.signal)
  const stream = await connection.newStream(protocol, { signal })
  try {
    const frameBytes = REPLY_HEAD_BYTES + LIMITS.statementBytes
    const frames = framesOn(stream, { frameBytes, bufferBytes: 2 * frameBytes })
    await frames.write(Buffer.concat([hexToBytes(fisherman), hexToBytes(nonce)]), { signal })
    const reply = (await frames.read({ signal })).subarray()
    await stream.close({ signal })
    if (reply.length < REPLY_HEAD_BYTES) throw new Error('the reply is too short')
    const keeper = bytesToHex(reply.subarray(0, 20))
    const bytes = reply.subarray(REPLY_HEAD_BYTES)
    const head = bytes.length === 0 ? undefined : (decodeStatement('head', Uint8Array.from(bytes)) as Statement<'head'>)
    const signature = bytesToHex(reply.subarray(20, REPLY_HEAD_BYTES))
    if (signerOf(domain, 'HeadReturn', bodyOf(fisherman, nonce, head), signature) !== keeper)
      throw new Error('the reply is not signed by its keeper')
    if (head && (head.body.fisherman !== fisherman || signerOf(domain, 'LogHead', head.body, head.signature) !== fisherman))
      throw new Error('the head is not of our log')
    return { keeper, head }
  } catch (error) {
    stream.abort(error instanceof Error ? error : new Error(messageOf(error)))
    throw error
  }
}
