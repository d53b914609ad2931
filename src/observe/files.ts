import { createReadStream } from 'node:fs'
import { finished, Readable } from 'node:stream'
import type { HttpReply, HttpRequest } from '../base/http.ts'
import { Problem } from './api/problem.ts'

/** Sends files to strangers: so many at once, and to nobody who does not take them. */
export interface FileDesk {
  /** Answers with a whole file of `size` bytes. Throws a problem (429, with Retry-After) where too many are on their way. */
  send(request: HttpRequest, reply: HttpReply, file: string, size: number): HttpReply
}

export interface FileLimits {
  /** Files on their way at once, to all clients together and to one of them. */
  most: number
  mostOfOne: number
  /** Milliseconds in which a reader must take a chunk (64 KiB), or is cut off: 2 kB/s are enough. */
  idleMs: number
}

/** One of a home line's upload; a browser and `fisherman watch` take one at a time. */
const LIMITS: FileLimits = { most: 32, mostOfOne: 4, idleMs: 30_000 }
/** Seconds after which somebody may have ended. */
const AGAIN_SEC = 5

export function createFileDesk(limits: Partial<FileLimits> = {}): FileDesk {
  const { most, mostOfOne, idleMs } = { ...LIMITS, ...limits }
  /** Files on their way, by client. */
  const underWay = new Map<string, number>()
  let all = 0

  function take(ip: string): void {
    const ofOne = underWay.get(ip) ?? 0
    if (all >= most || ofOne >= mostOfOne)
      throw new Problem(429, `too many files are on their way to ${ofOne >= mostOfOne ? 'you' : 'others'}; try again`, AGAIN_SEC)
    all++
    underWay.set(ip, ofOne + 1)
  }

  function giveBack(ip: string): void {
    all--
    const left = (underWay.get(ip) ?? 1) - 1
    if (left > 0) underWay.set(ip, left)
    else underWay.delete(ip)
  }

  return {
    send(request, reply, file, size) {
      const { ip, socket } = request
      reply.header('content-length', size)
      // Its length is all that is asked for, and the server would read the file to its end for that; or whoever asked has gone.
      if (request.method === 'HEAD' || socket.destroyed) return reply.send(Readable.from([]))
      take(ip)
      const idle = setTimeout(() => socket.destroy(), idleMs)
      const body = Readable.from(
        chunksOf(file, () => idle.refresh()),
        { objectMode: false },
      )
      let hasEnded = false
      function end(): void {
        if (hasEnded) return
        hasEnded = true
        socket.off('close', end)
        clearTimeout(idle)
        body.destroy()
        giveBack(ip)
      }
      // The last chunk too must be taken: the place is free when the answer has ended, not when the file is read. An answer that waits behind
      // another one on its connection does not hear of its end.
      finished(reply.raw, end)
      socket.once('close', end)
      return reply.send(body)
    },
  }
}

/** A chunk is asked for once the one before it was taken. */
async function* chunksOf(file: string, onAsked: () => void): AsyncGenerator<Buffer> {
  for await (const chunk of createReadStream(file)) {
    onAsked()
    yield chunk as Buffer
  }
}
