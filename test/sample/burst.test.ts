import { expect, it } from 'vitest'
import { isBurst } from '../../src/sample/burst.ts'
import { addressOf, hash, wallet } from '../helpers/fixtures.ts'

it('names a node two and a half times a day, whatever lies between two beacons, and each by itself', () => {
  const [one, two] = [addressOf(wallet(1)), addressOf(wallet(2))]
  for (const windowSeconds of [60, 600]) {
    const days = 2_000_000 / (86_400 / windowSeconds) / 100
    const beacons = Array.from({ length: 20_000 }, (_, i) => hash(i))
    const of = (node: typeof one) => beacons.filter((beacon) => isBurst(beacon, node, windowSeconds))
    // Within four standard deviations of a Poisson count.
    const wanted = 2.5 * days
    for (const node of [one, two]) expect(Math.abs(of(node).length - wanted)).toBeLessThan(4 * Math.sqrt(wanted))
    expect(of(one)).not.toEqual(of(two))
    expect(of(one)).toEqual(of(one))
  }
})
