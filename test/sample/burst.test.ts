import { expect, it } from 'vitest'
import { isBurst } from '../../src/sample/burst.ts'
import { addressOf, hash, wallet } from '../helpers/fixtures.ts'

it('names a node two and a half times a day, whatever lies between two beacons, and each by itself', () => {
  const [one, two] = [addressOf(wallet(1)), addressOf(wallet(2))]
  for (const windowSeconds of [60, 600]) {
    // As many beacons as name a node 35 times.
    const count = 1_200_000 / windowSeconds
    const beacons = Array.from({ length: count }, (_, i) => hash(i))
    const of = (node: typeof one, among = beacons) => among.filter((beacon) => isBurst(beacon, node, windowSeconds))
    const found = [one, two].map((node) => of(node)) as [typeof beacons, typeof beacons]
    // Within four standard deviations of a Poisson count.
    const wanted = (2.5 * count * windowSeconds) / 86_400
    for (const { length } of found) expect(Math.abs(length - wanted)).toBeLessThan(4 * Math.sqrt(wanted))
    expect(found[0]).not.toEqual(found[1])
    // The same for whoever asks, also alone.
    expect(of(one, found[0])).toEqual(found[0])
  }
})
