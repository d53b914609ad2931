import { Buffer } from 'node:buffer'
import { rm } from 'node:fs/promises'
import { finished } from 'node:stream/promises'
import { deadline, sleep, withEither } from '../base/clock.ts'
import { readSegData, readTranscodeResult } from '../livepeer/read.ts'
import type { Request } from './listener.ts'
import type { ServedSegment } from './notary.ts'
import type { RelayHooks } from './relay.ts'
import { RESULT_PATHS, rewriteTexts } from './rewrite.ts'
import type { Copy, Spool } from './spool.ts'
import type { Upstream } from './upstream.ts'

/** Why a segment gets no receipt; counted, and nothing else happens. */
export type Unreceipted = 'storage' | 'no-order' | 'not-answered' | 'rendition-not-had' | 'too-many' | 'copy-lost'

export interface SegmentDeskInit {
  /** Renditions that the gateway has not fetched by then are fetched by us, milliseconds. */
  fetchAfterMs: number
  /** Segments under way at once; more go through without a receipt. */
  most: number
  maxBytes: number
  signal: AbortSignal
}

export interface SegmentDeskDeps {
  upstream: Upstream
  spool: Spool
  /** Turns an address of the node into ours. */
  move(url: string): string
  onServed(served: ServedSegment): Promise<void>
  onNone(reason: Unreceipted): void
}

interface Slot {
  path: string
  file: string | undefined
  copying: boolean
  filled(): void
}

/** Watches segments go by: keeps what an order, its source and its renditions are, and hands them over when they are whole. */
export interface SegmentDesk {
  /** Hooks for `POST /segment`. */
  segment(request: Request): RelayHooks
  /** Hooks for a GET of what may be a rendition. */
  rendition(request: Request): RelayHooks
}

const URI = 'application/vnd+livepeer.uri'
/** Milliseconds for one rendition from the node beside us. */
const FETCH_MS = 10_000

export function createSegmentDesk(init: SegmentDeskInit, deps: SegmentDeskDeps): SegmentDesk {
  const slots = new Map<string, Slot>()
  let underWay = 0

  async function collect(segData: Uint8Array, copy: Copy, body: Buffer): Promise<void> {
    // Before anything is waited for: the gateway gets these addresses now, and a quick one comes for them at once.
    const urls = urlsIn(body)
    const coming = (urls ?? []).map(fileOf)
    const [source, ...had] = await Promise.all([copy.end(), ...coming])
    const files = had.flatMap((file) => file ?? [])
    try {
      if (!urls) return deps.onNone('no-order')
      if (urls.length === 0) return deps.onNone('not-answered')
      if (!source) return deps.onNone('copy-lost')
      if (files.length < urls.length) return deps.onNone('rendition-not-had')
      await deps.onServed({ segData, source: source.file, renditions: files })
    } catch {
      deps.onNone('no-order')
    } finally {
      for (const file of [source?.file, ...files]) if (file) await rm(file, { force: true })
    }
  }

  /** The rendition as the gateway fetches it, or as we do where it does not come for it. */
  async function fileOf(url: string): Promise<string | undefined> {
    if (!URL.canParse(url)) return undefined
    const { pathname, search } = new URL(url)
    const path = `${pathname}${search}`
    if (slots.has(path)) return undefined
    const slot: Slot = { path, file: undefined, copying: false, filled: () => undefined }
    slots.set(path, slot)
    try {
      const full = new AbortController()
      slot.filled = () => full.abort()
      await withEither([init.signal, full.signal], (either) => sleep(init.fetchAfterMs, either)).catch(() => undefined)
      if (slot.file === undefined && !init.signal.aborted) slot.file = await fetched(path)
      return slot.file
    } finally {
      slots.delete(path)
    }
  }

  async function fetched(path: string): Promise<string | undefined> {
    const copy = deps.spool.copy()
    try {
      const signal = deadline(FETCH_MS, init.signal)
      const sent = deps.upstream.request('GET', path, {})
      signal.addEventListener('abort', () => sent.destroy(), { once: true })
      const good = await new Promise<boolean>((resolve) => {
        sent.on('error', () => resolve(false))
        sent.on('response', (answer) => {
          answer.on('data', copy.push)
          finished(answer).then(
            () => resolve(answer.statusCode === 200),
            () => resolve(false),
          )
        })
        sent.end()
      })
      if (good) return (await copy.end())?.file
    } catch {
      // The same as not had.
    }
    copy.abort()
    return undefined
  }

  return {
    segment(request) {
      const rewrite = (body: Buffer) => rewriteTexts(body, RESULT_PATHS, deps.move)
      const none = (reason: Unreceipted): RelayHooks => {
        deps.onNone(reason)
        return { rewrite }
      }
      if (request.headers['content-type'] === URI) return none('storage')
      if (underWay >= init.most) return none('too-many')
      const segData = segDataOf(request.headers['livepeer-segment'])
      if (!segData) return none('no-order')
      if (segData.storage) return none('storage')
      underWay++
      const copy = deps.spool.copy()
      return {
        request: copy,
        rewrite,
        broken() {
          underWay--
          deps.onNone('not-answered')
        },
        done(status, body) {
          if (status === 200 && body) void collect(segData.bytes, copy, body).finally(() => underWay--)
          else {
            underWay--
            copy.abort()
            deps.onNone('not-answered')
          }
        },
      }
    },
    rendition(request) {
      const slot = request.method === 'GET' && request.headers.range === undefined ? slots.get(request.url ?? '') : undefined
      if (!slot || slot.copying || slot.file !== undefined) return {}
      slot.copying = true
      const copy = deps.spool.copy()
      return {
        answer: copy,
        broken() {
          slot.copying = false
        },
        done(status) {
          slot.copying = false
          if (status !== 200) return
          void copy.end().then(async (taken) => {
            if (!taken) return
            // Too late, and fetched by us meanwhile.
            if (slot.file !== undefined || slots.get(slot.path) !== slot) return await rm(taken.file, { force: true })
            slot.file = taken.file
            slot.filled()
          })
        },
      }
    },
  }
}

/** Where renditions are; undefined for what is no result at all. */
function urlsIn(body: Uint8Array): string[] | undefined {
  try {
    return (readTranscodeResult(body).data?.segments ?? []).map(({ url }) => url)
  } catch {
    return undefined
  }
}

function segDataOf(header: unknown): { bytes: Uint8Array; storage: boolean } | undefined {
  if (typeof header !== 'string') return undefined
  const bytes = Uint8Array.from(Buffer.from(header, 'base64'))
  try {
    const { storage } = readSegData(bytes)
    return { bytes, storage: storage.some(({ type }) => type !== 'direct') }
  } catch {
    return undefined
  }
}
