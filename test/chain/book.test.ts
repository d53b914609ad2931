import { describe, expect, it } from 'vitest'
import type { Hex } from '../../proofs/types.ts'
import { createCaseBook } from '../../src/chain/cases.ts'
import { verifierInterface } from '../../src/chain/contracts.ts'
import type { Log } from '../../src/chain/wire.ts'
import { randomOf } from '../crash/points.ts'
import { addressOf, hash, wallet } from '../helpers/fixtures.ts'

const [node, finder] = [addressOf(wallet(1)), addressOf(wallet(2))]
const contract = addressOf(wallet(3))

function log(name: string, args: readonly unknown[], block: number): Log {
  const { data, topics } = verifierInterface.encodeEventLog(name, args)
  return {
    ...{ address: contract, topics: topics as Hex[], data: data as Hex, blockNumber: BigInt(block) },
    ...{ blockHash: hash(block), logIndex: 0, tx: hash(block) },
  }
}

/** A step of one of three cases, in one block. */
function stepAt(block: number, random: () => number): Log {
  const faultId = hash(900 + Math.floor(random() * 3))
  const steps: [string, unknown[]][] = [
    ['CaseOpened', [faultId, node, 18, finder, hash(5), hash(6), 25n, 100 + block, 200 + block]],
    ['CaseAnswered', [faultId, node, hash(7)]],
    ['Convicted', [faultId, node, 18, finder, 10n, hash(5)]],
    ['Settled', [faultId, finder, 1n, 1n]],
    ['CaseExpired', [faultId, finder, 25n]],
    ['Refunded', [faultId, node, 10n]],
  ]
  const [name, args] = steps[Math.floor(random() * steps.length)] as [string, unknown[]]
  return log(name, args, block)
}

describe('the book of cases', () => {
  it('says what all events that still stand say, however much of them is final and however often blocks are taken back', () => {
    for (let seed = 1; seed <= 12; seed++) {
      const random = randomOf(seed)
      const book = createCaseBook()
      let chain: Log[] = []
      let block = 0
      for (let i = 0; i < 60; i++) {
        const dice = random()
        if (dice < 0.6) {
          const next = stepAt(++block, random)
          chain.push(next)
          book.add([next])
        } else if (dice < 0.8) book.settle(BigInt(Math.floor(random() * (block + 1))))
        else {
          const to = Math.floor(random() * (block + 1))
          const isDeep = BigInt(to) < book.finalTo()
          book.rewind(BigInt(to))
          chain = chain.filter((one) => one.blockNumber <= BigInt(to))
          if (isDeep) {
            expect(book.list()).toEqual([])
            book.add(chain)
          }
        }
        if (i % 3 !== 0) continue
        const fresh = createCaseBook()
        fresh.add(chain)
        const byId = (one: typeof book) => one.list().sort((a, b) => (a.faultId < b.faultId ? -1 : 1))
        expect(byId(book), `seed ${seed}, step ${i}`).toEqual(byId(fresh))
      }
    }
  })
})
