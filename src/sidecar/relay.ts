import type { IncomingMessage, OutgoingHttpHeaders } from 'node:http'
import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2'
import type { Request, Response } from './listener.ts'
import type { Copy } from './spool.ts'
import { endToEnd, type Upstream } from './upstream.ts'

export interface RelayHooks {
  /** Gets the request's body as it passes. */
  request?: Copy | undefined
  /** Gets the body of an answer with status 200 as it passes. */
  answer?: Copy | undefined
  /** Turns a whole answer with status 200 into what is passed on; longer ones than `MAX_WHOLE` go through as they are. */
  rewrite?: ((body: Buffer) => Uint8Array) | undefined
  /** The answer went out whole. */
  done?: ((status: number) => void) | undefined
  /** Either side broke off. */
  broken?: (() => void) | undefined
  /** Told how many bytes of a body came, of either side. */
  passed?: ((bytes: number) => void) | undefined
}

/** Bytes of an answer that is held to be changed: a result of ten renditions, with the node's info, is some 20 KiB. */
const MAX_WHOLE = 1 << 20

/** Passes one request through. Whatever a hook does, the traffic goes its way: they are told, never asked. */
export function relay(request: Request, response: Response, upstream: Upstream, hooks: RelayHooks = {}): void {
  const { host: _, ...headers } = endToEnd(request.headers)
  const sent = upstream.request(request.method ?? 'GET', request.url ?? '/', headers)
  let isOver = false
  const breakOff = (status: number, reason: string) => {
    if (isOver) return
    isOver = true
    sent.destroy()
    hooks.request?.abort()
    hooks.answer?.abort()
    hooks.broken?.()
    if (response.headersSent) return void destroy(response)
    response.writeHead(status, { 'content-type': 'text/plain' })
    ;(response as { end(text: string): void }).end(reason)
  }
  sent.on('error', () => breakOff(502, 'the node behind this address does not answer'))
  request.on('error', () => breakOff(400, 'the request broke off'))
  response.on('error', () => breakOff(400, 'the request broke off'))
  response.on('close', () => breakOff(400, 'the request broke off'))
  const count = (part: Uint8Array) => hooks.passed?.(part.length)
  if (hooks.request) request.on('data', hooks.request.push)
  request.on('data', count)
  request.pipe(sent)

  sent.on('response', (answer) => {
    const status = answer.statusCode ?? 502
    const good = status === 200
    const passed = endToEnd(answer.headers)
    if (good && hooks.rewrite) delete passed['content-length']
    response.writeHead(status, passed)
    flush(response)
    answer.on('error', () => breakOff(502, ''))
    const finish = () => {
      if (isOver) return
      isOver = true
      hooks.done?.(status)
    }
    if (good && hooks.rewrite) return hold(answer, response, hooks.rewrite, { isOver: () => isOver, finish })
    if (good && hooks.answer) answer.on('data', hooks.answer.push)
    if (!good) hooks.answer?.abort()
    answer.on('data', count)
    answer.on('end', finish)
    answer.pipe(response as NodeJS.WritableStream)
  })
}

/** Holds an answer until it is whole, changes it, and passes it on; one that is too long goes its way unchanged. */
function hold(
  answer: IncomingMessage,
  response: Response,
  rewrite: (body: Buffer) => Uint8Array,
  state: { isOver(): boolean; finish(): void },
): void {
  const out = response as NodeJS.WritableStream
  const parts: Buffer[] = []
  let bytes = 0
  const take = (part: Buffer) => {
    bytes += part.length
    parts.push(part)
    if (bytes <= MAX_WHOLE) return
    answer.off('data', take)
    answer.off('end', whole)
    answer.on('end', state.finish)
    for (const kept of parts.splice(0)) out.write(kept)
    // From here on the reader sets the pace.
    answer.pipe(out)
  }
  const whole = () => {
    if (state.isOver()) return
    // Once the answer is out, the gateway may come for what it names.
    out.end(rewritten(Buffer.concat(parts), rewrite))
    state.finish()
  }
  answer.on('data', take)
  answer.on('end', whole)
}

/** What cannot be read is passed on as it is. */
function rewritten(body: Buffer, rewrite: (body: Buffer) => Uint8Array): Uint8Array {
  try {
    return rewrite(body)
  } catch {
    return body
  }
}

/** Passes one call of gRPC through; `rewrite` gets the one message of its answer. */
export function relayCall(
  request: Http2ServerRequest,
  response: Http2ServerResponse,
  upstream: Upstream,
  rewrite?: (message: Buffer) => Uint8Array,
): void {
  const call = upstream.call({
    ...endToEnd(request.headers),
    ...{ ':method': 'POST', ':path': request.url, te: 'trailers' },
  })
  let isOver = false
  let answered: { status: number; headers: OutgoingHttpHeaders } = { status: 502, headers: {} }
  let trailers: OutgoingHttpHeaders = {}
  const parts: Buffer[] = []
  const breakOff = () => {
    if (isOver) return
    isOver = true
    call.destroy()
    if (response.headersSent || response.stream.destroyed) return void response.stream.destroy()
    // UNAVAILABLE: clients may try again.
    const status = { 'grpc-status': '14', 'grpc-message': 'the node behind this address does not answer' }
    response.writeHead(200, { 'content-type': 'application/grpc', ...status }).end()
  }
  call.on('error', breakOff)
  request.on('error', breakOff)
  response.on('error', breakOff)
  response.on('close', breakOff)
  request.pipe(call)
  call.on('response', (got) => {
    answered = { status: got[':status'] ?? 502, headers: endToEnd(got) }
  })
  call.on('trailers', (got) => {
    trailers = endToEnd(got)
  })
  let bytes = 0
  call.on('data', (part: Buffer) => {
    bytes += part.length
    // Calls of this protocol are answered with one short message.
    if (bytes > MAX_WHOLE) breakOff()
    else parts.push(part)
  })
  call.on('end', () => {
    if (isOver) return
    isOver = true
    response.writeHead(answered.status, answered.headers)
    response.addTrailers(trailers)
    response.end(framed(Buffer.concat(parts), rewrite))
  })
}

const FRAME_HEAD = 5

/** A message of gRPC is behind a flag (0: not compressed) and four bytes of length. */
function framed(body: Buffer, rewrite: ((message: Buffer) => Uint8Array) | undefined): Uint8Array {
  if (!rewrite || body.length < FRAME_HEAD || body[0] !== 0 || body.readUInt32BE(1) !== body.length - FRAME_HEAD) return body
  const message = rewritten(body.subarray(FRAME_HEAD), rewrite)
  const head = Buffer.alloc(FRAME_HEAD)
  head.writeUInt32BE(message.length, 1)
  return Buffer.concat([head, message])
}

function flush(response: Response): void {
  if ('flushHeaders' in response) response.flushHeaders()
}

function destroy(response: Response): void {
  if ('stream' in response) response.stream.destroy()
  else (response as { destroy(): void }).destroy()
}
