import type { Hex } from '../../proofs/types.ts'
import { messageOf } from '../base/errors.ts'
import type { Logger } from '../base/log.ts'
import type { Chain } from '../chain/types.ts'
import type { FeedAddress } from '../receipt/feed.ts'

/** The chain as gossip's validators need it: without waiting. */
export interface ChainView {
  isMember(address: Hex): boolean
  /** Registered fishermen. */
  memberCount(): number
  isSignerOf(transcoder: Hex, signer: Hex): boolean
  ready(): boolean
  /** A key that the chain has confirmed as this node's. */
  learn(transcoder: Hex, signer: Hex): void
}

export async function followView(chain: Chain, feeds: readonly FeedAddress[], logger: Logger): Promise<ChainView> {
  let members = new Set<Hex>((await chain.members()).map(({ address }) => address))
  const signers = new Map<Hex, Set<Hex>>(feeds.map(({ transcoder }) => [transcoder, new Set([transcoder])]))
  chain.onHead(() => {
    chain.members().then(
      (list) => {
        members = new Set(list.map(({ address }) => address))
      },
      (error: unknown) => logger.warn('Members could not be read', { reason: messageOf(error) }),
    )
  })
  return {
    isMember: (address: Hex) => members.has(address),
    memberCount: () => members.size,
    isSignerOf: (transcoder: Hex, signer: Hex) => signers.get(transcoder)?.has(signer) ?? false,
    ready: () => chain.trouble() === undefined,
    learn: (transcoder: Hex, signer: Hex) => void signers.set(transcoder, (signers.get(transcoder) ?? new Set()).add(signer)),
  }
}
