import type { Hex } from '../../proofs/types.ts'
import { AUDIT_SHARE, auditTrancheOf } from '../sample/audit.ts'
import { ticketOf, trancheOf } from '../sample/draw.ts'
import type { Members } from './members.ts'
import type { Random } from './random.ts'
import type { Segment, Tribunal } from './tribunal.ts'
import { type WalkAnswer, type WalkRules, walk } from './walk.ts'

/** What the network did with one selected sample. */
export interface Look {
  checks: number
  replays: number
  /** Did an honest member find it bad? */
  found: boolean
  /** Seconds after the segment at which votes convicted. */
  convictedAfterSec: number | undefined
}

/** A framer accuses one in ten of the honest samples that it is drawn for. */
const FRAMES = 0.1
/** Seconds that replays of an opened `fail` and the votes take. */
const REPLAY_SECONDS = 60

export interface Looks {
  look(segment: Segment, shielded: boolean): Look
}

export function createLooks(deps: {
  members: Members
  tribunal: Tribunal
  rules: WalkRules
  random: Random
  fakes: readonly Hex[]
  luckOfFakes: Random
}): Looks {
  const { members, tribunal, rules, random, fakes, luckOfFakes } = deps
  const { draw } = rules
  const count = members.list.length

  /** Bad samples decide something, so their tickets are the real ones; of good ones only the uniform distribution of tickets is needed. */
  function tranches(segment: Segment): { fisherman: Members['list'][number]; tranche: number }[] {
    return members.list.flatMap((fisherman) => {
      const ticket = segment.bad ? ticketOf(random.hex(48), fisherman.index, 0) : random.next()
      const tranche = trancheOf(draw, count, ticket)
      return tranche === undefined ? [] : [{ fisherman, tranche }]
    })
  }

  /** What everybody sees in the opened answers. */
  function blameOpenly(answers: readonly WalkAnswer[]): void {
    for (const { fisherman, outcome, fingerprint } of answers)
      if (outcome === 'never') members.blame('never-opened', fisherman.index)
      else if (fingerprint === 'copied') members.blame('copied', fisherman.index)
  }

  /** The first answer may be looked at again by another member, with its own frames and those of the first. */
  function audit(segment: Segment, shielded: boolean, first: WalkAnswer): { answers: WalkAnswer[]; checks: number } {
    const about = { members: count, answeredBy: first.fisherman.address }
    const drawn = members.list.flatMap((fisherman) => {
      const tranche = auditTrancheOf(draw, { ...about, auditor: fisherman.address }, random.next())
      return tranche === undefined ? [] : [{ fisherman, tranche }]
    })
    const result = walk(rules, { bad: segment.bad, shielded, drawn, trusts: members.trusts, frames: () => false })
    blameOpenly(result.answers)
    for (const { fisherman } of result.answers)
      if (fisherman.kind !== 'honest') continue
      else if (first.fingerprint === 'real') members.agree(fisherman.index, first.fisherman.index)
      else members.blame('wrong-fingerprint', first.fisherman.index, fisherman.index)
    return result
  }

  return {
    look(segment, shielded) {
      const frames = () => !shielded && random.next() < FRAMES
      const first = walk(rules, { bad: segment.bad, shielded, drawn: tranches(segment), trusts: members.trusts, frames })
      blameOpenly(first.answers)
      const opened = first.answers.filter(({ outcome }) => outcome !== 'never')
      const [only] = opened
      const again = only && random.next() < AUDIT_SHARE ? audit(segment, shielded, only) : undefined
      const look: Look = { checks: first.checks + (again?.checks ?? 0), replays: 0, found: false, convictedAfterSec: undefined }
      const fake = fakes[luckOfFakes.below(fakes.length)]
      if (fake) tribunal.accuse(segment, { index: -1, address: fake, kind: 'framing' }, true)
      for (const { fisherman, outcome, atSec } of [...opened, ...(again?.answers ?? [])]) {
        if (outcome !== 'fail' || look.convictedAfterSec !== undefined) continue
        const isTrue = fisherman.kind === 'honest' || segment.bad
        const { replayed, convicted } = tribunal.accuse(segment, fisherman, isTrue)
        look.replays += replayed.length
        look.found ||= segment.bad && (fisherman.kind === 'honest' || replayed.length > 0)
        for (const { index } of replayed)
          if (segment.bad) members.agree(index, fisherman.index)
          else members.blame('framing', fisherman.index, index)
        if (convicted) look.convictedAfterSec = atSec + REPLAY_SECONDS
      }
      return look
    },
  }
}
