import type { Hex } from '../../../proofs/types.ts'
import { messageOf } from '../../base/errors.ts'
import { createMulticall } from '../../chain/multicall.ts'
import type { Rpc } from '../../chain/rpc.ts'
import type { Chain, Deployment } from '../../chain/types.ts'
import { quantity } from '../../chain/wire.ts'
import { networkViews, valuesOf } from '../views.ts'
import { lookAtDaemon } from './daemon.ts'
import type { DaemonTarget } from './target.ts'
import type { Observation } from './types.ts'

export interface LookInit {
  deployment: Deployment
  daemons: readonly DaemonTarget[]
  /** Accounts whose gas is watched. */
  accounts: readonly Hex[]
}

export interface LookDeps {
  chain: Pick<Chain, 'nowSec' | 'headAgeSec' | 'trouble' | 'cases' | 'alarms'>
  rpc: Rpc
  falseProofs(): Observation['falseProofs']
  /** Undefined where it is not followed. */
  gossip?(): Observation['gossip']
}

/** One round of looking. What cannot be read of the chain is its trouble, never a thrown error. */
export async function lookAround(init: LookInit, deps: LookDeps, signal: AbortSignal): Promise<Observation> {
  const [read, daemons] = await Promise.all([
    readChain(init, deps.rpc, signal),
    Promise.all(init.daemons.map((target) => lookAtDaemon(target, signal))),
  ])
  const { chain } = deps
  const gossip = deps.gossip?.()
  return {
    ...{ nowSec: chain.nowSec(), headAgeSec: chain.headAgeSec(), cases: chain.cases(), alarms: chain.alarms() },
    ...{ daemons, falseProofs: deps.falseProofs(), ...(gossip ? { gossip } : {}) },
    ...read,
    trouble: chain.trouble() ?? read.trouble,
  }
}

async function readChain(
  { deployment, accounts }: LookInit,
  rpc: Rpc,
  signal: AbortSignal,
): Promise<Pick<Observation, 'paused' | 'parameters' | 'balances' | 'trouble'>> {
  try {
    const { paused, parameters } = valuesOf(await createMulticall({ rpc }).read(networkViews(deployment), { signal }))
    const balances = await Promise.all(
      accounts.map(async (address) => ({
        address,
        wei: quantity(await rpc.send('eth_getBalance', [address, 'latest'], { signal }), 'balance'),
      })),
    )
    return {
      ...{ paused, balances },
      parameters: Object.fromEntries(Object.entries(parameters).map(([name, value]) => [name, value.toString()])),
      trouble: paused === undefined ? `the verifier ${deployment.verifier} does not tell whether it is paused` : undefined,
    }
  } catch (error) {
    signal.throwIfAborted()
    const balances = accounts.map((address) => ({ address, wei: undefined }))
    return { paused: undefined, parameters: {}, balances, trouble: messageOf(error) }
  }
}
