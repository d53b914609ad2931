import type { Grid } from './grids.ts'
import { motionOf, type SourceTrack, sourceGrid, type Track } from './track.ts'

const CHANNELS = ['y', 'u', 'v'] as const
export type Channel = (typeof CHANNELS)[number]

/**
 * A rendition beside its source: the sums that measures are made of, in levels. `i` numbers frames of the source, `j` those of the
 * rendition; `best` holds the source frame of each rendition frame. Good until another rendition is put beside the same source.
 */
export class Pair {
  readonly source: SourceTrack
  readonly own: Track

  constructor(source: SourceTrack, own: Track) {
    this.source = source
    this.own = own
    source.store.reserve(this.#grid(own.frames, 'y'))
    for (let j = 0; j < own.frames; j++) source.store.load(own.planes, j, this.#grid(j, 'y'))
  }

  #grid(j: number, channel: Channel): Grid {
    return sourceGrid(this.source.frames, 'y') + j * CHANNELS.length + CHANNELS.indexOf(channel)
  }

  /** RMSE of luma. */
  error(i: number, j: number): number {
    return this.source.store.rmse(sourceGrid(i, 'y'), this.#grid(j, 'y'))
  }

  /** RMSE of luma between two frames of the source. */
  sourceMotion(i: number, k: number): number {
    return motionOf(this.source, i, k)
  }

  /** RMSE of luma between two frames of the rendition. */
  ownMotion(j: number, k: number): number {
    return this.source.store.rmse(this.#grid(j, 'y'), this.#grid(k, 'y'))
  }

  ssim(i: number, j: number): number {
    return this.source.store.ssim(sourceGrid(i, 'y'), this.#grid(j, 'y'))
  }

  /** Difference of one cell, rendition less source. */
  cellError(i: number, j: number, channel: Channel, at: number): number {
    return this.source.store.cell(this.#grid(j, channel), at) - this.source.store.cell(sourceGrid(i, channel), at)
  }

  /** Difference of each cell, rendition less source, averaged over all frames. */
  meanError(channel: Channel, best: readonly number[]): Float64Array {
    return this.source.store.meanOf(
      best.length,
      (j) => this.#grid(j, channel),
      (j) => sourceGrid(best[j] ?? 0, channel),
    )
  }

  /** Gradient of the source in each cell, averaged over the matched frames. */
  meanSlope(of: 'slope' | 'chromaSlope', best: readonly number[]): Float64Array {
    return this.source.store.meanOf(best.length, (j) => sourceGrid(best[j] ?? 0, of))
  }

  /** RMSE of a channel of each frame, each cell's difference times its weight. */
  weightedErrors(channel: Channel, best: readonly number[], weights: ArrayLike<number>): Float64Array {
    const { store } = this.source
    store.setWeights(weights)
    return Float64Array.from(best, (i, j) => store.weightedRmse(this.#grid(j, channel), sourceGrid(i, channel)))
  }

  /** Sums over U and V about grey: the source's squared, and the source's times the rendition's. */
  colour(i: number, j: number): { energy: number; product: number } {
    const { store } = this.source
    const sum = (of: (channel: Channel) => Grid): number =>
      store.aboutGrey(sourceGrid(i, 'u'), of('u')) + store.aboutGrey(sourceGrid(i, 'v'), of('v'))
    return { energy: sum((channel) => sourceGrid(i, channel)), product: sum((channel) => this.#grid(j, channel)) }
  }
}
