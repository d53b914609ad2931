import { createHmac, randomBytes } from 'node:crypto'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Wallet } from 'ethers'
import type { NamedProfile } from '../../proofs/segdata.ts'
import type { Hex } from '../../proofs/types.ts'
import { keccakOf } from '../../src/base/keccak.ts'
import { runFfmpeg } from '../../src/devnet/ffmpeg.ts'
import { makeRenditions } from '../../src/devnet/work.ts'
import { readEndSession, readOrchestratorRequest, readPayment, readPing, readSegData } from '../../src/livepeer/read.ts'
import { callerMessage, flatten, recoverLivepeer, resultMessage, signLivepeer } from '../../src/livepeer/signing.ts'
import { ticketSender, winsTicket } from '../../src/livepeer/ticket.ts'
import type { AuthToken, OrchestratorInfo, Payment, SegData, TicketParams, TranscodedSegment } from '../../src/livepeer/types.ts'
import { bigBytes } from '../../src/livepeer/wire.ts'
import { writeOrchestratorInfo, writePing, writeTranscodeResult } from '../../src/livepeer/write.ts'
import { personalSigner } from './fixtures.ts'
import { listenAsNode } from './listener.ts'

/** What was seen to go wrong with real nodes, and with dishonest ones. */
export type NodeFault =
  | 'capped' // refuses with 403 before the work
  | 'busy' // says so after its 200
  | 'ticket-params' // ticket parameters that it took are void now; fetching new ones helps
  | 'stale-forever' // ... or does not
  | 'no-reserve' // no information for who has no deposit
  | 'signature' // signs other bytes than it serves
  | 'missing' // one rendition less than ordered
  | 'sizes' // the profile's own size where the aspect rule has another
  | 'slow' // answers after the call's time
  | 'half' // breaks its answer off
  | 'gone' // says where a rendition is, and has it no more
  | 'black' // black frames

export interface Orchestrator {
  origin: string
  readonly address: Hex
  fault: NodeFault | undefined
  /** Milliseconds that a `slow` node waits. */
  slowMs: number
  /** Sessions that it takes at once. */
  sessions: number
  /** Tickets that were taken. */
  tickets: { payment: Payment; winning: number }[]
  /** Orders in which it got them. */
  segments: SegData[]
  ended: string[]
  infos: number
  close(): Promise<void>
}

export interface OrchestratorInit {
  tls?: boolean
  /** Wei a pixel; without one the node is off-chain: nothing is signed, nothing is paid. */
  pricePerUnit?: bigint
  isOffChain?: boolean
  faceValueWei?: bigint
  winProb?: bigint
  /** Seconds that a token lives. */
  tokenSec?: number
}

const SECRET_BYTES = 32
const L1_BLOCK = 20_000_000n

/**
 * The side of an orchestrator in tests: the bytes, the order of checks and the errors of go-livepeer, real work by ffmpeg, and faults that can be
 * switched on. Every check stands where the research says that the real node makes it.
 */
