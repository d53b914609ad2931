import { join } from 'node:path'
import type { EvidenceRow } from '../../proofs/dataset.ts'
import type { Clock } from '../base/clock.ts'
import { FishermanError, isFishermanError } from '../base/errors.ts'
import type { Logger } from '../base/log.ts'
import { compareEndpoints } from '../chain/agreement.ts'
import type { ScanProgress } from '../chain/follow.ts'
import { readRoundEvents } from '../chain/idle-events.ts'
import { chainPreset } from '../chain/presets.ts'
import type { Config } from '../config/schema.ts'
import type { IdleMaterial } from '../idle/dataset.ts'
import { readEvidenceCounts } from './net/evidence.ts'
import { openOutlook } from './open.ts'

export interface IdleLook {
  material: IdleMaterial
  /** Why there is no evidence; undefined where a running fisherman told its own. */
  noEvidence: string | undefined
}

/** Events of the last whole rounds, orchestrators as they stand, and what the fisherman of the data folder saw of them. */
export async function readIdle(
  config: Config,
  init: { rounds: number },
  deps: { clock: Clock; log: Logger; onProgress?(progress: ScanProgress): void },
  signal: AbortSignal,
): Promise<IdleLook> {
  const { deployment, rpc } = openOutlook(config, { log: deps.log, signal })
  try {
    const { conflict } = await compareEndpoints(rpc.endpoints, deps, signal)
    if (conflict !== undefined) throw new FishermanError({ code: 'rpc-conflict', message: conflict, blame: 'ours' })
    const { roundSec } = chainPreset(config.network)
    const spanFile = join(config.dataDir, 'idle.ndjson')
    const found = await readRoundEvents({ deployment, rounds: init.rounds, roundSec, spanFile }, { ...deps, rpc }, signal)
    const { rows, missing } = await evidenceAt(config.dataDir, signal)
    const { contracts, round, rounds, from, to, at, events, state } = found
    return {
      noEvidence: missing,
      material: {
        ...{ events, state, evidence: rows },
        span: {
          ...{ chainId: deployment.chainId, anchor: deployment.anchor, contracts, round, rounds },
          ...{ fromBlock: from.number, fromBlockHash: from.hash, toBlock: to.number, toBlockHash: to.hash },
          ...{ stateBlock: at.number, stateBlockHash: at.hash },
        },
      },
    }
  } finally {
    rpc.close()
  }
}

async function evidenceAt(dataDir: string, signal: AbortSignal): Promise<{ rows: EvidenceRow[]; missing: string | undefined }> {
  try {
    return { rows: await readEvidenceCounts(dataDir, { signal }), missing: undefined }
  } catch (error) {
    // The chain alone says much; that nobody looked at the work must be said beside it.
    if (isFishermanError(error) && error.code === 'daemon-silent') return { rows: [], missing: error.message }
    throw error
  }
}
