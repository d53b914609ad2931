import { stat } from 'node:fs/promises'
import { flatten } from '../../proofs/segdata.ts'
import { type Hex, LIMITS } from '../../proofs/types.ts'
import type { Clock } from '../base/clock.ts'
import { messageOf } from '../base/errors.ts'
import { keccakOf } from '../base/keccak.ts'
import { type CallOptions, type Job, readAnswer, type SessionPayer } from './client.ts'
import { brokenAnswer, notSent, retryOf, spokenRefusal } from './errors.ts'
import { type AddressRule, readUrl } from './reach.ts'
import { readTranscodeResult } from './read.ts'
import { type PersonalSigner, recoverLivepeer, resultMessage, signLivepeer } from './signing.ts'
import { downloadRendition, postSegment, tooLarge } from './transfer.ts'
import type { AuthToken, Capabilities, OrchestratorInfo, TranscodedSegment } from './types.ts'
import { writeSegData } from './write.ts'

/** Milliseconds that a token of a node lives, and the part of it at whose end a new one is asked for, as gateways do. */
const TOKEN_LIFE_MS = 30 * 60_000
const REFRESH_PART = 0.1

export interface SegmentInput {
  readonly seq: bigint
  readonly file: string
  readonly durationMs: number
  /** Pixels that all renditions together will have, about: what is paid for. */
  readonly pixels: bigint
}

export interface SegmentAnswer {
  /** The bytes that were sent: what an order of Livepeer is. */
  readonly segData: Uint8Array
  readonly sourceHash: Hex
  /** One for each profile, in their order. */
  readonly renditions: readonly TranscodedSegment[]
  /** Over the renditions' hashes, as bytes; empty without payments. No evidence: nodes sign anything in this form. */
  readonly signature: Uint8Array
}

export interface Session {
  readonly uri: string
  /** The newest that the node said. */
  info(): OrchestratorInfo
  /** Sends one segment; calls `onSent` when its last byte went out. Asks once more, with new information, where the node says that ours is too old. */
  submit(segment: SegmentInput, options: CallOptions & { onSent?(): void }): Promise<SegmentAnswer>
  /** Fetches one rendition into a new file; returns its length. */
  download(rendition: TranscodedSegment, file: string, options: CallOptions): Promise<number>
  /** Did the node that this session is with sign these contents? Its word is the unsigned info's, so this shows a mix-up and no more. */
  isSignedBy(answer: SegmentAnswer, contentHashes: readonly Hex[]): boolean
  /** Tells the node that it may forget the renditions. */
  end(options: CallOptions): Promise<void>
}

export interface SessionDeps {
  clock: Clock
  mayConnect: AddressRule
  fetchInfo(options: CallOptions): Promise<OrchestratorInfo>
  end(token: AuthToken, options: CallOptions): Promise<unknown>
  signer: PersonalSigner | undefined
  payer: SessionPayer | undefined
}

export function createSession(
  init: { uri: string; job: Job; info: OrchestratorInfo; capabilities: Capabilities },
  deps: SessionDeps,
): Session {
  const { uri, job, capabilities } = init
  const { mayConnect, signer, payer } = deps
  const manifestId = Buffer.from(job.manifestId, 'utf8')
  let { info } = init

  const isOld = (): boolean => {
    const { authToken } = info
    return authToken !== undefined && Number(authToken.expiration) * 1000 - deps.clock.nowMs() < TOKEN_LIFE_MS * REFRESH_PART
  }

  async function segDataOf(segment: SegmentInput, hash: Hex): Promise<Uint8Array> {
    const { profiles } = job
    const sig = signer ? await signLivepeer(signer, flatten({ manifestId, seq: segment.seq, hash, profiles })) : new Uint8Array()
    return writeSegData({
      ...{ manifestId, seq: segment.seq, hash, sig, durationMs: segment.durationMs, capabilities, authToken: info.authToken },
      ...{ profiles, storage: [], calcPerceptualHash: false, slice: undefined, forceSessionReinit: false },
    })
  }

  async function send(segment: SegmentInput, hash: Hex, options: Parameters<Session['submit']>[1]): Promise<SegmentAnswer> {
    if (isOld()) info = await deps.fetchInfo(options)
    const wantsMoney = signer !== undefined && (info.price?.pricePerUnit ?? 0n) > 0n
    if (wantsMoney && !payer)
      throw notSent('livepeer-price', `${uri} wants ${info.price?.pricePerUnit} wei and no payments are set up`)
    const segData = await segDataOf(segment, hash)
    const payment = payer ? await payer.pay(info, segment.pixels, options) : new Uint8Array()
    const headers = {
      'livepeer-segment': Buffer.from(segData).toString('base64'),
      'livepeer-payment': Buffer.from(payment).toString('base64'),
      // Also for MP4: the node looks at the bytes.
      'content-type': 'video/MP2T',
    }
    const url = `${readUrl(info.transcoder || uri).href.replace(/\/+$/, '')}/segment`
    const { file, durationMs } = segment
    const bytes = await postSegment({ url, headers, file, durationMs }, { ...options, mayConnect })
    const result = readAnswer(uri, () => readTranscodeResult(bytes))
    const { authToken } = info
    if (result.info) info = { ...result.info, authToken: result.info.authToken ?? authToken }
    if (result.error !== undefined) throw spokenRefusal(uri, result.error)
    const renditions = result.data?.segments ?? []
    if (result.seq !== segment.seq) throw brokenAnswer(uri, `answered for segment ${result.seq} instead of ${segment.seq}`)
    if (renditions.length !== job.profiles.length)
      throw brokenAnswer(uri, `made ${renditions.length} renditions of ${job.profiles.length}`)
    for (const { pixels } of renditions) if (pixels < 0n) throw brokenAnswer(uri, `says that a rendition has ${pixels} pixels`)
    payer?.settle(renditions.reduce((sum, { pixels }) => sum + pixels, 0n))
    return { segData, sourceHash: hash, renditions, signature: result.data?.sig ?? new Uint8Array() }
  }

  return {
    uri,
    info: () => info,
    async submit(segment, options) {
      await checkSegment(segment)
      const hash = await keccakOf({ file: segment.file })
      try {
        return await send(segment, hash, options)
      } catch (error) {
        if (retryOf(error) !== 'fresh-info' || options.signal.aborted) throw error
        info = await deps.fetchInfo(options)
        return await send(segment, hash, options)
      }
    },
    async download(rendition, file, { signal }) {
      return await downloadRendition(rendition.url, file, { mayConnect, signal, maxBytes: LIMITS.segmentBytes })
    },
    isSignedBy({ signature }, contentHashes) {
      const signedBy = info.address ?? info.ticketParams?.recipient
      return signedBy !== undefined && recoverLivepeer(resultMessage(contentHashes), signature) === signedBy
    },
    async end(options) {
      if (info.authToken) await deps.end(info.authToken, options)
    },
  }
}

async function checkSegment({ file, durationMs, seq }: SegmentInput): Promise<void> {
  const { size } = await stat(file).catch((error: unknown) => {
    throw notSent('livepeer-segment', `a segment cannot be read (${messageOf(error)})`)
  })
  if (size === 0 || size > LIMITS.segmentBytes) throw tooLarge(size, LIMITS.segmentBytes)
  if (seq < 0n) throw notSent('livepeer-segment', `segment ${seq} has a negative number, which signatures do not cover`)
  if (!Number.isInteger(durationMs) || durationMs < 1 || durationMs > LIMITS.segmentMs)
    throw notSent('livepeer-segment', `a segment of ${durationMs} ms is not sent; nodes take 1 to ${LIMITS.segmentMs}`)
}
