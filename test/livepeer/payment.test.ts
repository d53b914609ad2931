import { appendFile, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Clock } from '../../src/base/clock.ts'
import { createPayerFactory, estimateWei } from '../../src/livepeer/payment.ts'
import { readPayment } from '../../src/livepeer/read.ts'
import { openSpending } from '../../src/livepeer/spending.ts'
import {
  expectedValueWei,
  fundsProblem,
  isExpired,
  signTicket,
  type Ticket,
  ticketHash,
  ticketSender,
  ticketsFor,
  winsTicket,
} from '../../src/livepeer/ticket.ts'
import type { OrchestratorInfo, TicketParams } from '../../src/livepeer/types.ts'
import { GATEWAY, INFO, personalSigner } from './fixtures.ts'

const signer = personalSigner(GATEWAY)
const signal = new AbortController().signal
const zero = (bytes: number) => `0x${'00'.repeat(bytes)}` as const
const params = INFO.ticketParams as TicketParams
const NOTHING: Ticket = {
  ...{ sender: zero(20), senderNonce: 2 ** 32 - 1, expirationParams: { creationRound: 0n, creationRoundBlockHash: zero(32) } },
  params: {
    ...{ recipient: zero(20), faceValueWei: 0n, winProb: 0n, recipientRandHash: zero(32), seed: 0n, expirationBlock: 0n },
    expirationParams: undefined,
  },
}

describe('tickets', () => {
  it('have the hash that go-livepeer computes', () => {
    expect(ticketHash(NOTHING)).toBe('0xe1393fc7f6de093780674022f96cb8e3872235167d037c04d554e58c0e63d280')
    expect(ticketHash({ ...NOTHING, expirationParams: undefined })).toBe(ticketHash(NOTHING))
  })

  it('hash every field, and the round and block hash that they were made in', () => {
    const ticket: Ticket = { params, sender: signer.address, senderNonce: 1, expirationParams: params.expirationParams }
    const made = params.expirationParams as NonNullable<typeof params.expirationParams>
    const others: Ticket[] = [
      { ...ticket, senderNonce: 2 },
      { ...ticket, sender: zero(20) },
      { ...ticket, expirationParams: undefined },
      { ...ticket, expirationParams: { ...made, creationRound: 1n } },
      { ...ticket, expirationParams: { ...made, creationRoundBlockHash: zero(32) } },
      { ...ticket, params: { ...params, faceValueWei: 1n } },
      { ...ticket, params: { ...params, winProb: 1n } },
      { ...ticket, params: { ...params, recipient: zero(20) } },
      { ...ticket, params: { ...params, recipientRandHash: zero(32) } },
    ]
    expect(new Set([ticket, ...others].map(ticketHash)).size).toBe(others.length + 1)
  })

  it('are signed by the sender, and the signature decides the draw', async () => {
    const ticket: Ticket = { params, sender: signer.address, senderNonce: 1, expirationParams: params.expirationParams }
    const signature = await signTicket(signer, ticket)
    expect(ticketSender(ticket, signature)).toBe(signer.address)
    expect(ticketSender({ ...ticket, senderNonce: 2 }, signature)).not.toBe(signer.address)
    const rand = Buffer.alloc(32, 7)
    expect(winsTicket(signature, rand, (1n << 256n) - 1n)).toBe(true)
    expect(winsTicket(signature, rand, 0n)).toBe(false)
    expect(winsTicket(signature, Buffer.from([7]), 1n << 255n)).toBe(
      winsTicket(signature, Buffer.concat([Buffer.alloc(31), Buffer.from([7])]), 1n << 255n),
    )
    let wins = 0
    for (let i = 0; i < 400; i++) if (winsTicket(signature, Buffer.from([i >> 8, i & 255]), 1n << 254n)) wins++
    expect(wins).toBeGreaterThan(60)
    expect(wins).toBeLessThan(140)
  })

  it('are worth face value times probability, and expire with their block', () => {
    expect(expectedValueWei({ faceValueWei: 1_000n, winProb: 1n << 254n })).toBe(250n)
    expect([isExpired({ expirationBlock: 40n }, 39n), isExpired({ expirationBlock: 40n }, 40n)]).toEqual([false, true])
  })

  it('cover any fee, with less than one ticket too much', () => {
    fc.assert(
      fc.property(fc.bigInt(0n, 10n ** 18n), fc.bigInt(0n, 10n ** 18n), fc.bigInt(1n, 10n ** 15n), (fee, credit, ev) => {
        const count = ticketsFor(fee, credit, ev)
        expect(credit + count * ev >= fee && credit + count * ev >= ev).toBe(true)
        const oneLess = credit + (count - 1n) * ev
        expect(count === 0n || oneLess < fee || oneLess < ev).toBe(true)
      }),
    )
  })

  it.each([
    ['nothing at all', { depositWei: 0n, reserveWei: 0n }, /neither deposit nor reserve/],
    ['too small a deposit', { depositWei: 99n, reserveWei: 0n }, /cannot pay it/],
    ['a share of the reserve that fills it up', { depositWei: 90n, reserveWei: 1_000n }, undefined],
    ['a share that is taken already', { depositWei: 90n, reserveWei: 1_000n, claimedWei: 5n }, /share of the reserve \(5\)/],
    ['an announced withdrawal', { depositWei: 900n, reserveWei: 0n, withdrawRound: 7n }, /withdraw in round 7/],
  ])('of a payer with %s', (_, changes, reason) => {
    const funds = { claimedWei: 0n, poolSize: 100n, withdrawRound: 0n, ...changes }
    const problem = fundsProblem(100n, funds)
    if (reason) expect(problem).toMatch(reason)
    else expect(problem).toBeUndefined()
  })
})

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fisherman-test-spending-'))
})
afterEach(async () => await rm(folder, { recursive: true, force: true }))

