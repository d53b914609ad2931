import { createWriteStream } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import type { IncomingHttpHeaders } from 'node:http'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { Busboy, type BusboyHeaders, type BusboyInstance } from '@fastify/busboy'
import { isFishermanError, localCode } from '../base/errors.ts'
import { type DonationEvent, EVENT_BYTES, MOST_RENDITIONS, readEvent } from './event.ts'
import { refusal } from './refusal.ts'

export interface UploadInit {
  /** New folder for its files. */
  folder: string
  fileBytes: number
  /** Takes bytes out of a quota before they are written; throws where there is no room. */
  reserve(bytes: number): void
  /** Called with the event before any media is taken; throws to refuse. */
  onEvent(event: DonationEvent): void
}

export interface Upload {
  readonly event: DonationEvent
  readonly source: string
  /** In the order of the event. */
  readonly renditions: readonly string[]
}

/** Reads multipart/form-data to disk as it comes: `event` first, then `source`, `rendition-0`, `rendition-1` ... and nothing else. */
export async function readUpload(headers: IncomingHttpHeaders, body: Readable, init: UploadInit): Promise<Upload> {
  const files = new Map<string, string>()
  const writing: Promise<void>[] = []
  let event: DonationEvent | undefined
  await mkdir(init.folder, { mode: 0o700 })
  const parser = parserOf(headers)
  const open: Readable[] = []
  let stopped: Error | undefined
  const stop = (error: Error): void => {
    stopped ??= error
    parser.destroy(stopped)
    // The parser leaves its parts open when it ends early: whoever writes one would wait for ever.
    for (const stream of open) stream.destroy(stopped)
  }
  const guarded = (work: () => void): void => {
    try {
      work()
    } catch (error) {
      stop(error as Error)
    }
  }
  parser.on('field', (name, value, nameCut, valueCut) =>
    guarded(() => {
      if (name !== 'event' || event || nameCut) throw refusal(400, 'form', 'one field is known, event, and it comes once')
      if (valueCut) throw refusal(413, 'size', `the event has more than ${EVENT_BYTES} bytes`)
      event = readEvent(value)
      init.onEvent(event)
    }),
  )
  parser.on('file', (name, stream) => {
    // Without a listener the error of a stream would end the process.
    stream.on('error', () => undefined)
    open.push(stream)
    try {
      if (stopped) throw stopped
      if (!event) throw refusal(400, 'form', 'the part event must come first')
      if (!/^(source|rendition-\d{1,2})$/.test(name) || files.has(name) || !isExpected(name, event))
        throw refusal(
          400,
          'form',
          'parts of media are source and rendition-0, rendition-1 ..., each once and as many as the event names',
        )
      const file = join(init.folder, name)
      files.set(name, file)
      stream.once('limit', () => stop(refusal(413, 'size', `${name} has more than ${init.fileBytes} bytes`)))
      writing.push(pipeline(counted(stream, init.reserve), createWriteStream(file, { flags: 'wx', mode: 0o600 })).catch(stop))
    } catch (error) {
      stop(error as Error)
    }
  })
  for (const limit of ['partsLimit', 'filesLimit', 'fieldsLimit'] as const)
    parser.on(limit, () => stop(refusal(413, 'size', `more than ${MOST_RENDITIONS + 2} parts`)))
  try {
    await pipeline(body, parser)
    await Promise.all(writing)
    // The form was whole, and a file of it could not be kept.
    if (stopped) throw stopped
  } catch (error) {
    stop(error as Error)
    await Promise.allSettled(writing)
    const why = stopped ?? error
    if (isFishermanError(why)) throw why
    const local = localCode(why)
    if (local) throw refusal(503, 'full', 'media cannot be kept here now', 60)
    throw refusal(400, 'broken-off', 'the form ended too early or is none')
  }
  if (!event) throw refusal(400, 'form', 'the part event is missing')
  const fileOf = (name: string): string => {
    const file = files.get(name)
    if (!file) throw refusal(400, 'form', `the part ${name} is missing`)
    return file
  }
  return { event, source: fileOf('source'), renditions: event.renditions.map((_, i) => fileOf(`rendition-${i}`)) }

  function parserOf(given: IncomingHttpHeaders): BusboyInstance {
    const limits = { fieldNameSize: 40, fieldSize: EVENT_BYTES, fields: 1, fileSize: init.fileBytes }
    const parts = { files: MOST_RENDITIONS + 1, parts: MOST_RENDITIONS + 2, headerPairs: 20, headerSize: 8_192 }
    try {
      return new Busboy({ headers: given as BusboyHeaders, limits: { ...limits, ...parts } })
    } catch {
      throw refusal(400, 'form', 'the body must be multipart/form-data with a boundary')
    }
  }
}

function isExpected(name: string, event: DonationEvent): boolean {
  return name === 'source' || Number(name.slice('rendition-'.length)) < event.renditions.length
}

async function* counted(stream: Readable, reserve: (bytes: number) => void): AsyncGenerator<Buffer> {
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    reserve(chunk.length)
    yield chunk
  }
}
