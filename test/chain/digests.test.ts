import * as fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  digestOf,
  equivocationIdOf,
  evidenceHashOf,
  faultIdOf,
  frameLeaf,
  renditionLeaf,
  reuseIdOf,
  sampleIdOf,
  workCommitOf,
} from '../../proofs/digest.ts'
import { STRUCTS } from '../../proofs/structs.ts'
import type { Hex, Rendition, StructName, Structs } from '../../proofs/types.ts'
import { anyStruct, hex } from '../helpers/arbitraries.ts'
import { createWorld, type World } from './world.ts'

let world: World
beforeAll(async () => {
  world = await createWorld()
})
afterAll(() => world?.stop())

const values = <N extends StructName>(name: N, count: number): Structs[N][] => fc.sample(anyStruct(name), count)

describe('Solidity and TypeScript agree on', () => {
  it.each(Object.keys(STRUCTS) as StructName[])('the digest of %s', async (name) => {
    for (const value of values(name, 25))
      expect(await world.view('anchor', `digest${name}`, [value])).toBe(digestOf(world.domain, name, value))
  })

  it('leaves and ids', async () => {
    for (const value of values('FrameFp', 10)) expect(await world.view('anchor', 'leafFrameFp', [value])).toBe(frameLeaf(value))
    for (const value of values('Rendition', 10) as Rendition[])
      expect(await world.view('anchor', 'leafRendition', [value])).toBe(renditionLeaf(value))
    for (const [a, b, c, d] of fc.sample(fc.tuple(hex(32), hex(32), hex(32), hex(20)), 10) as [Hex, Hex, Hex, Hex][]) {
      expect(await world.view('anchor', 'faultId', [18, d, a])).toBe(faultIdOf('D2', d, a))
      expect(await world.view('anchor', 'faultId', [1, d, a])).toBe(equivocationIdOf(d, a))
      expect(await world.view('anchor', 'reuseId', [d, a, b])).toBe(reuseIdOf(d, a, b))
      expect(await world.view('anchor', 'sampleId', [a, 3, 99n])).toBe(sampleIdOf(a, 3, 99n))
      expect(await world.view('anchor', 'workCommit', [d, b])).toBe(workCommitOf(d, b))
      const input = { receiptDigest: a, rendition: 2, sourceHash: b, contentHash: c, profileHash: a, verdictVersion: 1 }
      expect(await world.view('anchor', 'evidenceHash', Object.values(input))).toBe(evidenceHashOf(input))
    }
  })
})
