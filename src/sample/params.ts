import type { DrawParams } from './draw.ts'

/** Slots before the long tail: 2 / 36 = 0.06 checks a sample more than one. */
const SLOTS = 36

/**
 * Checkers expected of each tranche and all before it. Two who wake in one tranche do the same work twice, and each tranche is only
 * reached when all before it were silent: so the first are small and they grow. With steps that grow as the square root of that chance
 * shrinks, N tranches cost 1 + 2/N checks a sample, which is the least. Three tranches of 1, 2 and all cost 5 with 30 members.
 */
const GROWING = Array.from({ length: SLOTS - 1 }, (_, i) => -2 * Math.log(1 - (i + 1) / SLOTS))
/** After these a sample is unlooked-at once in a thousand times, and then once in 16,000: everyone wakes only when all are silent. */
const TAIL = [2 * Math.log(SLOTS) + 2.5, Number.POSITIVE_INFINITY]

/**
 * Draws of each preset. Public: 60 s windows; 100 samples a node and day find a node that cheats in 1 % of its work within days and cost
 * the network 3 GPU hours. 10 s between tranches is a check and its seal on a slow machine; half of all samples are sealed within 90 s, the
 * last tranche wakes after six minutes.
 */
export const PUBLIC_DRAW: DrawParams = {
  windowSeconds: 60,
  beaconDelaySeconds: 30,
  samplesPerDay: 100,
  mostTimes: 10,
  // Three decimals, so that every machine has the same numbers.
  tranches: [...GROWING, ...TAIL].map((checkers, i) => ({
    afterSeconds: 10 * i,
    expectedCheckers: Math.round(1000 * checkers) / 1000,
  })),
}

/**
 * The local network looks at everything, in minutes instead of days. Its tranches wait a few seconds, since a whole network on two cores
 * takes that long for a check: woken sooner, later tranches would do the same work twice.
 */
export const LOCAL_DRAW: DrawParams = {
  windowSeconds: 4,
  beaconDelaySeconds: 2,
  samplesPerDay: Number.POSITIVE_INFINITY,
  mostTimes: 1,
  tranches: [
    { afterSeconds: 0, expectedCheckers: 1 },
    { afterSeconds: 3, expectedCheckers: 2 },
    { afterSeconds: 6, expectedCheckers: Number.POSITIVE_INFINITY },
  ],
}
