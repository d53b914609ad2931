import { beforeEach, expect, it } from 'vitest'
import type { Statement } from '../../proofs/codec.ts'
import { sampleIdOf } from '../../proofs/digest.ts'
import type { Hex } from '../../proofs/types.ts'
import type { Bench } from '../../src/pipeline/bench.ts'
import { createLedger, type Ledger } from '../../src/pipeline/ledger.ts'
import { createSealBook, type SealBook } from '../../src/pipeline/seals.ts'
import type { FeedWindow } from '../../src/receipt/feed.ts'
import { addressOf, hash, receiptOf, renditions, wallet } from '../helpers/fixtures.ts'
import { leastHeld } from '../helpers/heap.ts'

const [WINDOW_SECONDS, MEMBER] = [60, addressOf(wallet(2))]
let nowSec: number
let ledger: Ledger
let book: SealBook

beforeEach(() => {
  nowSec = 1_000_000
  ledger = createLedger({ keepWindows: 1_000 })
  const params = { draw: { windowSeconds: WINDOW_SECONDS } }
  book = createSealBook({ ledger, params, chain: { nowSec: () => nowSec } } as unknown as Bench)
})

const sealOf = (sampleId: Hex): Statement<'sealed'> => ({
  ...{ kind: 'sealed', body: { sampleId, seal: hash(1), deadline: 5n }, signer: MEMBER, extra: '0x', signature: '0x' },
})
const answerTo = (sampleId: Hex) => ({ sampleId, outcome: 0, fingerprint: hash(3) }) as Parameters<SealBook['open']>[2]
const idOf = (n: number) => sampleIdOf(hash(n), 0, 5n)

function receive(windowId: bigint, n: number): void {
  const receipt = { digest: hash(n), windowId, receipt: receiptOf(wallet(1), renditions(1)), renditions: renditions(1) }
  ledger.add({ feed: {}, signed: { window: { windowId } }, receipts: [receipt] } as unknown as FeedWindow)
}

it('forgets seals of a receipt that never came after thirty windows, and those of one that is known with it', () => {
  receive(5n, 1)
  for (const n of [1, 2, 3]) book.seal(sealOf(idOf(n)))
  book.open(idOf(2), MEMBER, answerTo(idOf(2)))
  // Its receipt comes later than its seal: it is as any other.
  receive(5n, 3)
  nowSec += 30 * WINDOW_SECONDS
  book.seal(sealOf(idOf(4)))
  expect([1, 2, 3, 4].map((n) => book.sealsOf(idOf(n)).size)).toEqual([1, 1, 1, 1])
  nowSec++
  book.seal(sealOf(idOf(4)))
  expect([1, 2, 3, 4].map((n) => book.sealsOf(idOf(n)).size)).toEqual([1, 0, 1, 1])
  expect(book.openedOf(idOf(2)).size).toBe(0)
  receive(1_006n, 9)
  expect([1, 3].map((n) => book.sealsOf(idOf(n)).size)).toEqual([0, 0])
})

it('takes no more however long others speak of feeds that are not followed here', async () => {
  const speak = (from: number, to: number) => {
    for (let n = from; n < to; n++) {
      nowSec += WINDOW_SECONDS
      book.seal(sealOf(hash(n)))
    }
  }
  speak(0, 500)
  expect((await leastHeld(3, (round) => speak(500 + 5_000 * round, 5_500 + 5_000 * round))) / 5_000).toBeLessThan(50)
})
