import { maxOf, minOf } from '../base/bigints.ts'
import { FishermanError } from '../base/errors.ts'
import type { SessionPayer } from './client.ts'
import { brokenAnswer, notSent, type Retry } from './errors.ts'
import type { PersonalSigner } from './signing.ts'
import type { SpendingLedger } from './spending.ts'
import { expectedValueWei, fundsProblem, isExpired, type SenderFunds, signTicket, ticketsFor } from './ticket.ts'
import type { OrchestratorInfo, PriceInfo, TicketParams, TicketSenderParams } from './types.ts'
import { writePayment } from './write.ts'

export interface PayerInit {
  /** Wei for a pixel at most, as a fraction; a node that wants more is not paid. */
  readonly maxPrice: { readonly wei: bigint; readonly pixels: bigint }
  /** Wei of a single ticket, on average and if it wins: what one draw may cost. */
  readonly maxTicketEvWei: bigint
  readonly maxFaceValueWei: bigint
}

export interface PayerDeps {
  signer: PersonalSigner
  ledger: Pick<SpendingLedger, 'spend'>
  /** Newest block of L1; without it, expiry is found out from the node's refusal. */
  l1Block?: () => Promise<bigint>
  /** What the TicketBroker holds for our key and this recipient. */
  funds?: (sender: PersonalSigner['address'], recipient: TicketParams['recipient']) => Promise<SenderFunds>
}

/** Tickets of one payment; go-livepeer's own gateways send a handful. */
const MAX_TICKETS = 100n
/** Parameters whose nonces are remembered; each answer of a node brings new ones. */
const MAX_PARAMS = 1_000
/** Payments of a session that wait for the node's count. */
const MAX_STAGED = 16

interface Staged {
  readonly feeWei: bigint
  readonly creditWei: bigint
  readonly price: PriceInfo
}

/** Pays sessions with tickets of one key. The order is fixed: check, write down what it will cost, sign. */
export function createPayerFactory(init: PayerInit, deps: PayerDeps): () => SessionPayer {
  const { signer, ledger } = deps
  const nonces = new Map<string, number>()

  /** A nonce is used once with the same parameters, or the second ticket is void. */
  function takeNonces(params: TicketParams, count: number): number {
    const key = params.recipientRandHash
    const first = nonces.get(key) ?? 1
    nonces.delete(key)
    nonces.set(key, first + count)
    for (const old of nonces.keys()) {
      if (nonces.size <= MAX_PARAMS) break
      nonces.delete(old)
    }
    return first
  }

  async function checked(params: TicketParams | undefined, where: string): Promise<{ params: TicketParams; evWei: bigint }> {
    if (!params) throw brokenAnswer(where, 'wants money and says not how')
    const { faceValueWei } = params
    if (params.winProb >= 1n << 256n) throw brokenAnswer(where, 'has tickets that win with more than certainty')
    const evWei = expectedValueWei(params)
    if (evWei === 0n) throw brokenAnswer(where, 'has tickets that are worth nothing')
    if (evWei > init.maxTicketEvWei)
      throw notSent(
        'livepeer-ticket-value',
        `${where} has tickets worth ${evWei} wei each; we pay ${init.maxTicketEvWei} at most`,
      )
    if (faceValueWei > init.maxFaceValueWei)
      throw notSent(
        'livepeer-ticket-value',
        `${where} has tickets of ${faceValueWei} wei; we risk ${init.maxFaceValueWei} at most`,
      )
    if (deps.l1Block && isExpired(params, await deps.l1Block()))
      throw new FishermanError({
        ...{ code: 'livepeer-ticket-params', blame: 'unknown', details: { retry: 'fresh-info' satisfies Retry } },
        message: `${where} gave ticket parameters that expired in block ${params.expirationBlock}`,
      })
    const problem = deps.funds && fundsProblem(faceValueWei, await deps.funds(signer.address, params.recipient))
    if (problem !== undefined) throw notSent('livepeer-no-funds', problem)
    return { params, evWei }
  }

  function checkPrice({ pricePerUnit, pixelsPerUnit }: PriceInfo, where: string): void {
    if (pricePerUnit < 0n || pixelsPerUnit <= 0n)
      throw brokenAnswer(where, `asks for ${pricePerUnit} wei for ${pixelsPerUnit} pixels`)
    if (pricePerUnit * init.maxPrice.pixels > init.maxPrice.wei * pixelsPerUnit)
      throw notSent('livepeer-price', `${where} wants ${pricePerUnit} wei for ${pixelsPerUnit} pixels, more than we pay`)
  }

  return () => {
    let creditWei = 0n
    const staged: Staged[] = []
    return {
      async pay(info, pixels, { signal }) {
        const where = info.transcoder
        const price: PriceInfo = info.price ?? { pricePerUnit: 0n, pixelsPerUnit: 1n, capability: 0, constraint: '' }
        checkPrice(price, where)
        if (price.pricePerUnit === 0n) return free(info, price)
        const { params, evWei } = await checked(info.ticketParams, where)
        const feeWei = estimateWei(pixels, price)
        const count = ticketsFor(feeWei, creditWei, evWei)
        if (count > MAX_TICKETS)
          throw notSent(
            'livepeer-ticket-value',
            `${where} would need ${count} tickets for one segment; we sign ${MAX_TICKETS} at most`,
          )
        signal.throwIfAborted()
        if (count > 0n) await ledger.spend(count * evWei)
        const tickets = await sign(params, Number(count))
        // Credit that a refused payment would have brought is not counted on: only an answer shows that it was taken.
        if (staged.length >= MAX_STAGED) staged.shift()
        staged.push({ feeWei, creditWei: count * evWei, price })
        const { expirationParams } = params
        return writePayment({ ticketParams: params, sender: signer.address, expirationParams, tickets, expectedPrice: price })
      },
      settle(pixels) {
        const last = staged.pop()
        if (!last) return
        // A node that counts more pixels than were ordered gets no more for it.
        const actual = minOf(priceOf(pixels, last.price), last.feeWei)
        creditWei = maxOf(0n, creditWei + last.creditWei - actual)
      },
    }
  }

  async function sign(params: TicketParams, count: number): Promise<TicketSenderParams[]> {
    const first = count > 0 ? takeNonces(params, count) : 0
    const { expirationParams } = params
    const tickets: TicketSenderParams[] = []
    for (let senderNonce = first; senderNonce < first + count; senderNonce++)
      tickets.push({
        senderNonce,
        sig: await signTicket(signer, { params, sender: signer.address, senderNonce, expirationParams }),
      })
    return tickets
  }

  /** Of a node that wants nothing: it must still know who asks. */
  function free(info: OrchestratorInfo, price: PriceInfo): Uint8Array {
    const expirationParams = info.ticketParams?.expirationParams
    return writePayment({ ticketParams: undefined, sender: signer.address, expirationParams, tickets: [], expectedPrice: price })
  }
}

/** Wei for pixels, rounded up. */
export function priceOf(pixels: bigint, { pricePerUnit, pixelsPerUnit }: PriceInfo): bigint {
  return (pixels * pricePerUnit + pixelsPerUnit - 1n) / pixelsPerUnit
}

/** Gateways pay for 2 % more than they count, since an encoder may make some frames more. */
export function estimateWei(pixels: bigint, price: PriceInfo): bigint {
  return priceOf((pixels * 102n + 99n) / 100n, price)
}
