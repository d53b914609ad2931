import type { Hex } from '../../proofs/types.ts'
import type { Clock } from '../base/clock.ts'
import type { SenderFunds } from '../livepeer/ticket.ts'
import { bondingInterface, brokerInterface, livepeerRoundsInterface, resolveLivepeer } from './livepeer.ts'
import { createMulticall, type View } from './multicall.ts'
import { problem, type Rpc } from './rpc.ts'

/** What a payer of tickets must know of the chain. Answers are a little old: money that others took in between is the recipient's risk, and small. */
export interface PaymentReads {
  /** What the TicketBroker holds for a payer, as this recipient could take it. */
  funds(sender: Hex, recipient: Hex): Promise<SenderFunds>
  /** Newest block of L1 that the RoundsManager knows; tickets expire by it. */
  l1Block(): Promise<bigint>
}

/** Milliseconds that an answer is good for: a block of L1 takes 12 s, and a session pays every two. */
const FRESH_MS = 10_000
/** Payers and recipients whose answers are kept. */
const MAX_KEPT = 500

export function createPaymentReads(
  init: { controller: Hex; signal: AbortSignal },
  deps: { rpc: Rpc; clock: Pick<Clock, 'monotonicMs'> },
): PaymentReads {
  const { signal } = init
  const multicall = createMulticall(deps)
  const kept = new Map<string, { atMs: number; value: Promise<unknown> }>()
  let found: ReturnType<typeof resolveLivepeer> | undefined

  /** Governance may move a contract, but not while we run. */
  function contracts(): ReturnType<typeof resolveLivepeer> {
    found ??= resolveLivepeer(init.controller, multicall, signal).catch((error: unknown) => {
      found = undefined
      throw error
    })
    return found
  }

  function fresh<T>(key: string, read: () => Promise<T>): Promise<T> {
    const nowMs = deps.clock.monotonicMs()
    const had = kept.get(key)
    if (had && nowMs - had.atMs < FRESH_MS) return had.value as Promise<T>
    const value = read()
    kept.delete(key)
    kept.set(key, { atMs: nowMs, value })
    for (const old of kept.keys()) {
      if (kept.size <= MAX_KEPT) break
      kept.delete(old)
    }
    // What failed is asked again at once.
    value.catch(() => kept.delete(key))
    return value
  }

  async function readAll(views: readonly View[]): Promise<(readonly unknown[])[]> {
    const answers = await multicall.read(views, { signal })
    return answers.map((answer, i) => {
      if (answer) return answer
      const { name, to } = views[i] as View
      throw problem(
        'chain-no-contract',
        `the contract at ${to} does not answer ${name}; check "controller" in the deployment file`,
      )
    })
  }

  return {
    funds: (sender, recipient) =>
      fresh(`${sender} ${recipient}`, async () => {
        const { ticketBroker, bondingManager } = await contracts()
        const broker = (name: string, ...values: Hex[]): View => ({ to: ticketBroker, contract: brokerInterface, name, values })
        const [info, claimed, pool] = await readAll([
          broker('getSenderInfo', sender),
          broker('claimedReserve', sender, recipient),
          { to: bondingManager, contract: bondingInterface, name: 'getTranscoderPoolSize', values: [] },
        ])
        const [deposit, reserve] = info as unknown as [
          { deposit: bigint; withdrawRound: bigint },
          { fundsRemaining: bigint; claimedInCurrentRound: bigint },
        ]
        return {
          ...{ depositWei: deposit.deposit, withdrawRound: deposit.withdrawRound },
          // The contract divides what the reserve held when the round began.
          reserveWei: reserve.fundsRemaining + reserve.claimedInCurrentRound,
          ...{ claimedWei: claimed?.[0] as bigint, poolSize: pool?.[0] as bigint },
        }
      }),
    l1Block: () =>
      fresh('l1', async () => {
        const { roundsManager } = await contracts()
        const [answer] = await readAll([{ to: roundsManager, contract: livepeerRoundsInterface, name: 'blockNum', values: [] }])
        return answer?.[0] as bigint
      }),
  }
}
