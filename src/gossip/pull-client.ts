import type { Connection } from '@libp2p/interface'
import { deadline } from '../base/clock.ts'
import { FishermanError, isFishermanError, messageOf } from '../base/errors.ts'
import {
  decodeEntry,
  decodeHeader,
  encodeRequest,
  framesOn,
  MAX_ENTRY_BYTES,
  MAX_PULL_BYTES,
  type PullEntry,
  type PullRequest,
  violation,
} from './pull-frames.ts'
import type { Page } from './pull-server.ts'

/** From opening the stream to the last byte of at most 256 KiB: a slower peer holds nothing of ours open. */
export const PULL_TIMEOUT_MS = 10_000
/** Names of the length decoder's errors that only a peer outside the protocol causes. */
const BAD_FRAME = ['InvalidDataLengthError', 'InvalidDataLengthLengthError', 'InvalidMessageLengthError', 'StreamBufferError']

/** Asks one peer for one page, over the first protocol that it speaks, and checks everything about it but the statements themselves. */
export async function pullPage(
  connection: Connection,
  protocols: readonly string[],
  request: PullRequest,
  options: { signal: AbortSignal; timeoutMs?: number },
): Promise<Page> {
  const signal = deadline(options.timeoutMs ?? PULL_TIMEOUT_MS, options.signal)
  const stream = await connection.newStream([...protocols], { signal }).catch((error: unknown) => {
    throw failed('the peer did not open a stream', error)
  })
  try {
    const frames = framesOn(stream, { frameBytes: MAX_ENTRY_BYTES, bufferBytes: 2 * MAX_PULL_BYTES })
    await frames.write(encodeRequest(request), { signal })
    const header = decodeHeader((await frames.read({ signal })).subarray())
    if (header.count > request.limit) throw violation('the peer announces more entries than were asked for')
    const entries: PullEntry[] = []
    let bytes = 0
    let last = request.cursor.seq
    while (entries.length < header.count) {
      const entry = decodeEntry((await frames.read({ signal })).subarray())
      bytes += entry.bytes.length
      if (entry.seq <= last) throw violation('the entries are not in ascending order')
      if (bytes > MAX_PULL_BYTES) throw violation('the page is longer than a page may be')
      if (!request.kinds.has(entry.kind)) throw violation('an entry is of a kind that was not asked for')
      last = entry.seq
      entries.push(entry)
    }
    if (header.status === 'ok' && header.cursor.seq < last) throw violation('the cursor lies before the last entry')
    if (header.more && header.cursor.seq === request.cursor.seq) throw violation('there is more, but the cursor stands still')
    await stream.close({ signal })
    return { header, entries }
  } catch (error) {
    stream.abort(error instanceof Error ? error : new Error(messageOf(error)))
    if (isFishermanError(error)) throw error
    if (error instanceof Error && BAD_FRAME.includes(error.name)) throw violation(error.message)
    throw failed('the page did not arrive whole', error)
  }
}

/** A stalled or broken transfer may be the network's fault: no accusation. */
function failed(message: string, cause: unknown): FishermanError {
  return new FishermanError({ code: 'pull-failed', message, blame: 'unknown', cause })
}
