import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { datasetTypedData } from '../../proofs/dataset.ts'
import type { Hex } from '../../proofs/types.ts'
import { loadKeystore } from '../attest/keys.ts'
import { systemClock } from '../base/clock.ts'
import { FishermanError } from '../base/errors.ts'
import { SILENT } from '../base/log.ts'
import { writeWholeFile } from '../base/whole-file.ts'
import type { ScanProgress } from '../chain/follow.ts'
import { readRoundEvents } from '../chain/idle-events.ts'
import { chainPreset } from '../chain/presets.ts'
import { createRpc } from '../chain/rpc.ts'
import { cacheFolder, PLACES } from '../config/paths.ts'
import { type IdleSpan, makeDataset, signatureText } from '../idle/dataset.ts'
import { IDLE_CLASSES, type IdleResult } from '../idle/idle.ts'
import { daemonOf } from '../monitor/net/ask.ts'
import { readDeployment } from './files.ts'
import { evidenceAt } from './idle-evidence.ts'
import { type PlaceFlags, placeOf } from './place.ts'

export { IDLE_CLASSES, type IdleResult }

export interface IdleRequest extends PlaceFlags {
  /** Whole rounds to look back at most. */
  rounds: number
  /** Where no configuration says it. */
  network: string
  /** Folder of a daemon that runs; what it saw is the evidence. Without one there is none. */
  dataDir?: string
  /** Gets the dataset, in a folder named after its round. */
  out?: string
  /** Instead: where the daemon of `dataDir`, or of the configuration, shows it. */
  publish?: boolean
}

export interface IdleReport {
  span: IdleSpan
  results: readonly IdleResult[]
  /** Page of the daemon that told what it saw; null where nobody did. */
  evidenceFrom: string | null
  /** Folder that the dataset was written to. */
  folder?: string
  publisher: Hex | null
}

/** Who earns without working, from the events of whole rounds and from what a daemon of ours saw. Nothing of it is an accusation. */
export async function readIdle(
  request: IdleRequest,
  deps: { onProgress?(progress: ScanProgress): void },
  signal: AbortSignal,
): Promise<IdleReport> {
  const place = placeOf(request)
  const { dataDir, out } = foldersOf(request, place.dataDir)
  const deployment = await readDeployment(place.deploymentFile)
  const { roundSec } = chainPreset(place.network ?? request.network)
  const cache = cacheFolder()
  await mkdir(cache, { recursive: true })
  const spanFile = join(cache, `idle-${deployment.chainId}-${deployment.controller ?? 'usual'}.ndjson`)
  const rpc = createRpc({ rpcUrls: place.rpcUrls, chainId: deployment.chainId }, { log: SILENT })
  try {
    const init = { deployment, rounds: request.rounds, roundSec, spanFile }
    const found = await readRoundEvents(init, { ...deps, rpc, clock: systemClock }, signal)
    const daemon = dataDir === undefined ? undefined : await daemonOf(dataDir)
    const evidence = daemon === undefined ? [] : await evidenceAt(daemon, signal)
    const signer = out !== undefined && place.key ? await loadKeystore(place.key.file, place.key.passwordFile) : undefined
    const { from, to, at, contracts, round, rounds, events, state } = found
    const span: IdleSpan = {
      ...{ chainId: deployment.chainId, anchor: deployment.anchor, contracts, round, rounds },
      ...{ fromBlock: from.number, fromBlockHash: from.hash, toBlock: to.number, toBlockHash: to.hash },
      ...{ stateBlock: at.number, stateBlockHash: at.hash },
    }
    const dataset = makeDataset({ span, events, state, evidence }, signer?.address ?? null)
    const report = { span, results: dataset.results, evidenceFrom: daemon?.url ?? null, publisher: signer?.address ?? null }
    if (out === undefined) return report
    const folder = join(out, `round-${round}`)
    await mkdir(folder, { recursive: true })
    for (const [hash, text] of dataset.files) await writeWholeFile(join(folder, hash), text, 0o644)
    if (signer) {
      const domain = { chainId: deployment.chainId, anchor: deployment.anchor }
      const { domain: typed, types, message } = datasetTypedData(domain, dataset.claim)
      const signature = (await signer.wallet().signTypedData(typed, types, message)) as Hex
      await writeWholeFile(join(folder, 'signature.json'), signatureText(signature), 0o644)
    }
    // Last: a folder without it is not whole.
    await writeWholeFile(join(folder, 'manifest.json'), dataset.manifest, 0o644)
    return { ...report, folder }
  } finally {
    rpc.close()
  }
}

/** Whose evidence, and where to; what is published stands beside what the same daemon saw. */
function foldersOf({ publish, dataDir, out }: IdleRequest, configured: string | undefined): { dataDir?: string; out?: string } {
  if (!publish) return { ...(dataDir === undefined ? {} : { dataDir }), ...(out === undefined ? {} : { out }) }
  const daemon = dataDir ?? configured
  if (out !== undefined) throw problem('--publish and --out: say one of them; --publish has a folder of its own')
  if (daemon === undefined) throw problem('--publish: say whose page shows it, by --config FILE or --data-dir FOLDER')
  return { dataDir: daemon, out: join(daemon, PLACES.idle) }
}

function problem(message: string): FishermanError {
  return new FishermanError({ code: 'idle-place', message, blame: 'ours' })
}