describe('the ledger of what is spent', () => {
  let nowMs = Date.UTC(2026, 0, 1, 23, 59, 59)
  const clock: Clock = { nowMs: () => nowMs, monotonicMs: () => 0 }
  const openIt = (capPerDayWei = 100n) => openSpending({ file: join(folder, 'spent'), capPerDayWei }, { clock })

  it('refuses what goes beyond the cap of a UTC day, also after a restart, and begins anew at midnight', async () => {
    nowMs = Date.UTC(2026, 0, 1, 23, 59, 59)
    let ledger = await openIt()
    await Promise.all([
      ledger.spend(60n),
      expect(ledger.spend(41n)).rejects.toMatchObject({ code: 'spending-cap', blame: 'ours' }),
    ])
    await ledger.close()
    ledger = await openIt()
    expect(ledger.todayWei()).toBe(60n)
    await expect(ledger.spend(41n)).rejects.toThrow(/60 wei are spent today/)
    await ledger.spend(40n)
    nowMs += 1_000
    await ledger.spend(100n)
    await ledger.close()
    expect(await readFile(join(folder, 'spent'), 'utf8')).toBe('2026-01-01 60\n2026-01-01 40\n2026-01-02 100\n')
  })

  it('forgets a line that a crash cut off, and takes nothing else that it cannot read', async () => {
    nowMs = Date.UTC(2026, 0, 1)
    const file = join(folder, 'spent')
    await appendFile(file, '2026-01-01 60\n2026-01-0')
    const ledger = await openIt()
    expect(ledger.todayWei()).toBe(60n)
    await ledger.spend(1n)
    await ledger.close()
    expect(await readFile(file, 'utf8')).toBe('2026-01-01 60\n2026-01-01 1\n')
    await appendFile(file, 'what\n2026-01-01 1\n')
    await expect(openIt()).rejects.toMatchObject({ code: 'spending-ledger' })
  })

  it('stops where another program writes the same file', async () => {
    const [one, two] = [await openIt(), await openIt()]
    await one.spend(1n)
    await expect(two.spend(1n)).rejects.toThrow(/another program/)
    await one.close()
    await two.close()
  })
})

