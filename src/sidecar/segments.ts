import { Buffer } from 'node:buffer'
import { rm } from 'node:fs/promises'
import { finished } from 'node:stream/promises'
import { deadline } from '../base/clock.ts'
import { readSegData, readTranscodeResult } from '../livepeer/read.ts'
import type { ServedSegment } from './draft.ts'
import type { Request } from './listener.ts'
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
  /** The gateway is fetching it, and we keep what passes. */
  copying: boolean
  /** Called once when the file is there, or will not come this way. */
  settled(): void
}

/** What a result made us expect. */
type Opened = { slots: readonly Slot[] } | { none: Unreceipted }

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

  init.signal.addEventListener('abort', () => {
    for (const slot of slots.values()) slot.settled()
  })

  /** Expects the renditions that a result names; undefined where it cannot be read, or names none. */
  function expected(body: Buffer): Opened {
    let urls: readonly string[] | undefined
    try {
      urls = readTranscodeResult(body).data?.segments.map(({ url }) => url)
    } catch {
      return { none: 'no-order' }
    }
    if (!urls?.length) return { none: 'not-answered' }
    const opened: Slot[] = []
    for (const url of urls) {
      const path = pathOf(url)
      if (path === undefined || slots.has(path)) {
        for (const slot of opened) slots.delete(slot.path)
        return { none: 'rendition-not-had' }
      }
      const slot: Slot = { path, file: undefined, copying: false, settled: () => undefined }
      slots.set(path, slot)
      opened.push(slot)
    }
    return { slots: opened }
  }

  async function collect(segData: Uint8Array, copy: Copy, opened: Opened): Promise<void> {
    const awaited = 'slots' in opened ? Promise.all(opened.slots.map(fileOf)) : undefined
    const source = await copy.end()
    const files: (string | undefined)[] = [source?.file]
    try {
      if ('none' in opened) return deps.onNone(opened.none)
      const had = (await awaited) ?? []
      files.push(...had)
      if (!source) return deps.onNone('copy-lost')
      const renditions = had.flatMap((file) => file ?? [])
      if (renditions.length < had.length) return deps.onNone('rendition-not-had')
      await deps.onServed({ segData, source: source.file, renditions })
    } finally {
      for (const file of files) if (file !== undefined) await rm(file, { force: true })
    }
  }

  /** The rendition as the gateway fetches it, or as we do where it does not come for it. */
  async function fileOf(slot: Slot): Promise<string | undefined> {
    try {
      await settling(slot, init.fetchAfterMs)
      // A gateway that is at it gets the time that we would take.
      if (slot.copying) await settling(slot, FETCH_MS)
      if (slot.file === undefined && !init.signal.aborted) slot.file = await fetched(slot.path)
      return slot.file
    } finally {
      slots.delete(slot.path)
    }
  }

  function settling(slot: Slot, ms: number): Promise<void> {
    if (slot.file !== undefined || init.signal.aborted) return Promise.resolve()
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms)
      slot.settled = () => {
        clearTimeout(timer)
        resolve()
      }
    })
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
      let opened: Opened | undefined
      return {
        request: copy,
        rewrite(body) {
          // Before the gateway knows of them: it may come for them at once.
          opened = expected(body)
          return rewrite(body)
        },
        broken() {
          underWay--
          deps.onNone('not-answered')
        },
        done(status) {
          if (status === 200 && opened) void collect(segData.bytes, copy, opened).finally(() => underWay--)
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
      const missed = () => {
        slot.copying = false
        slot.settled()
      }
      return {
        answer: copy,
        broken: missed,
        done(status) {
          if (status !== 200) return missed()
          void copy.end().then(async (taken) => {
            if (!taken) return missed()
            slot.copying = false
            // Too late, and fetched by us meanwhile.
            if (slot.file !== undefined || slots.get(slot.path) !== slot) return await rm(taken.file, { force: true })
            slot.file = taken.file
            slot.settled()
          })
        },
      }
    },
  }
}

/** Path and query of an address. */
function pathOf(url: string): string | undefined {
  if (!URL.canParse(url)) return undefined
  const { pathname, search } = new URL(url)
  return `${pathname}${search}`
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
