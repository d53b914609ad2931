import { existsSync } from 'node:fs'
import { loadKeystore, type Signer } from '../attest/keys.ts'
import { FishermanError } from '../base/errors.ts'
import { SILENT } from '../base/log.ts'
import { type Caps, openSite, type Site } from '../chain/site.ts'
import type { TransactionSigner, Waiting } from '../chain/types.ts'
import { loadConfig } from '../config/load.ts'
import { configFile } from '../config/paths.ts'
import type { Config } from '../config/schema.ts'
import { limitsFor, networkParams } from '../pipeline/network.ts'
import { readDeployment } from './files.ts'

/** Where a command works: a configuration as for `run`, or its parts by flags; a flag goes before the file. */
export interface PlaceFlags {
  config?: string
  rpc?: string[]
  deployment?: string
  key?: string
  passwordFile?: string
}

export interface Place {
  rpcUrls: readonly string[]
  deploymentFile: string
  key?: { file: string; passwordFile: string }
  /** Pays for what anybody may send; the key does without it. */
  sender?: { file: string; passwordFile: string }
  /** The limits of the configuration; none where everything comes by flags. */
  caps?: Caps
  /** Of the configuration. */
  network?: Config['network']
  dataDir?: string
}

export function placeOf(flags: PlaceFlags): Place {
  const said = flags.rpc !== undefined && flags.deployment !== undefined
  const usual = !said && existsSync(configFile()) ? configFile() : undefined
  const file = flags.config ?? usual
  const config = file === undefined ? undefined : loadConfig(file, flags.rpc ? { rpc: flags.rpc } : {})
  const rpcUrls = flags.rpc ?? config?.rpc
  const deploymentFile = flags.deployment ?? config?.deployment
  if (!rpcUrls || deploymentFile === undefined) throw bad('say where to work: --config FILE, or --rpc URL and --deployment FILE')
  const keyFile = flags.key ?? config?.key?.file
  const passwordFile = flags.passwordFile ?? config?.key?.passwordFile
  if (keyFile !== undefined && passwordFile === undefined) throw bad('--key needs --password-file')
  const key = keyFile === undefined || passwordFile === undefined ? undefined : { file: keyFile, passwordFile }
  const sender = flags.key === undefined ? config?.sender : undefined
  const caps = config && capsOf(config)
  return {
    ...{ rpcUrls, deploymentFile, ...(caps ? { caps } : {}), ...(key ? { key } : {}), ...(sender ? { sender } : {}) },
    ...(config ? { network: config.network, dataDir: config.dataDir } : {}),
  }
}

function capsOf(config: Config): Caps {
  const { maxFeePerGas, limits } = limitsFor(networkParams(config.network), config.limits)
  return { maxFeePerGas, gasPerDay: limits.gasPerDay, bond: limits.bond }
}

export interface OpenPlace {
  site: Site
  /** With a key only. */
  signer?: Signer
}

/**
 * Connects; `key` says whether a key is opened, which costs a second and its password: `needed` is the key of the member, `any` is for what anybody
 * may send, and takes the sender where there is one.
 */
export async function withPlace<T>(
  flags: PlaceFlags,
  init: { key: 'needed' | 'any' | 'unused' },
  work: (open: OpenPlace) => Promise<T>,
  options: Waiting,
): Promise<T> {
  const place = placeOf(flags)
  const deployment = await readDeployment(place.deploymentFile)
  const key = init.key === 'unused' ? undefined : ((init.key === 'any' ? place.sender : undefined) ?? place.key)
  if (init.key !== 'unused' && !key)
    throw bad('a key is needed: --key FILE and --password-file FILE, or key in the configuration')
  const signer = key && (await loadKeystore(key.file, key.passwordFile))
  const site = await openSite(
    { rpcUrls: place.rpcUrls, deployment, ...(place.caps ? { caps: place.caps } : {}) },
    { log: SILENT, ...(signer ? { signer: signer.wallet() as unknown as TransactionSigner } : {}) },
    options,
  )
  try {
    return await work({ site, ...(signer ? { signer } : {}) })
  } finally {
    site.close()
  }
}

function bad(message: string): FishermanError {
  return new FishermanError({ code: 'bad-usage', message, blame: 'ours' })
}