describe('payments', () => {
  const ticketParams: TicketParams = { ...params, faceValueWei: 1_000_000n, winProb: 1n << 250n }
  const info: OrchestratorInfo = {
    ...INFO,
    ticketParams,
    price: { pricePerUnit: 1n, pixelsPerUnit: 1n, capability: 0, constraint: '' },
  }
  const EV = expectedValueWei(ticketParams)
  const LIMITS = { maxPrice: { wei: 10n, pixels: 1n }, maxTicketEvWei: 10n ** 9n, maxFaceValueWei: 10n ** 9n }
  const ledgerOf = (spent: bigint[]) => ({ spend: async (wei: bigint) => void spent.push(wei) })

  it('are written down before a ticket is signed, and not signed where that fails', async () => {
    const order: string[] = []
    const ledger = { spend: async (wei: bigint) => void order.push(`spend ${wei}`) }
    const watching = {
      ...signer,
      signMessage(m: Uint8Array) {
        order.push('sign')
        return signer.signMessage(m)
      },
    }
    await createPayerFactory(LIMITS, { signer: watching, ledger })().pay(info, 2n * EV, { signal })
    expect(order).toEqual([`spend ${3n * EV}`, 'sign', 'sign', 'sign'])
    order.length = 0
    const full = { spend: () => Promise.reject(new Error('full')) }
    await expect(createPayerFactory(LIMITS, { signer: watching, ledger: full })().pay(info, EV, { signal })).rejects.toThrow(
      'full',
    )
    expect(order).toEqual([])
  })

  it('hold tickets that the node can check, each with its own number, also across sessions', async () => {
    const create = createPayerFactory(LIMITS, { signer, ledger: ledgerOf([]) })
    const payments = [await create().pay(info, EV, { signal }), await create().pay(info, EV, { signal })].map(readPayment)
    const seen = new Set<number>()
    for (const payment of payments) {
      expect([payment.sender, payment.ticketParams, payment.expectedPrice]).toEqual([signer.address, ticketParams, info.price])
      for (const { senderNonce, sig } of payment.tickets) {
        const ticket = { params: ticketParams, sender: signer.address, senderNonce, expirationParams: payment.expirationParams }
        expect(ticketSender(ticket, sig)).toBe(signer.address)
        expect(seen.has(senderNonce)).toBe(false)
        seen.add(senderNonce)
      }
    }
    expect(seen.size).toBe(4)
  })

  it('use what was paid too much for the next segment, and give a node no more for pixels that it invents', async () => {
    const spent: bigint[] = []
    const payer = createPayerFactory(LIMITS, { signer, ledger: ledgerOf(spent) })()
    const pixels = 10n * EV + 1n
    await payer.pay(info, pixels, { signal })
    payer.settle(0n)
    expect(readPayment(await payer.pay(info, pixels, { signal })).tickets).toEqual([])
    payer.settle(10n ** 15n)
    await payer.pay(info, pixels, { signal })
    const fee = estimateWei(pixels, info.price as NonNullable<typeof info.price>)
    expect(spent.reduce((a, b) => a + b)).toBeLessThan(2n * fee + 2n * EV)
  })

  it('count a refused payment as lost, so that the next try has tickets again', async () => {
    const payer = createPayerFactory(LIMITS, { signer, ledger: ledgerOf([]) })()
    for (let i = 0; i < 3; i++) expect(readPayment(await payer.pay(info, EV, { signal })).tickets).toHaveLength(2)
  })

  it('to a node that wants nothing name the sender and hold no ticket', async () => {
    const spent: bigint[] = []
    const payer = createPayerFactory(LIMITS, { signer, ledger: ledgerOf(spent) })()
    const payment = readPayment(
      await payer.pay({ ...info, price: { ...(info.price as object), pricePerUnit: 0n } as never }, 1n, { signal }),
    )
    expect([payment.sender, payment.tickets, payment.ticketParams, spent]).toEqual([signer.address, [], undefined, []])
  })

  it.each([
    ['without parameters', { ticketParams: undefined }, 'livepeer-answer'],
    ['with worthless tickets', { ticketParams: { ...ticketParams, winProb: 1n } }, 'livepeer-answer'],
    ['with tickets of too much value', { ticketParams: { ...ticketParams, faceValueWei: 10n ** 13n } }, 'livepeer-ticket-value'],
    [
      'with a face value beyond what we risk',
      { ticketParams: { ...ticketParams, faceValueWei: 10n ** 10n } },
      'livepeer-ticket-value',
    ],
    ['for thousands of tickets', { ticketParams: { ...ticketParams, faceValueWei: 100n } }, 'livepeer-ticket-value'],
    ['at too high a price', { price: { pricePerUnit: 11n, pixelsPerUnit: 1n, capability: 0, constraint: '' } }, 'livepeer-price'],
    ['for no pixels', { price: { pricePerUnit: 1n, pixelsPerUnit: 0n, capability: 0, constraint: '' } }, 'livepeer-answer'],
    ['after they expired', { ticketParams: { ...ticketParams, expirationBlock: 5n } }, 'livepeer-ticket-params'],
  ])('%s are refused and nothing is spent', async (_, changes, code) => {
    const spent: bigint[] = []
    const payer = createPayerFactory(LIMITS, { signer, ledger: ledgerOf(spent), l1Block: async () => 6n })()
    await expect(payer.pay({ ...info, ...changes } as OrchestratorInfo, 10n ** 6n, { signal })).rejects.toMatchObject({ code })
    expect(spent).toEqual([])
  })

  it('without funds to pay a win are refused', async () => {
    const funds = async () => ({ depositWei: 1n, reserveWei: 0n, claimedWei: 0n, poolSize: 100n, withdrawRound: 0n })
    const payer = createPayerFactory(LIMITS, { signer, ledger: ledgerOf([]), funds })()
    await expect(payer.pay(info, 1n, { signal })).rejects.toMatchObject({ code: 'livepeer-no-funds', blame: 'ours' })
  })
})
