import { describe, expect, it } from 'vitest'
import type { Hex } from '../../proofs/types.ts'
import { type CaseBook, convictingTransactions, createCaseBook } from '../../src/chain/cases.ts'
import { verifierInterface } from '../../src/chain/contracts.ts'
import type { Log } from '../../src/chain/wire.ts'
import { randomOf } from '../crash/points.ts'
import { addressOf, hash, wallet } from '../helpers/fixtures.ts'
import { leastHeld } from '../helpers/heap.ts'

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

/** As the scan does it: first what convictions cost, where a node still knows. */
function take(book: CaseBook, logs: readonly Log[]): void {
  for (const tx of convictingTransactions(logs)) if (BigInt(tx) % 4n !== 0n) book.setGas(tx, BigInt(tx) + 5n)
  book.add(logs)
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
          take(book, [next])
        } else if (dice < 0.8) book.settle(BigInt(Math.floor(random() * (block + 1))))
        else {
          const to = Math.floor(random() * (block + 1))
          const isDeep = BigInt(to) < book.finalTo()
          book.rewind(BigInt(to))
          chain = chain.filter((one) => one.blockNumber <= BigInt(to))
          if (isDeep) {
            expect(book.list()).toEqual([])
            take(book, chain)
          }
        }
        if (i % 3 !== 0) continue
        const fresh = createCaseBook()
        take(fresh, chain)
        const byId = (one: typeof book) => one.list().sort((a, b) => (a.faultId < b.faultId ? -1 : 1))
        expect(byId(book), `seed ${seed}, step ${i}`).toEqual(byId(fresh))
      }
    }
  })

  it('a block that is taken back and comes otherwise, again and again, leaves nothing of itself', async () => {
    const book = createCaseBook()
    const one = log('Convicted', [hash(900), node, 18, finder, 10n, hash(5)], 7)
    const convicted = (n: number): Log => ({ ...one, tx: hash(n) })
    const again = (times: number) => {
      for (let n = 1; n <= times; n++) {
        take(book, [convicted(n)])
        if (n < times) book.rewind(6n)
      }
    }
    again(501)
    expect(book.list()).toMatchObject([{ tx: hash(501), gasUsed: 506n }])
    book.rewind(6n)
    const round = () => {
      again(3_000)
      book.rewind(6n)
    }
    expect(await leastHeld(2, round)).toBeLessThan(250_000)
    again(3_000)
    expect(book.list()).toMatchObject([{ tx: hash(3_000) }])
    expect(book.get(hash(900))).not.toHaveProperty('gasUsed')
  })

  it('a conviction says what it cost before and after it is final, and through later steps; the next transaction has its own cost or none', () => {
    const book = createCaseBook()
    const faultId = hash(900)
    const convict = (block: number) => take(book, [log('Convicted', [faultId, node, 18, finder, 10n, hash(5)], block)])
    convict(1)
    const settled = log('Settled', [faultId, finder, 1n, 1n], 2)
    take(book, [settled])
    for (const to of [0n, 1n, 2n]) {
      book.settle(to)
      expect(book.get(faultId)).toMatchObject({ state: 'settled', tx: hash(1), gasUsed: 6n })
    }
    convict(3)
    expect(book.get(faultId)).toMatchObject({ tx: hash(3), gasUsed: 8n })
    book.rewind(2n)
    expect(book.get(faultId)).toMatchObject({ tx: hash(1), gasUsed: 6n })
    convict(4)
    expect(book.get(faultId)).toMatchObject({ state: 'convicted', tx: hash(4) })
    expect(book.get(faultId)).not.toHaveProperty('gasUsed')
  })
})
