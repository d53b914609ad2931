import { mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Hex } from '../../proofs/types.ts'
import type { Clock } from '../base/clock.ts'
import { sleep } from '../base/clock.ts'
import { blameOf, isFishermanError, messageOf } from '../base/errors.ts'
import type { Judge } from '../judge.ts'
import type { AddressRule } from '../livepeer/reach.ts'
import { matchOf, RUNGS } from '../playback/ladder.ts'
import type { Segment } from '../playback/playlist.ts'
import { getFile } from './get.ts'
import { type Look, look, type SeenVerdict } from './look.ts'
import { createStream, type Listing, type Rung } from './stream.ts'

export interface PlaybackInit {
  url: string
  /** Segments to judge; the reading ends after them, or with the stream. */
  segments: number
  scratchDir: string
  mayConnect: AddressRule
  /** A live stream that shows nothing new for so long is left, milliseconds. @default 60 s */
  patienceMs?: number
}

export interface PlaybackDeps {
  clock: Clock
  judge: Pick<Judge, 'judge'>
  /** A whole number from 0 to below `count`; which segments are looked at must not be guessable. */
  draw(count: number): number
  /** May this segment be looked at now? A daemon that is paused or busy says no, and it is left. */
  mayLook?(): boolean
  /** Called with the files still there, for sheets that the operator asked for. */
  onLook?(segment: SeenSegment, look: Look): Promise<void>
  onSegment?(segment: SeenSegment): void
  onStep?(step: string): void
}

/** One segment of a stream that was looked at, or why not. */
export interface SeenSegment {
  readonly seq: number
  readonly sourceIs: Listing['sourceIs']
  readonly sourceHash?: Hex
  readonly verdicts: readonly SeenVerdict[]
  /** Rungs that have no entry for it, or one that does not match; nobody is blamed for those. */
  readonly unmatched: readonly string[]
  /** Why its bytes were not to be had. */
  readonly missing?: string
}

const SEGMENT_BYTES = 64 << 20
const SEGMENT_MS = 20_000
const PATIENCE_MS = 60_000

/** Follows a public playlist and judges segments drawn at random. Nothing is signed; what is found is a statistic of that stream. */
export async function playback(init: PlaybackInit, deps: PlaybackDeps, signal: AbortSignal): Promise<SeenSegment[]> {
  const { clock } = deps
  const stream = createStream(init.url, { mayConnect: init.mayConnect, signal })
  const found: SeenSegment[] = []
  const done = new Set<number>()
  let newMs = clock.monotonicMs()
  while (found.length < init.segments) {
    signal.throwIfAborted()
    deps.onStep?.('reading the playlist')
    const listing = await listOf(stream, found.length > 0)
    const open = listing?.source.segments.filter(({ seq, isGap }) => !done.has(seq) && !isGap) ?? []
    if (listing && open.length > 0 && (deps.mayLook?.() ?? true)) {
      newMs = clock.monotonicMs()
      const chosen = open[deps.draw(open.length)] as Segment
      done.add(chosen.seq)
      deps.onStep?.(`segment ${chosen.seq}, ${found.length + 1} of ${init.segments}`)
      const segment = await lookAt(chosen, listing, init, deps, signal)
      found.push(segment)
      deps.onSegment?.(segment)
      continue
    }
    if (listing?.ended && open.length === 0) break
    if (clock.monotonicMs() - newMs > (init.patienceMs ?? PATIENCE_MS)) break
    await sleep(Math.min(10_000, Math.max(200, (listing?.targetMs ?? 2_000) / 2)), signal)
  }
  return found
}

/** A playlist that was read before may be away for a moment. */
async function listOf(stream: { list(): Promise<Listing> }, wasRead: boolean): Promise<Listing | undefined> {
  try {
    return await stream.list()
  } catch (error) {
    if (wasRead && blameOf(error) === 'unknown') return undefined
    throw error
  }
}

