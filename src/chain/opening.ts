import { problem, type Rpc } from './rpc.ts'
import type { Deployment } from './types.ts'
import { bytes } from './wire.ts'

/** A connection that fails at start is closed again, so that nothing keeps the process alive. */
export async function opening<T>(rpc: Rpc, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    rpc.close()
    throw error
  }
}

/** Throws where one of the contracts is not on this chain. */
export async function checkCode(rpc: Rpc, deployment: Deployment, signal: AbortSignal): Promise<void> {
  const names = ['anchor', 'verifier', 'faultVerifier', 'registry', 'deposit', 'delegation', 'rounds'] as const
  const codes = await Promise.all(names.map((name) => rpc.send('eth_getCode', [deployment[name], 'latest'], { signal })))
  names.forEach((name, i) => {
    if (bytes(codes[i], 'contract code') !== '0x') return
    throw problem(
      'chain-no-contract',
      `there is no contract at ${deployment[name]} (${name}) on chain ${deployment.chainId}; check the deployment file and the network`,
    )
  })
}
