import type { Hex } from '../../proofs/types.ts'
import { sleep } from '../base/clock.ts'
import { messageOf } from '../base/errors.ts'
import type { Logger } from '../base/log.ts'
import { depositInterface, lower, serviceRegistryInterface } from './contracts.ts'
import { controllerOf, resolveLivepeer, serviceInterface, topicOf } from './livepeer.ts'
import { createLogScan } from './log-scan.ts'
import { createMulticall, type View } from './multicall.ts'
import { walkPool } from './pool.ts'
import { createRpc, problem, type Rpc } from './rpc.ts'
import type { Deployment } from './types.ts'
import { parseHeader, toQuantity } from './wire.ts'

/** Who may be given work, and where. */
export interface Listed {
  address: Hex
  /** As the registry has it: whatever its owner wrote. */
  serviceUri: string
}

/** All active orchestrators, read again and again; feeds of scores must name each of them. */
export interface Directory {
  /** Undefined until the first full reading. */
  all(): readonly Listed[] | undefined
}

export interface DirectoryInit {
  deployment: Deployment
  rpcUrls: readonly string[]
  everyMs: number
}

/** After a failed reading it is tried again sooner. */
const RETRY_MS = 30_000

export function followDirectory(init: DirectoryInit, deps: { log: Logger; signal: AbortSignal }): Directory {
  const { signal, log } = deps
  const rpc = createRpc({ rpcUrls: init.rpcUrls, chainId: init.deployment.chainId }, { log })
  let known: readonly Listed[] | undefined
  const run = async () => {
    while (!signal.aborted) {
      const read = await readDirectory(init.deployment, { rpc }, signal).catch((error: unknown) => {
        if (!signal.aborted) log.warn('The list of orchestrators could not be read', { reason: messageOf(error) })
      })
      known = read ?? known
      await sleep(read ? init.everyMs : Math.min(RETRY_MS, init.everyMs), signal)
    }
  }
  run()
    .catch(() => undefined)
    .finally(() => rpc.close())
  return { all: () => known }
}

/** Livepeer's pool; where there is no Livepeer, everybody who ever put up a deposit. */
export async function readDirectory(deployment: Deployment, deps: { rpc: Rpc }, signal: AbortSignal): Promise<Listed[]> {
  const multicall = createMulticall(deps)
  const head = parseHeader(await deps.rpc.send('eth_getBlockByNumber', ['latest', false], { signal }))
  if (!head) throw problem('rpc-garbage', 'the RPC node has no newest block; wait until it is in sync or use another one')
  const block = toQuantity(head.number)
  const controller = controllerOf(deployment)
  const livepeer = controller && (await resolveLivepeer(controller, multicall, signal))
  const nodes = livepeer
    ? await walkPool(livepeer.bondingManager, multicall, block, signal)
    : await depositors(deployment, head.number, deps, signal)
  const registry: Pick<View, 'to' | 'contract'> = livepeer
    ? { to: livepeer.serviceRegistry, contract: serviceInterface }
    : { to: deployment.serviceRegistry, contract: serviceRegistryInterface }
  const uris = await multicall.read(
    nodes.map((node) => ({ ...registry, name: 'getServiceURI', values: [node] })),
    { signal, block },
  )
  return nodes.map((address, i) => ({ address, serviceUri: String(uris[i]?.[0] ?? '') }))
}

async function depositors(deployment: Deployment, to: bigint, deps: { rpc: Rpc }, signal: AbortSignal): Promise<Hex[]> {
  const scan = createLogScan(
    { filter: { address: [deployment.deposit], topics: [topicOf(depositInterface, 'Deposited')] } },
    deps,
  )
  const nodes = new Set<Hex>()
  for (let from = deployment.deployBlock; from <= to; ) {
    const span = await scan.next({ from, to }, () => undefined, signal)
    for (const { topics } of span.logs) if (topics[1]) nodes.add(lower(`0x${topics[1].slice(26)}`))
    from = span.to + 1n
  }
  return [...nodes]
}
