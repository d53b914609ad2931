import { setMaxListeners } from 'node:events'
import { readFileSync } from 'node:fs'
import type { Hex } from '../../proofs/types.ts'
import { FishermanError, messageOf } from '../base/errors.ts'
import type { Logger } from '../base/log.ts'
import { loadDeployment } from '../chain/deployment.ts'
import { createRpc, type Rpc } from '../chain/rpc.ts'
import type { Deployment } from '../chain/types.ts'
import type { Config } from '../config/schema.ts'

/** What a look at the chain begins with; no key is opened for it. */
export interface Outlook {
  deployment: Deployment
  rpc: Rpc
  /** Our account, as the keystore names it; undefined without one. */
  account: Hex | undefined
}

export function openOutlook(config: Config, deps: { log: Logger; signal: AbortSignal }): Outlook {
  // Each of many requests in flight listens.
  setMaxListeners(0, deps.signal)
  const deployment = loadDeployment(config.deployment)
  const account = config.key && accountOf(config.key.file)
  return { deployment, account, rpc: createRpc({ rpcUrls: config.rpc, chainId: deployment.chainId }, { log: deps.log }) }
}

/** The address that a v3 keystore carries in the open. */
function accountOf(file: string): Hex {
  const text = keystoreText(file)
  let address: unknown
  try {
    address = (JSON.parse(text) as { address?: unknown } | null)?.address
  } catch {
    // No JSON: the same message.
  }
  if (typeof address === 'string' && /^(0x)?[0-9a-fA-F]{40}$/.test(address))
    return `0x${address.replace(/^0x/, '').toLowerCase()}`
  throw new FishermanError({
    code: 'keystore-format',
    message: `${file} is not a Web3 v3 keystore with an address; check key.file`,
    blame: 'ours',
  })
}

function keystoreText(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (cause) {
    throw new FishermanError({
      code: 'file-missing',
      message: `cannot read the keystore ${file} (${messageOf(cause)}); check key.file`,
      blame: 'ours',
      cause,
    })
  }
}
