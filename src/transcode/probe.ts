import { open } from 'node:fs/promises'
import { FishermanError } from '../base/errors.ts'
import { demuxFlv } from './demux-flv.ts'
import { demuxMp4 } from './demux-mp4.ts'
import { demuxTs, tsOffset } from './demux-ts.ts'
import { assemble } from './stream.ts'
import type { Container, Demuxed, MediaLimits } from './types.ts'

/** The container by its own bytes, never by the file's name; undefined for anything that Livepeer does not carry. */
export function sniff(bytes: Buffer): Container | undefined {
  if (bytes.length >= 12 && ['ftyp', 'moov', 'mdat', 'free', 'wide'].includes(bytes.toString('latin1', 4, 8))) return 'mp4'
  if (bytes.length >= 9 && bytes.toString('latin1', 0, 3) === 'FLV') return 'flv'
  return tsOffset(bytes) >= 0 ? 'mpegts' : undefined
}

/** Facts and coded pictures of a file held in memory. Throws `not-media` (theirs) where it is no container that we know. */
export function demux(bytes: Buffer): Demuxed {
  const container = sniff(bytes)
  if (!container) {
    throw new FishermanError({
      code: 'not-media',
      message: 'it is neither MPEG-TS, MP4 nor FLV; Livepeer carries no other container',
      blame: 'theirs',
    })
  }
  const stream = container === 'mp4' ? demuxMp4(bytes) : container === 'flv' ? demuxFlv(bytes) : demuxTs(bytes)
  return assemble(stream, bytes.length)
}

/** Throws with one clear sentence where a path is no readable media file. */
export async function inspectMedia(path: string, limits: MediaLimits): Promise<void> {
  if (sniff(await readMedia(path, limits))) return
  throw new FishermanError({
    code: 'not-media',
    message: `${path}: is no media file that Livepeer carries (MPEG-TS, MP4 or FLV)`,
    blame: 'theirs',
    details: { path },
  })
}

/** Reads a whole regular file of at most `limits.fileBytes`; a pipe or device never gets that far. */
export async function readMedia(path: string, limits: MediaLimits, signal?: AbortSignal): Promise<Buffer> {
  const fail = (code: string, what: string, cause?: unknown): FishermanError =>
    new FishermanError({ code, message: `${path}: ${what}`, blame: 'ours', details: { path }, cause })
  // O_NONBLOCK: opening a named pipe would otherwise wait for a writer for ever.
  const handle = await open(path, 0o4000).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === 'ENOENT') throw fail('no-such-file', 'no such file', cause)
    if (cause.code === 'EACCES') throw fail('unreadable-file', 'cannot be read: permission denied', cause)
    throw fail('unreadable-file', `cannot be read (${cause.code ?? cause.message})`, cause)
  })
  try {
    const stat = await handle.stat()
    if (stat.isDirectory()) throw fail('not-a-file', 'is a directory, not a media file')
    if (!stat.isFile()) throw fail('not-a-file', 'is not a regular file')
    if (stat.size === 0) throw fail('empty-file', 'is empty')
    if (stat.size > limits.fileBytes)
      throw fail('file-too-large', `has ${stat.size} bytes, more than the limit of ${limits.fileBytes}`)
    signal?.throwIfAborted()
    return await handle.readFile()
  } finally {
    await handle.close()
  }
}
