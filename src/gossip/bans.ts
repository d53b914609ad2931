import type { Counters } from './counters.ts'
import { createBoundedMap } from './seen.ts'

/** Ten minutes: long enough that a liar gains nothing by coming back, short enough that an operator who repaired a node is let in again. */
const BAN_MS = 600_000
/** Far below the graylist threshold (-800), whatever else the peer has earned. */
const BANNED_SCORE = -1_000
const MAX_BANS = 4_096

/** Peers that broke a rule which honest software cannot break, or belong to another network. */
export interface Bans {
  ban(peerId: string, reason: 'invalid-statement' | 'violation' | 'foreign' | 'flood'): void
  isBanned(peerId: string): boolean
  /** The application's part of a gossip score. */
  scoreOf(peerId: string): number
}

export function createBans(deps: { clock: { nowMs(): number }; counters: Counters }, banMs = BAN_MS): Bans {
  const until = createBoundedMap<number>(MAX_BANS)
  const isBanned = (peerId: string) => (until.get(peerId) ?? 0) > deps.clock.nowMs()
  return {
    ban(peerId, reason) {
      deps.counters.add(`banned.${reason}`)
      until.set(peerId, deps.clock.nowMs() + banMs)
    },
    isBanned,
    scoreOf: (peerId) => (isBanned(peerId) ? BANNED_SCORE : 0),
  }
}
