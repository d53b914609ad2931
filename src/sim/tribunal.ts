import type { Hex } from '../../proofs/types.ts'
import { type Court, convicts, createCourt, type OpenCase, type OwnFinding } from '../court/court.ts'
import type { CourtParams } from '../court/params.ts'
import type { Fisherman } from './walk.ts'

/** One segment of a node, as the courts see it. */
export interface Segment {
  transcoder: Hex
  receiptDigest: Hex
  streamId: Hex
  completedAt: number
  /** Does honest work on it end with a voteable `fail`? */
  bad: boolean
}

export interface Hearing {
  /** Members that replayed the segment now. */
  replayed: Fisherman[]
  convicted: boolean
}

/** The real court of every honest member, with the replays, findings and votes that go between them. */
export interface Tribunal {
  /** An opened `fail`; with a bond it opens a case, unless one is open. */
  accuse(segment: Segment, by: Fisherman, bonded: boolean): Hearing
  /** The node is gone: convicted, or replaced. */
  close(transcoder: Hex): void
}

export interface TribunalInit {
  params: CourtParams
  members: readonly Fisherman[]
  /** Identities that vote without being members; contracts and courts know members only. */
  fakes: readonly Hex[]
  caseSeconds: number
}

const FINGERPRINT: Hex = `0x${'00'.repeat(32)}`

export function createTribunal({ params, members, fakes, caseSeconds }: TribunalInit): Tribunal {
  const weights = new Map(members.map(({ address }) => [address, 1n]))
  const total = BigInt(members.length)
  const judges = members
    .filter(({ kind }) => kind === 'honest')
    .map((fisherman) => ({ fisherman, court: createCourt(params) as Court }))
  const cases = new Map<Hex, OpenCase & { openedAt: number }>()

  /** A member says what it found: everybody hears it, and it keeps it as its own. */
  function tell(segment: Segment, by: Fisherman, outcome: 'pass' | 'fail'): void {
    const { transcoder, receiptDigest, streamId, completedAt } = segment
    const finding: OwnFinding = {
      ...{ fisherman: by.address, transcoder, receiptDigest, streamId, rendition: 0, outcome, completedAt },
      ...{ fingerprint: FINGERPRINT, ...(outcome === 'fail' ? { faultClass: 'D2' as const } : {}) },
    }
    for (const { fisherman, court } of judges)
      if (fisherman === by) court.recordOwn(finding)
      else court.record(finding)
  }

  function votes(about: OpenCase & { openedAt: number }): boolean {
    const honest = judges
      .filter(({ court }) => court.vote(about, 0, members.length, about.openedAt).vote)
      .map(({ fisherman }) => fisherman.address)
    const framing = members.filter(({ kind }) => kind === 'framing').map(({ address }) => address)
    const counted = [...honest, ...framing, ...fakes].flatMap((address) => {
      const weight = weights.get(address)
      return weight === undefined ? [] : [{ weight }]
    })
    return convicts(params, counted, total)
  }

  return {
    accuse(segment, by, bonded) {
      if (!weights.has(by.address)) return { replayed: [], convicted: false }
      const { transcoder, receiptDigest, completedAt } = segment
      const known = cases.get(transcoder)
      if (known && completedAt - known.openedAt > caseSeconds) cases.delete(transcoder)
      if (bonded && !cases.has(transcoder))
        cases.set(transcoder, {
          ...{ faultId: receiptDigest, faultClass: 'D2', transcoder, receiptDigest, opener: by.address, openedAt: completedAt },
        })
      const about = cases.get(transcoder)
      tell(segment, by, 'fail')
      const { streamId } = segment
      const call = {
        ...{ fisherman: by.address, transcoder, receiptDigest, streamId, rendition: 0, outcome: 'fail' as const, completedAt },
      }
      const replayed = judges
        .filter(({ fisherman, court }) => {
          if (court.ownFinding(receiptDigest, 0)) return false
          if (about?.receiptDigest === receiptDigest) return fisherman !== by
          return court.callsForReplay(call, about !== undefined)
        })
        .map(({ fisherman }) => fisherman)
      for (const fisherman of replayed) tell(segment, fisherman, segment.bad ? 'fail' : 'pass')
      return { replayed, convicted: about !== undefined && votes(about) }
    },
    close(transcoder) {
      cases.delete(transcoder)
      for (const { court } of judges) court.forget(transcoder)
    },
  }
}
