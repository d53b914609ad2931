import { mkdir, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { loadKeystore, type Signer } from '../attest/keys.ts'
import { systemClock } from '../base/clock.ts'
import type { Logger } from '../base/log.ts'
import { createChain } from '../chain/chain.ts'
import { loadDeployment } from '../chain/deployment.ts'
import type { Chain } from '../chain/types.ts'
import { createLogger } from '../observe/logger.ts'

/** What every process of the local network begins with: its key, its log and its view of the chain. */
export interface Node {
  signer: Signer
  log: Logger
  chain: Chain
}

export interface NodeInit {
  dataDir: string
  rpc: readonly string[]
  deployment: string
  key: { file: string; passwordFile: string }
  log: { level: 'debug' | 'info' | 'warn' | 'error'; format: 'human' | 'json' }
}

export async function openNode(init: NodeInit, signal: AbortSignal): Promise<Node> {
  const log = createLogger(init.log)
  await mkdir(init.dataDir, { recursive: true })
  const signer = await loadKeystore(init.key.file, init.key.passwordFile)
  const deployment = loadDeployment(init.deployment)
  const chain = await createChain({ rpcUrls: init.rpc, deployment, signal }, { clock: systemClock, log })
  return { signer, log, chain }
}

/** Tells others that this process is ready and where it is: `daemon.json`, written whole or not at all. */
export async function announce(dataDir: string, facts: Readonly<Record<string, unknown>>): Promise<void> {
  const file = join(dataDir, 'daemon.json')
  await writeFile(`${file}.part`, `${JSON.stringify({ pid: process.pid, ...facts })}\n`)
  await rename(`${file}.part`, file)
}

/** Resolves when the signal fires. */
export function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
}
