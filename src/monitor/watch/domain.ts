import { join } from 'node:path'
import deployments from '../../../proofs/contracts/deployments.json' with { type: 'json' }
import type { Domain, Hex } from '../../../proofs/types.ts'
import { FishermanError } from '../../base/errors.ts'
import { loadDeployment } from '../../chain/deployment.ts'
import { createTopics } from '../../gossip/topics.ts'

/** Reads the two facts that name a network, as a person writes them. */
export function domainOf(chainId: bigint | number | string, anchor: string): Domain {
  if (!/^[1-9][0-9]{0,18}$/.test(String(chainId))) throw bad(`chain id '${chainId}': must be a whole number`)
  if (!/^0x[0-9a-fA-F]{40}$/.test(anchor)) throw bad(`anchor '${anchor}': must be an address, 0x and 40 hex digits`)
  return { chainId: BigInt(chainId), anchor: anchor.toLowerCase() as Hex }
}

export interface DomainFlags {
  network?: string
  deployment?: string
  chainId?: string
  anchor?: string
}

/** The network that the flags name: by a deployment file, by chain and anchor, or by the name of one that is known. */
export function domainFrom({ network, deployment, chainId, anchor }: DomainFlags): Domain {
  if (deployment !== undefined) return loadDeployment(deployment)
  if (chainId !== undefined && anchor !== undefined) return domainOf(chainId, anchor)
  if (network === undefined) throw bad('say which network: --deployment FILE, --chain-id N and --anchor 0x…, or --network NAME')
  const known = (deployments as Readonly<Record<string, { chainId: number; fisherman: { anchor: string } | null }>>)[network]
  if (network !== 'local' && !known) throw bad(`--network '${network}': known are local, ${Object.keys(deployments).join(', ')}`)
  if (!known?.fisherman)
    throw bad(`no contracts are known on ${network}: name them with --deployment FILE, or --chain-id N and --anchor 0x…`)
  return domainOf(known.chainId, known.fisherman.anchor)
}

/** Where the state of this network's watch lies when nobody says otherwise. */
export function stateFileIn(folder: string, domain: Domain): string {
  return join(folder, `watch-${domain.chainId}-${createTopics(domain, 0).stableDigest}.ndjson`)
}

function bad(message: string): FishermanError {
  return new FishermanError({ code: 'bad-usage', message, blame: 'ours' })
}
