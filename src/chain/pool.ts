import { ZeroAddress } from 'ethers'
import type { Hex } from '../../proofs/types.ts'
import { lower } from './contracts.ts'
import { bondingInterface } from './livepeer.ts'
import type { Multicall } from './multicall.ts'
import { problem } from './rpc.ts'

/** More than any pool that Livepeer ever had: a walk that does not end is no pool. */
const MAX_POOL = 2_000n

/** Active orchestrators in the order of the pool, by its linked list. One question for each: there is no other way to ask. */
export async function walkPool(bondingManager: Hex, multicall: Multicall, block: Hex, signal: AbortSignal): Promise<Hex[]> {
  const ask = async (name: string, values: readonly unknown[]): Promise<unknown> => {
    const [result] = await multicall.read([{ to: bondingManager, contract: bondingInterface, name, values }], { signal, block })
    if (!result) throw problem('chain-call', `${bondingManager} does not answer ${name}(); is it Livepeer's BondingManager?`)
    return result[0]
  }
  const size = (await ask('getTranscoderPoolSize', [])) as bigint
  if (size > MAX_POOL) throw problem('rpc-garbage', `the pool of orchestrators is said to hold ${size}; use another RPC URL`)
  const pool = new Set<Hex>()
  let next = (await ask('getFirstTranscoderInPool', [])) as string
  while (next !== ZeroAddress) {
    const node = lower(next)
    if (pool.has(node) || BigInt(pool.size) >= size)
      throw problem('rpc-garbage', 'the pool of orchestrators does not end; use another RPC URL')
    pool.add(node)
    next = (await ask('getNextTranscoderInPool', [node])) as string
  }
  if (BigInt(pool.size) !== size)
    throw problem('rpc-garbage', `the pool has ${pool.size} of ${size} orchestrators; use another RPC URL`)
  return [...pool]
}
