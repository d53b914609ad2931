import type { Domain, Hex } from '../../proofs/types.ts'
import { messageOf } from '../base/errors.ts'
import type { Logger } from '../base/log.ts'
import type { Chain } from '../chain/types.ts'

/** What an orchestrator must know of the chain, already at hand: nothing here waits. */
export interface Ledger {
  readonly domain: Domain
  readonly windowSeconds: number
  /** Chain time, Unix seconds; never goes back. */
  now(): bigint
  round(): bigint
  /** Is this a registered fisherman? */
  isMember(address: Hex): boolean
}

/** Keeps round and members of a chain at hand, refreshed with each new head. */
export async function followChain(chain: Chain, init: { windowSeconds: number }, deps: { log: Logger }): Promise<Ledger> {
  let round = await chain.round()
  let members = new Set<Hex>()
  const refresh = async () => {
    round = await chain.round()
    members = new Set((await chain.members()).map((member) => member.address))
  }
  await refresh()
  chain.onHead(() => {
    refresh().catch((error: unknown) => deps.log.warn('cannot read the registry', { error: messageOf(error) }))
  })
  return {
    domain: chain.domain,
    windowSeconds: init.windowSeconds,
    now: () => BigInt(chain.nowSec()),
    round: () => round,
    isMember: (address) => members.has(address),
  }
}
