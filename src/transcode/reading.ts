/**
 * Samples, fragments' runs and NAL units of one file that are read at most, all tracks together: a few bytes of tables can promise millions.
 * The most that work has: 300 s of 60 pictures with eight slices, and as much sound.
 */
export const MAX_PARTS = 400_000

/** What may still be read of one file. What lies behind the end of it is not there; of a source it says that it ended (`too-many-parts`). */
export class Reading {
  #left: number

  constructor(most = MAX_PARTS) {
    this.#left = most
  }

  /** Takes up to `wanted` parts and says how many it may be. */
  take(wanted: number): number {
    const taken = Math.max(0, Math.min(wanted, this.#left))
    this.#left -= taken
    return taken
  }

  /** Something may be missing. */
  get isOver(): boolean {
    return this.#left === 0
  }
}
