import type { PullEntry } from './pull-frames.ts'

/** Statements that wait in all: 4 MiB at most. */
const MAX_PARKED = 1_024
/** And of one peer: one that serves junk must not take the places of the others. */
const MAX_PARKED_OF_PEER = 128
/** How long our view of the chain may be behind, or a clock ahead, before a statement is given up: ten minutes, the skew that the network must bear. */
const PARK_MS = 600_000

/**
 * Pulled statements that were refused for a reason that may pass: a member whom our view of the chain does not know yet, a time that is still to come.
 * The cursor moves on past them, so they wait here and are tried again each round.
 */
export interface Parking {
  /** False where there is no room; the statement is then given up. Parking it again does not prolong its time. */
  park(peerId: string, entry: PullEntry): boolean
  /** What this peer brought and what is not too old; stays parked until removed. */
  of(peerId: string): PullEntry[]
  remove(peerId: string, entry: PullEntry): void
}

export function createParking(clock: { nowMs(): number }, maxParked = MAX_PARKED, maxOfPeer = MAX_PARKED_OF_PEER): Parking {
  const parked = new Map<string, { peerId: string; entry: PullEntry; untilMs: number }>()
  const keyOf = (peerId: string, { seq }: PullEntry) => `${peerId}:${seq}`
  const placesOf = (peerId: string) => [...parked.values()].filter((place) => place.peerId === peerId)
  return {
    park(peerId, entry) {
      const key = keyOf(peerId, entry)
      if (parked.has(key)) return true
      if (parked.size >= maxParked || placesOf(peerId).length >= maxOfPeer) return false
      parked.set(key, { peerId, entry, untilMs: clock.nowMs() + PARK_MS })
      return true
    },
    of(peerId) {
      const nowMs = clock.nowMs()
      for (const [key, { untilMs }] of parked) if (untilMs < nowMs) parked.delete(key)
      return placesOf(peerId).map(({ entry }) => entry)
    },
    remove: (peerId, entry) => void parked.delete(keyOf(peerId, entry)),
  }
}
