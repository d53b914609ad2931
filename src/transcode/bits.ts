/** Reads bits of a raw byte sequence payload, skipping emulation prevention bytes (00 00 03). Reading past the end gives zeros. */
export class BitReader {
  readonly #bytes: Uint8Array
  #bit = 0

  constructor(nal: Uint8Array) {
    const out = new Uint8Array(nal.length)
    let length = 0
    let zeros = 0
    for (const byte of nal) {
      if (zeros >= 2 && byte === 3) {
        zeros = 0
        continue
      }
      zeros = byte === 0 ? zeros + 1 : 0
      out[length++] = byte
    }
    this.#bytes = out.subarray(0, length)
  }

  bits(count: number): number {
    let value = 0
    for (let i = 0; i < count; i++) {
      const byte = this.#bytes[this.#bit >> 3] ?? 0
      value = value * 2 + ((byte >> (7 - (this.#bit & 7))) & 1)
      this.#bit++
    }
    return value
  }

  skip(count: number): void {
    this.#bit += count
  }

  /** Exp-Golomb, unsigned; at most 32 leading zeros, so hostile input ends. */
  ue(): number {
    let zeros = 0
    while (zeros < 32 && this.bits(1) === 0) zeros++
    return 2 ** zeros - 1 + this.bits(zeros)
  }

  se(): number {
    const k = this.ue()
    return k % 2 === 0 ? -k / 2 : (k + 1) / 2
  }
}
