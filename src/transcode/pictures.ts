import { closeSync, openSync, readSync, statSync } from 'node:fs'
import { FishermanError } from '../base/errors.ts'

/** Luma pictures of one size, by frame number. */
export interface Pictures {
  keys(): Iterable<number>
  has(frame: number): boolean
  /** Good until the next picture is asked for: the same memory is used again. */
  get(frame: number): Uint8Array | undefined
}

/**
 * Pictures in a raw file of the scratch folder, read one at a time: full pictures of a large rendition would not all fit into
 * memory. Reads wait, which they may: the file was written a moment ago and lies in the cache of the system.
 */
export class PictureFile implements Pictures {
  readonly #path: string
  readonly #places: ReadonlyMap<number, number>
  readonly #pixels: number
  #buffer: Uint8Array | undefined

  /** The decoder wrote each of these frames once, in rising order; `numbers` may repeat. */
  constructor(path: string, numbers: readonly number[], pixels: number) {
    this.#path = path
    this.#pixels = pixels
    this.#places = new Map([...new Set(numbers)].sort((a, b) => a - b).map((frame, place) => [frame, place]))
  }

  /** Whether the file holds every picture, and nothing else. */
  get isWhole(): boolean {
    return statSync(this.#path).size === this.#places.size * this.#pixels
  }

  keys(): Iterable<number> {
    return this.#places.keys()
  }

  has(frame: number): boolean {
    return this.#places.has(frame)
  }

  get(frame: number): Uint8Array | undefined {
    const place = this.#places.get(frame)
    if (place === undefined) return undefined
    this.#buffer ??= new Uint8Array(this.#pixels)
    const file = openSync(this.#path, 'r')
    try {
      if (readSync(file, this.#buffer, 0, this.#pixels, place * this.#pixels) === this.#pixels) return this.#buffer
    } finally {
      closeSync(file)
    }
    throw new FishermanError({ code: 'scratch-short', message: `${this.#path}: is shorter than it was`, blame: 'ours' })
  }
}
