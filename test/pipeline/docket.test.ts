import { describe, expect, it } from 'vitest'
import type { FaultClass, Hex } from '../../proofs/types.ts'
import type { Bench } from '../../src/pipeline/bench.ts'
import { createDocket } from '../../src/pipeline/docket.ts'
import { hash } from '../helpers/fixtures.ts'

const NODE: Hex = `0x${'11'.repeat(20)}`
const OTHER: Hex = `0x${'22'.repeat(20)}`

function setUp() {
  const dropped: string[] = []
  const warned: string[] = []
  const brought: Hex[] = []
  const time = { nowMs: 0 }
  const bench = {
    clock: { monotonicMs: () => time.nowMs },
    logger: { warn: (text: string) => void warned.push(text) },
    metrics: { dropped: (what: string) => void dropped.push(what) },
  } as unknown as Bench
  const docket = createDocket(bench)
  const about = (n: number, faultClass: FaultClass = 'O1', transcoder = NODE) => ({ faultId: hash(n), faultClass, transcoder })
  const enter = (n: number, faultClass?: FaultClass, transcoder?: Hex) => {
    const fault = about(n, faultClass, transcoder)
    return docket.enter(fault, () => void brought.push(fault.faultId))
  }
  return { docket, about, enter, dropped, warned, brought, time }
}

describe('faults of one node', () => {
  it('are brought 20 at a time, in the order that they were found in', () => {
    const { docket, about, enter, dropped, warned, brought } = setUp()
    const now = Array.from({ length: 1_000 }, (_, n) => enter(n + 1)).filter(Boolean)
    expect(now).toHaveLength(20)
    expect(dropped).toEqual(Array(980).fill('fault-held-back'))
    expect(warned).toHaveLength(1)
    // Found again it is no other fault.
    expect([enter(1), enter(21), dropped.length]).toEqual([true, false, 980])
    docket.leave(about(5))
    docket.leave(about(5))
    docket.leave(about(900))
    expect(brought).toEqual([hash(21)])
    for (let n = 1; n <= 1_000; n++) docket.leave(about(n))
    expect(brought).toEqual(Array.from({ length: 980 }, (_, n) => hash(n + 21)))
  })

  it('keep neither another node waiting nor the first of another class', () => {
    const { enter } = setUp()
    for (let n = 1; n <= 50; n++) enter(n)
    expect([enter(51, 'O2'), enter(52, 'O2'), enter(53, 'O3')]).toEqual([true, false, true])
    expect(enter(54, 'O1', OTHER)).toBe(true)
  })

  it('shield it from further ones for ten minutes only, where the chain never takes them', () => {
    const { docket, enter, brought, time } = setUp()
    for (let n = 1; n <= 45; n++) enter(n)
    time.nowMs = 599_000
    docket.onHead()
    expect(brought).toEqual([])
    time.nowMs = 600_000
    docket.onHead()
    docket.onHead()
    expect(brought).toHaveLength(20)
    time.nowMs = 1_200_000
    docket.onHead()
    expect(brought).toHaveLength(25)
  })
})
