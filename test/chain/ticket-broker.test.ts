import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import type { Hex } from '../../proofs/types.ts'
import { createRpc } from '../../src/chain/rpc.ts'
import { createPaymentReads } from '../../src/chain/ticket-broker.ts'
import { fundsProblem } from '../../src/livepeer/ticket.ts'
import { createLivepeerDoubles, type LivepeerDoubles, node } from './doubles.ts'
import { createWorld, signal, silent, type World } from './world.ts'

let world: World
let livepeer: LivepeerDoubles
let nowMs = 0
vi.setConfig({ testTimeout: 20_000 })
beforeAll(async () => {
  world = await createWorld({ roundSec: 60 })
  livepeer = await createLivepeerDoubles(world)
  for (let i = 1; i <= 4; i++) await livepeer.call('add', [node(i), 10n, 5n, 0n, ''])
})
afterAll(() => world?.stop())

const [payer, recipient, other] = [node(50), node(1), node(2)]
function reads(controller = livepeer.deployment.controller as Hex) {
  const rpc = createRpc({ rpcUrls: [world.anvil.rpcUrl], chainId: world.deployment.chainId }, { log: silent })
  return createPaymentReads({ controller, signal }, { rpc, clock: { monotonicMs: () => nowMs } })
}
const put = (deposit: bigint, withdrawRound: bigint, remaining: bigint, claimedInRound: bigint, claimed: bigint) =>
  livepeer.call('setSender', [payer, [deposit, withdrawRound], [remaining, claimedInRound], recipient, claimed])

describe('what the TicketBroker holds for a payer', () => {
  it('is told for each recipient, its share of the reserve being that of when the round began', async () => {
    await put(1_000n, 0n, 300n, 100n, 70n)
    const funds = await reads().funds(payer, recipient)
    expect(funds).toEqual({ depositWei: 1_000n, withdrawRound: 0n, reserveWei: 400n, claimedWei: 70n, poolSize: 4n })
    // A quarter of 400, less the 70 that it took.
    expect(fundsProblem(1_030n, funds)).toBeUndefined()
    expect(fundsProblem(1_031n, funds)).toMatch('deposit (1000) and share of the reserve (30)')
    expect((await reads().funds(payer, other)).claimedWei).toBe(0n)
    expect(fundsProblem(1n, await reads().funds(node(51), recipient))).toMatch('neither deposit nor reserve')
  })

  it('is asked for again after ten seconds, and not before', async () => {
    const payment = reads()
    await put(5n, 0n, 0n, 0n, 0n)
    await livepeer.call('setBlockNum', [21_000_000n])
    expect((await payment.funds(payer, recipient)).depositWei).toBe(5n)
    expect(await payment.l1Block()).toBe(21_000_000n)
    await put(6n, 9n, 0n, 0n, 0n)
    await livepeer.call('setBlockNum', [21_000_001n])
    nowMs += 9_999
    expect((await payment.funds(payer, recipient)).depositWei).toBe(5n)
    expect(await payment.l1Block()).toBe(21_000_000n)
    nowMs += 1
    expect(await payment.funds(payer, recipient)).toMatchObject({ depositWei: 6n, withdrawRound: 9n })
    expect(await payment.l1Block()).toBe(21_000_001n)
  })

  it('is not known where there is no Livepeer, and says which contract does not answer', async () => {
    await expect(reads(node(77)).l1Block()).rejects.toMatchObject({ code: 'chain-no-contract' })
  })
})
