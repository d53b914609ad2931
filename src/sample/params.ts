import type { DrawParams } from './draw.ts'

/**
 * Draws of each preset. Public: 60 s windows and tranches of 0, 10 and 20 s (approval checking's shape); 100 samples a node and day find
 * a node that cheats in 1 % of its work within days and cost the network 3 GPU hours. One checker expected at once, two by the second
 * tranche, everyone by the third: a sample stays unlooked-at only when all are silent.
 */
export const PUBLIC_DRAW: DrawParams = {
  windowSeconds: 60,
  beaconDelaySeconds: 30,
  samplesPerDay: 100,
  tranches: [
    { afterSeconds: 0, expectedCheckers: 1 },
    { afterSeconds: 10, expectedCheckers: 2 },
    { afterSeconds: 20, expectedCheckers: Number.POSITIVE_INFINITY },
  ],
}

/**
 * The local network looks at everything, in minutes instead of days. Its tranches wait a few seconds, since a whole network on two cores
 * takes that long for a check: woken sooner, later tranches would do the same work twice.
 */
export const LOCAL_DRAW: DrawParams = {
  windowSeconds: 4,
  beaconDelaySeconds: 2,
  samplesPerDay: Number.POSITIVE_INFINITY,
  tranches: [
    { afterSeconds: 0, expectedCheckers: 1 },
    { afterSeconds: 3, expectedCheckers: 2 },
    { afterSeconds: 6, expectedCheckers: Number.POSITIVE_INFINITY },
  ],
}