async function lookAt(
  source: Segment,
  listing: Listing,
  init: PlaybackInit,
  deps: PlaybackDeps,
  signal: AbortSignal,
): Promise<SeenSegment> {
  const rungs = drawn(listing.renditions, deps.draw)
  const matches = rungs.map((rung) => ({ rung, segment: matchOf(source, rung.segments) }))
  const unmatched = matches.flatMap(({ rung, segment }) => (segment ? [] : [nameOf(rung)]))
  const base = { seq: source.seq, sourceIs: listing.sourceIs, unmatched }
  const folder = await mkdtemp(join(init.scratchDir, 'seen-'))
  const fetch = async (segment: Segment, name: string): Promise<string> => {
    const file = join(folder, name)
    await getFile(segment.uri, file, { mayConnect: init.mayConnect, maxBytes: SEGMENT_BYTES, timeoutMs: SEGMENT_MS, signal })
    return file
  }
  try {
    const own = await fetch(source, 'source')
    const files = []
    const missing: string[] = []
    for (const [i, { rung, segment }] of matches.entries()) {
      if (!segment) continue
      const { size } = rung.variant
      try {
        files.push({ name: nameOf(rung), file: await fetch(segment, `rendition-${i}`), ...(size ? { declared: size } : {}) })
      } catch (error) {
        signal.throwIfAborted()
        if (!isFishermanError(error) || error.blame === 'ours') throw error
        missing.push(messageOf(error))
      }
    }
    const lack = missing.length > 0 ? { missing: missing.join('; ') } : {}
    if (files.length === 0) return { ...base, verdicts: [], ...lack }
    const seen = await look(own, files, deps.judge, signal)
    const verdicts = await doubted(source, listing, seen, { fetch, judge: deps.judge, files }, signal)
    const segment = { ...base, sourceHash: seen.sourceHash, verdicts, ...lack }
    await deps.onLook?.(segment, seen)
    return segment
  } catch (error) {
    signal.throwIfAborted()
    if (!isFishermanError(error) || error.blame === 'ours') throw error
    return { ...base, verdicts: [], missing: messageOf(error) }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/**
 * A playlist may number its renditions one off. What differs from its own source and agrees with the segment before or after it is a fault of the
 * playlist, and no verdict on anybody's work.
 */
async function doubted(
  source: Segment,
  { source: { segments } }: Listing,
  seen: Look,
  deps: {
    fetch(segment: Segment, name: string): Promise<string>
    judge: Pick<Judge, 'judge'>
    files: readonly { name: string; file: string }[]
  },
  signal: AbortSignal,
): Promise<readonly SeenVerdict[]> {
  const bad = seen.verdicts.flatMap((one, i) => (one.outcome === 'fail' && one.faultClass !== 'Q' ? [i] : []))
  if (bad.length === 0) return seen.verdicts
  const shifted = new Set<number>()
  for (const offset of [-1, 1]) {
    const neighbour = segments.find(({ seq, isGap }) => seq === source.seq + offset && !isGap)
    const asked = bad.flatMap((i) => deps.files[i] ?? [])
    if (!neighbour || asked.length === 0) continue
    try {
      const file = await deps.fetch(neighbour, `neighbour${offset}`)
      const { verdicts } = await look(file, asked, deps.judge, signal)
      for (const [k, { outcome }] of verdicts.entries()) if (outcome === 'pass') shifted.add(bad[k] as number)
    } catch (error) {
      signal.throwIfAborted()
      if (!isFishermanError(error) || error.blame === 'ours') throw error
    }
  }
  return seen.verdicts.map(({ faultClass, ...one }, i) =>
    shifted.has(i)
      ? {
          ...one,
          outcome: 'inconclusive',
          doubt: 'it is a rendition of a neighbouring segment: the playlist counts its rungs differently',
        }
      : { ...one, ...(faultClass ? { faultClass } : {}) },
  )
}

/** A huge ladder costs no more than a common one: of more rungs some are drawn, others the next time. */
function drawn(rungs: readonly Rung[], draw: (count: number) => number): Rung[] {
  const left = [...rungs]
  const taken: Rung[] = []
  while (left.length > 0 && taken.length < RUNGS) taken.push(...left.splice(draw(left.length), 1))
  return rungs.filter((rung) => taken.includes(rung))
}

/** What a person calls it; of a stranger's words only those that a terminal prints. */
function nameOf({ variant: { uri, name, size } }: Rung): string {
  const parts = uri.replace(/[?#].*$/, '').split('/')
  const file = (parts.at(-1) ?? '').replace(/\.m3u8?$/i, '')
  const word = name ?? (/^(index|playlist|chunklist|prog_index|master|)$/i.test(file) ? parts.at(-2) : file) ?? ''
  return word.replace(/[^\w.@-]+/g, '_').slice(0, 60) || (size ? `${size.width}x${size.height}` : 'rendition')
}
