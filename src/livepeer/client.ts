import { randomBytes } from 'node:crypto'
import { CodecError } from '../../proofs/codec.ts'
import type { NamedProfile } from '../../proofs/segdata.ts'
import type { Hex } from '../../proofs/types.ts'
import type { Clock } from '../base/clock.ts'
import { isCompatible, jobCapabilities } from './capabilities.ts'
import { brokenAnswer, notSent } from './errors.ts'
import type { AddressRule } from './reach.ts'
import { readOrchestratorInfo, readPing, WIRE_LIMITS } from './read.ts'
import { callNode, type RpcMethod } from './rpc.ts'
import { createSession, type Session } from './session.ts'
import { callerMessage, type PersonalSigner, recoverLivepeer, signLivepeer } from './signing.ts'
import type { AuthToken, Capabilities, OrchestratorInfo } from './types.ts'
import { writeEndSession, writeOrchestratorRequest, writePing } from './write.ts'

/** Pays the segments of one session; built by `payment.ts`. */
export interface SessionPayer {
  /** The bytes of a `Payment` for a segment whose renditions will have about this many pixels. Everything is written down before it is signed. */
  pay(info: OrchestratorInfo, pixels: bigint, options: { signal: AbortSignal }): Promise<Uint8Array>
  /** What the node says it made; what was paid above that is credit for the next segment. */
  settle(pixels: bigint): void
}

export interface LivepeerClientInit {
  mayConnect: AddressRule
  /** Undefined on a network without payments, where nothing is signed. */
  signer?: PersonalSigner
  /** A payer for each session; without one, only nodes that want nothing are used. */
  createPayer?: (info: OrchestratorInfo) => SessionPayer
}

export interface Job {
  /** Name of the stream, as UTF-8. */
  readonly manifestId: string
  readonly profiles: readonly NamedProfile[]
}

export interface CallOptions {
  readonly signal: AbortSignal
}

/** A gateway's side of the protocol of real nodes. Whatever a node answers is read within limits; every refusal is an error with its code. */
export interface LivepeerClient {
  /** What a node says of itself for jobs with these capabilities. */
  getOrchestrator(uri: string, job: Capabilities | undefined, options: CallOptions): Promise<OrchestratorInfo>
  /** The key that a node signs with, over random bytes: it is alive, and has that key. Undefined where it does not sign. */
  ping(uri: string, options: CallOptions): Promise<Hex | undefined>
  endSession(uri: string, token: AuthToken, options: CallOptions): Promise<void>
  openSession(uri: string, job: Job, options: CallOptions): Promise<Session>
}

export function createLivepeerClient(init: LivepeerClientInit, deps: { clock: Clock }): LivepeerClient {
  const { mayConnect, signer } = init
  /** The same for every node and for ever, so it is made once. */
  let credential: Promise<Uint8Array> | undefined

  const call = (uri: string, method: RpcMethod, request: Uint8Array, maxBytes: number, { signal }: CallOptions) =>
    callNode(uri, method, request, { mayConnect, maxBytes, signal })

  const getOrchestrator: LivepeerClient['getOrchestrator'] = async (uri, capabilities, options) => {
    credential ??= signer ? signLivepeer(signer, callerMessage(signer.address)) : Promise.resolve(new Uint8Array())
    const request = { address: signer?.address, sig: await credential, capabilities, ignoreCapacityCheck: false }
    const bytes = await call(uri, 'GetOrchestrator', writeOrchestratorRequest(request), WIRE_LIMITS.infoBytes, options)
    return readAnswer(uri, () => readOrchestratorInfo(bytes))
  }

  return {
    getOrchestrator,
    async ping(uri, options) {
      const value = randomBytes(32)
      const bytes = await call(uri, 'Ping', writePing(value), WIRE_LIMITS.pingBytes, options)
      return recoverLivepeer(
        value,
        readAnswer(uri, () => readPing(bytes)),
      )
    },
    async endSession(uri, token, options) {
      await call(uri, 'EndTranscodingSession', writeEndSession(token), WIRE_LIMITS.pingBytes, options)
    },
    async openSession(uri, job, options) {
      const capabilities = jobCapabilities(job.profiles)
      const fetchInfo = async (inner: CallOptions): Promise<OrchestratorInfo> => {
        const info = await getOrchestrator(uri, capabilities, inner)
        if (!isCompatible(capabilities, info.capabilities))
          throw notSent('livepeer-incompatible', `${uri} does not do what this job needs; choose other profiles or another node`)
        return info
      }
      const info = await fetchInfo(options)
      const payer = init.createPayer?.(info)
      return createSession(
        { uri, job, info, capabilities },
        {
          ...{ clock: deps.clock, mayConnect, fetchInfo, signer, payer },
          end: (token, inner) => call(uri, 'EndTranscodingSession', writeEndSession(token), WIRE_LIMITS.pingBytes, inner),
        },
      )
    },
  }
}

/** Bytes that are no message are a broken answer, whoever reads them. */
export function readAnswer<T>(where: string, read: () => T): T {
  try {
    return read()
  } catch (error) {
    if (error instanceof CodecError) throw brokenAnswer(where, `answered with bytes that are no message: ${error.message}`, error)
    throw error
  }
}
