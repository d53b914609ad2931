import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Hex } from '../../proofs/types.ts'
import { loadKeystore } from '../attest/keys.ts'
import { systemClock } from '../base/clock.ts'
import { FishermanError } from '../base/errors.ts'
import { SILENT } from '../base/log.ts'
import { createChain } from '../chain/chain.ts'
import { chainPreset } from '../chain/presets.ts'
import { programPath } from '../config/paths.ts'
import { NETWORKS } from '../config/schema.ts'
import { createJudge } from '../judge.ts'
import { networkParams } from '../pipeline/network.ts'
import { readDeployment } from './files.ts'
import { type PlaceFlags, placeOf } from './place.ts'
import { type SelfCheck, selfCheck } from './selfcheck.ts'

export interface SelfCheckRequest extends PlaceFlags {
  url: string
  /** @default the key's own address */
  transcoder?: string
  /** Where no configuration says it. @default the network of the deployment's chain */
  network?: string
  receipts: number
}

/** `selfCheck` with what a configuration or flags name: a chain, a key, this machine's judge. */
export async function selfCheckAt(
  request: SelfCheckRequest,
  deps: { onStep(step: string): void },
  signal: AbortSignal,
): Promise<SelfCheck> {
  const place = placeOf(request)
  const deployment = await readDeployment(place.deploymentFile)
  const network = place.network ?? networkOf(request.network, deployment.chainId)
  const signer = place.key && (await loadKeystore(place.key.file, place.key.passwordFile))
  const transcoder = (request.transcoder?.toLowerCase() ?? signer?.address) as Hex | undefined
  if (transcoder === undefined || !/^0x[0-9a-f]{40}$/.test(transcoder))
    throw bad('say which node it is: --transcoder 0x and 40 hex digits, or --key with its own key')
  const domain = { chainId: deployment.chainId, anchor: deployment.anchor }
  const scratchDir = await mkdtemp(join(tmpdir(), 'fisherman-selfcheck-'))
  const chain = await createChain({ rpcUrls: place.rpcUrls, deployment, signal }, { clock: systemClock, log: SILENT })
  try {
    return await selfCheck(
      {
        ...{ domain, scratchDir, receipts: request.receipts, feed: { transcoder, url: request.url } },
        windowSeconds: networkParams(network).draw.windowSeconds,
      },
      {
        ...{ clock: systemClock, nowSec: chain.nowSec, round: chain.round, isSigner: chain.isSigner, onStep: deps.onStep },
        judge: createJudge({ scratchDir: join(scratchDir, 'judge'), searchPath: programPath(), maxJobs: 1 }),
        ...(signer
          ? {
              authorize: async (body) => ({
                address: signer.address,
                signature: await signer.signStruct(domain, 'BlobRequest', body),
              }),
            }
          : {}),
      },
      signal,
    )
  } finally {
    await chain.close()
    await rm(scratchDir, { recursive: true, force: true })
  }
}

/** The chain of networks on one machine, as Anvil numbers it. */
const LOCAL_CHAIN = 31_337n

/** The network that is named, else the one of the chain: whose windows are of another length shows none. Throws `bad-usage`. */
export function networkOf(name: string | undefined, chainId: bigint): (typeof NETWORKS)[number] {
  const known = NETWORKS.find((one) => (name === undefined ? chainPreset(one).chainId === chainId : one === name))
  if (known) return known
  if (name !== undefined) throw bad(`--network '${name}': must be one of ${NETWORKS.join(', ')}`)
  if (chainId === LOCAL_CHAIN) return 'local'
  throw bad(`chain ${chainId} is of no network that this program knows; say whose windows hold: --network ${NETWORKS.join('|')}`)
}

function bad(message: string): FishermanError {
  return new FishermanError({ code: 'bad-usage', message, blame: 'ours' })
}