export async function createOrchestrator(init: OrchestratorInit = {}): Promise<Orchestrator> {
  const key = new Wallet(`0x${'77'.repeat(32)}`)
  const signer = personalSigner(key)
  const secret = randomBytes(SECRET_BYTES)
  const folder = await mkdtemp(join(tmpdir(), 'fisherman-orchestrator-'))
  const files = new Map<string, string>()
  const sessions = new Set<string>()
  const balances = new Map<string, bigint>()
  const isOffChain = init.isOffChain ?? false
  const price = { pricePerUnit: init.pricePerUnit ?? 0n, pixelsPerUnit: 1n, capability: 0, constraint: '' }
  const stop = new AbortController()
  let seed = 1n

  const hmac = (...parts: Uint8Array[]) => createHmac('sha256', secret).update(Buffer.concat(parts)).digest()
  const tokenOf = (sessionId: string, expiration: bigint) => hmac(Buffer.from(sessionId), bigBytes(expiration))
  const randOf = (ticketSeed: bigint) => hmac(bigBytes(ticketSeed))

  const newToken = (sessionId: string): AuthToken => {
    const expiration = BigInt(Math.floor(Date.now() / 1000) + (init.tokenSec ?? 1_800))
    return { token: tokenOf(sessionId, expiration), sessionId, expiration }
  }

  const newParams = async (): Promise<TicketParams> => {
    seed++
    return {
      ...{ recipient: signer.address, faceValueWei: init.faceValueWei ?? 10n ** 12n, winProb: init.winProb ?? 1n << 250n },
      recipientRandHash: await keccakOf(randOf(seed)),
      ...{ seed, expirationBlock: L1_BLOCK + 40n },
      expirationParams: { creationRound: 3_500n, creationRoundBlockHash: `0x${'c3'.repeat(32)}` },
    }
  }

  const infoOf = async (token: AuthToken): Promise<OrchestratorInfo> => ({
    ...{ transcoder: node.origin, ticketParams: isOffChain ? undefined : await newParams(), price },
    address: isOffChain ? undefined : signer.address,
    capabilities: {
      ...{ bitstring: [0x7fff_ffffn], mandatories: [4096n], capacities: new Map([[0, 10]]), version: '0.9.1', minVersion: '' },
    },
    ...{ authToken: token, storage: [], capabilityPrices: [], nodes: [] },
  })

  const refuse = (response: ServerResponse, status: number, words: string) => void response.writeHead(status).end(words)

  /** Why tickets are not taken, in go-livepeer's words. */
  async function takePayment(payment: Payment, sessionId: string): Promise<string | undefined> {
    if (isOffChain || price.pricePerUnit === 0n) return undefined
    const { ticketParams: params, sender, tickets } = payment
    if (!params || !sender) return 'missing ticket params'
    if (params.recipientRandHash !== (await keccakOf(randOf(params.seed)))) return 'invalid recipientRand for ticket'
    if (node.fault === 'stale-forever') return 'ticketparams expired'
    if (node.fault === 'ticket-params') {
      node.fault = undefined
      return 'ticketparams expired'
    }
    let winning = 0
    for (const { senderNonce, sig } of tickets) {
      const ticket = { params, sender, senderNonce, expirationParams: payment.expirationParams }
      if (ticketSender(ticket, sig) !== sender) return 'invalid ticket signature'
      if (winsTicket(sig, randOf(params.seed), params.winProb)) winning++
    }
    node.tickets.push({ payment, winning })
    const value = BigInt(tickets.length) * ((params.faceValueWei * params.winProb) >> 256n)
    balances.set(sessionId, (balances.get(sessionId) ?? 0n) + value)
    return undefined
  }

  async function takeSegment(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const header = (name: string) => Buffer.from(String(request.headers[name] ?? ''), 'base64')
    const body = collect(request)
    // As Go's server: the refusal goes out at once, and the rest of the body is taken before the connection ends.
    const refuse = (to: ServerResponse, status: number, words: string): void => {
      to.writeHead(status).write(words)
      void body.then(
        () => to.end(),
        () => to.destroy(),
      )
    }
    let payment: Payment
    try {
      payment = readPayment(header('livepeer-payment'))
      if (!isOffChain && !payment.sender) throw new Error('no sender')
    } catch {
      return refuse(response, 402, 'invalid payment')
    }
    const segment = readSegData(header('livepeer-segment'))
    const { authToken: token, profiles } = segment
    if (!isOffChain && recoverLivepeer(flatten(segment), segment.sig) !== payment.sender)
      return refuse(response, 403, 'sig check failed')
    if (((segment.capabilities?.bitstring[0] ?? 0n) & 4096n) === 0n) return refuse(response, 403, 'incompatible capabilities')
    if (!token || !Buffer.from(token.token).equals(tokenOf(token.sessionId, token.expiration)))
      return refuse(response, 403, 'invalid auth token')
    if (Number(token.expiration) * 1000 < Date.now()) return refuse(response, 403, 'expired auth token')
    if (node.fault === 'capped' || (!sessions.has(token.sessionId) && sessions.size >= node.sessions))
      return refuse(response, 403, 'OrchestratorCapped')
    sessions.add(token.sessionId)
    const complaint = await takePayment(payment, token.sessionId)
    if (complaint !== undefined) return refuse(response, 400, complaint)
    const isPaid = isOffChain || price.pricePerUnit === 0n || (balances.get(token.sessionId) ?? 0n) > 0n
    if (!isPaid) return refuse(response, 400, 'insufficient balance')
    const source = await body
    if ((await keccakOf(source)) !== segment.hash) return refuse(response, 403, 'Forbidden')
    // From here on all is 200: whatever fails is said in the body.
    response.writeHead(200).flushHeaders()
    node.segments.push(segment)
    const answer = await work(source, segment, token, profiles)
    if (node.fault === 'half') {
      response.write(answer.subarray(0, Math.floor(answer.length / 2)))
      await new Promise((resolve) => setImmediate(resolve))
      response.destroy()
    } else response.end(answer)
  }

  async function work(source: Buffer, segment: SegData, token: AuthToken, profiles: readonly NamedProfile[]): Promise<Buffer> {
    const { fault } = node
    if (fault === 'busy')
      return Buffer.from(writeTranscodeResult({ seq: segment.seq, error: 'OrchestratorBusy', data: undefined, info: undefined }))
    if (fault === 'slow') await new Promise((resolve) => setTimeout(resolve, node.slowMs).unref())
    const place = await mkdtemp(join(folder, 'work-'))
    const file = join(place, 'source.ts')
    await writeFile(file, source)
    const made = await makeRenditions('honest', { source: file, profiles, folder: place, signal: stop.signal })
    let paths = made.map((one) => one.file)
    if (fault === 'black') paths = await remade(paths, place, 'drawbox=t=fill:color=black')
    if (fault === 'sizes') paths = await remade(paths, place, 'scale=iw:ih/2')
    const pixels = made.map(({ width, height, frames }) => BigInt(width * height * frames))
    const segments: TranscodedSegment[] = []
    const hashes: Hex[] = []
    for (const [i, path] of paths.entries()) {
      if (fault === 'missing' && i === paths.length - 1) break
      const name = `/stream/${token.sessionId}/${profiles[i]?.name}/${segment.seq}.ts`
      if (fault !== 'gone') files.set(name, path)
      segments.push({ url: `${node.origin}${name}`, pixels: pixels[i] as bigint, perceptualHashUrl: '' })
      hashes.push(await keccakOf({ file: fault === 'signature' ? file : path }))
    }
    const sig = isOffChain ? new Uint8Array() : await signLivepeer(signer, resultMessage(hashes))
    const cost = pixels.reduce((sum, one) => sum + one, 0n) * price.pricePerUnit
    balances.set(token.sessionId, (balances.get(token.sessionId) ?? 0n) - cost)
    const info = await infoOf(token)
    return Buffer.from(writeTranscodeResult({ seq: segment.seq, error: undefined, data: { segments, sig }, info }))
  }

  async function remade(paths: readonly string[], place: string, filter: string): Promise<string[]> {
    const out = paths.map((_, i) => join(place, `re-${i}.ts`))
    for (const [i, path] of paths.entries())
      await runFfmpeg(
        [
          '-i',
          path,
          '-vf',
          filter,
          '-copyts',
          '-c:v',
          'libx264',
          '-preset',
          'ultrafast',
          '-c:a',
          'copy',
          '-muxdelay',
          '0',
          out[i] as string,
        ],
        {
          ...{ signal: stop.signal, timeoutMs: 30_000 },
        },
      )
    return out
  }

  const node: Orchestrator = {
    ...{ origin: '', address: signer.address, fault: undefined, slowMs: 9_000, sessions: 10, infos: 0 },
    ...{ tickets: [], segments: [], ended: [] },
    close: async () => {
      stop.abort(new Error('the orchestrator of a test ends'))
      await listener.close()
      await rm(folder, { recursive: true, force: true, maxRetries: 5 })
    },
  }
  await mkdir(folder, { recursive: true })
  const listener = await listenAsNode(
    {
      async call(method, message) {
        if (method === 'Ping') return writePing(await signLivepeer(signer, readPing(message)))
        if (method === 'EndTranscodingSession') {
          const id = readEndSession(message)?.sessionId ?? ''
          node.ended.push(id)
          sessions.delete(id)
          return new Uint8Array()
        }
        node.infos++
        const request = readOrchestratorRequest(message)
        if (!isOffChain && (!request.address || recoverLivepeer(callerMessage(request.address), request.sig) !== request.address))
          throw new Error('authentication failed')
        if (node.fault === 'no-reserve') throw new Error('insufficient sender reserve')
        if (node.fault === 'capped' && sessions.size >= node.sessions) throw new Error('OrchestratorCapped')
        return writeOrchestratorInfo(await infoOf(newToken(randomBytes(4).toString('hex'))))
      },
      async http(request, response) {
        if (request.method === 'POST' && request.url === '/segment') return await takeSegment(request, response)
        const file = files.get(request.url ?? '')
        if (!file) return refuse(response, 404, '404 page not found')
        response.writeHead(200, { 'content-type': 'video/mp2t' }).end(await readFile(file))
      },
    },
    { tls: init.tls ?? true },
  )
  node.origin = listener.origin
  return node
}

async function collect(request: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = []
  for await (const part of request) parts.push(part as Buffer)
  return Buffer.concat(parts)
}
