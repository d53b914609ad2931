import { beforeEach, describe, expect, it } from 'vitest'
import type { Hex } from '../../proofs/types.ts'
import { type AlarmBook, createAlarms } from '../../src/chain/alarms.ts'
import { delegationInterface } from '../../src/chain/contracts.ts'
import type { Alarm } from '../../src/chain/types.ts'
import type { Log } from '../../src/chain/wire.ts'
import { addressOf, hash, wallet } from '../helpers/fixtures.ts'
import { leastHeld } from '../helpers/heap.ts'

const [node, other, contract] = [1, 2, 3].map((n) => addressOf(wallet(n))) as [Hex, Hex, Hex]
let told: string[]
let alarms: AlarmBook

beforeEach(() => {
  told = []
  alarms = createAlarms({ contractOf: () => 'delegation', cases: () => [], raise: ({ tx }: Alarm) => void told.push(tx) })
})

const ofNode = new Map(
  [node, other].map((who) => [who, delegationInterface.encodeEventLog('SignerRevoked', [who, addressOf(wallet(4)), 9n])]),
)
/** A key revoked, in a block of its own. */
function revoked(block: number, who = node): Log {
  const { data, topics } = ofNode.get(who) as { data: string; topics: string[] }
  return {
    ...{ address: contract, topics: topics as Hex[], data: data as Hex, blockNumber: BigInt(block) },
    ...{ blockHash: hash(block), logIndex: 0, tx: hash(block) },
  }
}
const read = (from: number, to: number) => {
  for (let block = from; block < to; block += 100)
    alarms.add(Array.from({ length: Math.min(100, to - block) }, (_, i) => revoked(block + i)))
}

describe('a suspect that moves its keys in a loop', () => {
  it('is told of each time, and never twice, however far the chain goes back', () => {
    alarms.suspect(node, 'a fault')
    alarms.suspect(other, 'another fault')
    alarms.add([revoked(0, other)])
    read(1, 9_001)
    // That another one moves is not forgotten over it.
    expect(alarms.list()[0]).toMatchObject({ transcoder: other, tx: hash(0) })
    expect(told.shift()).toBe(hash(0))
    expect(told).toHaveLength(9_000)
    expect(new Set(told).size).toBe(9_000)
    alarms.rewind({ own: 8_500n, bonding: 8_500n })
    read(8_501, 9_001)
    alarms.rewind({ own: 0n, bonding: 0n })
    read(1, 9_001)
    expect(told).toHaveLength(9_000)
    read(9_001, 9_002)
    expect(told.at(-1)).toBe(hash(9_001))
    expect(alarms.list()).toHaveLength(4_000)
    expect(alarms.list().at(-1)).toMatchObject({ tx: hash(9_001), because: 'a fault' })
  })

  it('hides nobody: what another did among it is raised once that one is suspected too', () => {
    alarms.suspect(node, 'a fault')
    read(1, 7_001)
    alarms.add([revoked(7_001, other)])
    read(7_002, 8_001)
    told = []
    alarms.suspect(other, 'another fault')
    expect(told).toEqual([hash(7_001)])
    alarms.look()
    expect(told).toHaveLength(1)
  })

  it('takes no more of us than some thousand moves do', async () => {
    alarms = createAlarms({ contractOf: () => 'delegation', cases: () => [] })
    alarms.suspect(node, 'a fault')
    read(1, 6_001)
    expect((await leastHeld(2, (round) => read(6_001 + 10_000 * round, 16_001 + 10_000 * round))) / 10_000).toBeLessThan(60)
  })
})
