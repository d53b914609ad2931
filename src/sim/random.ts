import type { Hex } from '../../proofs/types.ts'

/** Numbers that look random and are the same for one seed. */
export interface Random {
  /** Uniform in [0, 1). */
  next(): number
  /** Whole number in [0, n). */
  below(n: number): number
  /** Waiting time of something that happens `rate` times a unit; infinite where it never does. */
  wait(rate: number): number
  /** `bytes` random bytes, a multiple of 4. */
  hex(bytes: number): Hex
}

/** sfc32: passes the usual batteries, and needs 32-bit integers only, so that every machine has the same numbers. */
export function createRandom(seed: number): Random {
  let [a, b, c, counter] = [seed | 0, (seed / 2 ** 32) | 0, 0x9e3779b9 | 0, 1]
  const word = (): number => {
    const out = (a + b + counter) | 0
    counter = (counter + 1) | 0
    a = b ^ (b >>> 9)
    b = (c + (c << 3)) | 0
    c = (((c << 21) | (c >>> 11)) + out) | 0
    return out >>> 0
  }
  for (let i = 0; i < 20; i++) word()
  const next = () => ((word() >>> 5) * 2 ** 26 + (word() >>> 6)) / 2 ** 53
  return {
    next,
    below: (n) => Math.floor(next() * n),
    wait: (rate) => (rate > 0 ? -Math.log(1 - next()) / rate : Number.POSITIVE_INFINITY),
    hex: (bytes) => `0x${Array.from({ length: bytes / 4 }, () => word().toString(16).padStart(8, '0')).join('')}`,
  }
}
