import type { Hex, Outcome } from '../../proofs/types.ts'
import { coverBy } from '../sample/cover.ts'
import type { DrawParams } from '../sample/draw.ts'
import type { FishermanKind } from './settings.ts'

/** One member of the simulated network. */
export interface Fisherman {
  index: number
  address: Hex
  kind: FishermanKind
}

export interface WalkRules {
  draw: DrawParams
  /** Seconds from a seal to its deadline, and from there until nobody waits for it any more. */
  openAfterSeconds: number
  openGraceSeconds: number
  /** Seconds from waking to the seal. */
  sealAfterSeconds: number
}

export interface WalkInput {
  /** Does honest work on this sample end with `fail`? */
  bad: boolean
  /** Does the node pay members to look away? */
  shielded: boolean
  /** Members that may answer, with their tranches. */
  drawn: readonly { fisherman: Fisherman; tranche: number }[]
  trusts(observer: number, member: number): boolean
  /** Does this framer accuse here? */
  frames(fisherman: Fisherman): boolean
}

export interface WalkAnswer {
  fisherman: Fisherman
  /** `never` was sealed and not opened. */
  outcome: Outcome | 'never'
  /** Seconds after the beacon at which it was opened, or should have been. */
  atSec: number
  fingerprint: 'real' | 'made-up' | 'copied'
}

interface Seal extends WalkAnswer {
  sealedSec: number
}

/** One sample from its first tranche to the last answer: who does the work, and what is said. Times count from the beacon. */
export function walk(rules: WalkRules, input: WalkInput): { answers: WalkAnswer[]; checks: number } {
  const { openAfterSeconds, openGraceSeconds, sealAfterSeconds } = rules
  const seals: Seal[] = []
  let checks = 0
  const queue = input.drawn.map(({ fisherman, tranche }) => ({
    ...{ fisherman, tranche, copies: false },
    atSec: rules.draw.tranches[tranche]?.afterSeconds ?? 0,
  }))

  function coverFor(observer: Fisherman, nowSec: number): 'opened' | 'sealed' | undefined {
    let cover: 'sealed' | undefined
    for (const seal of seals) {
      if (seal.sealedSec > nowSec) continue
      const outcome = seal.outcome !== 'never' && seal.atSec <= nowSec ? seal.outcome : undefined
      const isTrusted = input.trusts(observer.index, seal.fisherman.index)
      const by = coverBy({ deadlineSec: seal.sealedSec + openAfterSeconds, outcome, isTrusted }, nowSec, openGraceSeconds)
      if (by === 'opened') return by
      cover ??= by
    }
    return cover
  }

  function say(fisherman: Fisherman, nowSec: number, outcome: Seal['outcome'], fingerprint: Seal['fingerprint']): void {
    const works = fingerprint === 'real'
    if (works) checks++
    const sealedSec = nowSec + (works ? sealAfterSeconds : 0)
    seals.push({ fisherman, outcome, fingerprint, sealedSec, atSec: sealedSec + openAfterSeconds })
  }

  function act(fisherman: Fisherman, nowSec: number): void {
    const found = input.bad ? 'fail' : 'pass'
    if (fisherman.kind === 'honest') say(fisherman, nowSec, found, 'real')
    else if (fisherman.kind === 'lazy') say(fisherman, nowSec, 'pass', 'made-up')
    else if (fisherman.kind === 'framing') say(fisherman, nowSec, input.frames(fisherman) ? 'fail' : found, 'real')
    else if (fisherman.kind === 'shielding') say(fisherman, nowSec, input.shielded ? 'pass' : found, 'real')
    else if (fisherman.kind === 'never-opening') say(fisherman, nowSec, 'never', 'made-up')
    // It waits for somebody else's fingerprint to be opened; that is too late to be worth anything.
    else queue.push({ fisherman, tranche: 0, copies: true, atSec: nowSec + openAfterSeconds + 2 * sealAfterSeconds })
  }

  while (queue.length > 0) {
    let first = 0
    for (let i = 1; i < queue.length; i++) if ((queue[i]?.atSec ?? 0) < (queue[first]?.atSec ?? 0)) first = i
    const [event] = queue.splice(first, 1)
    if (!event) break
    const { fisherman, tranche, atSec, copies } = event
    if (copies) {
      const opened = seals.find((seal) => seal.outcome !== 'never' && seal.atSec <= atSec)
      if (opened) say(fisherman, atSec, opened.outcome, 'copied')
      continue
    }
    const cover = tranche === 0 ? undefined : coverFor(fisherman, atSec)
    if (!cover) act(fisherman, atSec)
    else if (cover === 'sealed') queue.push({ ...event, atSec: atSec + openAfterSeconds + openGraceSeconds })
  }
  return { checks, answers: seals.map(({ sealedSec: _, ...answer }) => answer) }
}
