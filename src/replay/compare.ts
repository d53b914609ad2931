import type { BundleCheck } from '../../proofs/bundle-checks.ts'
import { CodecError } from '../../proofs/codec.ts'
import { readHex } from '../../proofs/json.ts'
import type { Hex } from '../../proofs/types.ts'
import type { PacketSet } from '../fingerprint/types.ts'
import type { Depth, RenditionVerdict } from '../judge.ts'

/** The verdict that a bundle claims, and how it was come to. */
export interface Recorded {
  outcome: string
  depth: Depth
  confirm: boolean
  fisherman: Hex | undefined
  draw: { beacon: Hex; sampleId: Hex; fisherman: Hex } | undefined
  earlier: PacketSet[]
  faultClass: string | null
  reasons: string[]
  fingerprint: Hex | undefined
  measures: Readonly<Record<string, unknown>>
}

/** Share by which a measure may differ: encoders of other versions make other controls. */
const TOLERANCE = 0.1
/** Below this, measures are noise beside every line that they are held against. */
const FLOOR = 0.02

/** Compares what was recorded with what came out now. */
export function compareVerdicts(recorded: Recorded, verdict: RenditionVerdict | undefined): BundleCheck[] {
  if (!verdict) return [{ name: 'outcome', holds: false, detail: 'nothing came out' }]
  const codes = (list: readonly string[]): string => [...new Set(list)].sort().join(', ') || 'none'
  const same = (name: string, was: string, now: string): BundleCheck => ({
    name,
    holds: was === now,
    detail: was === now ? now : `recorded ${was}, here ${now}`,
  })
  const replayed = verdict.reasons.map(({ code }) => code)
  return [
    same('outcome', recorded.outcome, verdict.verdict),
    same('fault class', recorded.faultClass ?? 'none', verdict.faultClass ?? 'none'),
    same('reasons', codes(recorded.reasons), codes(replayed)),
    same('fingerprint', recorded.fingerprint ?? 'none', verdict.fingerprint?.value ?? 'none'),
    compareMeasures(recorded.measures, verdict.measures),
  ]
}

function compareMeasures(was: Readonly<Record<string, unknown>>, now: Readonly<Record<string, unknown>>): BundleCheck {
  const names = [...new Set([...Object.keys(was), ...Object.keys(now)])].sort()
  // JSON has no infinite numbers: what was not finite is null in the bundle.
  const plain = (value: unknown): unknown => (typeof value === 'number' && !Number.isFinite(value) ? null : (value ?? null))
  const off = names.filter((name) => !isClose(plain(was[name]), plain(now[name])))
  const told = off.slice(0, 5).map((name) => `${name} ${shown(plain(was[name]))}, here ${shown(plain(now[name]))}`)
  return {
    name: 'measures',
    holds: off.length === 0,
    detail:
      off.length === 0
        ? `all ${names.length} within ${TOLERANCE * 100} %`
        : `${off.length} of ${names.length} differ by more than ${TOLERANCE * 100} %: ${told.join('; ')}`,
  }
}

function isClose(a: unknown, b: unknown): boolean {
  if (typeof a !== 'number' || typeof b !== 'number') return a === b
  return Math.abs(a - b) <= Math.max(FLOOR, TOLERANCE * Math.max(Math.abs(a), Math.abs(b)))
}

/** Reads the notes that say how the verdict was come to; a CodecError names what is wrong with them. */
export function readRecorded(notes: Readonly<Record<string, unknown>>): Recorded {
  const note = objectOf('notes/verdict.json', notes['verdict.json'])
  const verdict = objectOf('notes/verdict.json: verdict', note.verdict)
  const { depth, outcome } = note
  if (depth !== 'check' && depth !== 'prove' && depth !== 'screen')
    throw new CodecError('notes/verdict.json: depth must be screen, check or prove')
  if (typeof outcome !== 'string') throw new CodecError('notes/verdict.json: outcome is missing')
  if (!Array.isArray(verdict.reasons)) throw new CodecError('notes/verdict.json: reasons must be a list')
  const draw = note.draw === null || note.draw === undefined ? undefined : objectOf('notes/verdict.json: draw', note.draw)
  const fingerprint = verdict.fingerprint as { value?: unknown } | null | undefined
  return {
    outcome,
    depth,
    confirm: note.confirm === true,
    fisherman: typeof note.fisherman === 'string' ? readHex('notes/verdict.json: fisherman', note.fisherman, 20) : undefined,
    draw: draw && {
      beacon: readHex('draw.beacon', draw.beacon, 32),
      sampleId: readHex('draw.sampleId', draw.sampleId, 32),
      fisherman: readHex('draw.fisherman', draw.fisherman, 20),
    },
    earlier: readEarlier(notes['earlier.json']),
    faultClass: typeof verdict.class === 'string' ? verdict.class : null,
    reasons: verdict.reasons.map((reason) => textOf((reason as { code?: unknown } | null)?.code)),
    fingerprint: fingerprint?.value === undefined ? undefined : readHex('fingerprint', fingerprint.value, 32),
    measures: objectOf('notes/verdict.json: measures', verdict.measures),
  }
}

/** Coded packets of earlier segments, which a reuse is recognised by. */
function readEarlier(json: unknown): PacketSet[] {
  if (json === undefined) return []
  const { segments } = objectOf('notes/earlier.json', json)
  if (!Array.isArray(segments) || segments.length > 64) throw new CodecError('notes/earlier.json: segments must be a list')
  const looks = (value: unknown) => {
    if (!Array.isArray(value)) throw new CodecError('notes/earlier.json: packets must be a list')
    return value.map((item) => {
      const { hash, bytes, look } = objectOf('notes/earlier.json: a packet', item)
      if (typeof hash !== 'string' || typeof bytes !== 'number' || typeof look !== 'string')
        throw new CodecError('notes/earlier.json: a packet has hash, bytes and look')
      return { hash, bytes, look }
    })
  }
  return segments.map((segment) => {
    const { rendition, source } = objectOf('notes/earlier.json: a segment', segment)
    return { rendition: looks(rendition), source: looks(source) }
  })
}

function objectOf(name: string, json: unknown): Record<string, unknown> {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) throw new CodecError(`${name} is missing or no object`)
  return json as Record<string, unknown>
}

/** Of a stranger's value: `String` of an object calls what the object says. */
const shown = (value: unknown): string => (typeof value === 'object' && value !== null ? 'no number' : String(value))

const textOf = (value: unknown): string => (typeof value === 'string' ? value : 'none')
