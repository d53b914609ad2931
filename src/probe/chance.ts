import { randomBytes } from 'node:crypto'

/** Uniform in [0, 1), from the system's random bytes: nobody outside of this process can foresee it. */
export function privateRandom(): number {
  return randomBytes(6).readUIntBE(0, 6) / 2 ** 48
}

/** As go-livepeer's gateways name a stream that nobody named (core.RandomManifestID): four bytes. */
export function streamName(): string {
  return randomBytes(4).toString('hex')
}
