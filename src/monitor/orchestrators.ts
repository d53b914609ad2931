import { join } from 'node:path'
import type { Clock } from '../base/clock.ts'
import { FishermanError } from '../base/errors.ts'
import type { Logger } from '../base/log.ts'
import { compareEndpoints } from '../chain/agreement.ts'
import type { ScanProgress } from '../chain/follow.ts'
import { chainPreset } from '../chain/presets.ts'
import { type OrchestratorTable, readOrchestrators } from '../chain/table.ts'
import type { Config } from '../config/schema.ts'
import { openOutlook } from './open.ts'

export type { ScanProgress } from '../chain/follow.ts'
export type { OrchestratorRow, OrchestratorTable } from '../chain/table.ts'

/** The table of all orchestrators; what was read of the window's events is kept in the data folder. */
export async function readTable(
  config: Config,
  init: { rounds: number },
  deps: { clock: Clock; log: Logger; onProgress?(progress: ScanProgress): void },
  signal: AbortSignal,
): Promise<OrchestratorTable> {
  const { deployment, rpc } = openOutlook(config, { log: deps.log, signal })
  try {
    const { conflict } = await compareEndpoints(rpc.endpoints, deps, signal)
    if (conflict !== undefined) throw new FishermanError({ code: 'rpc-conflict', message: conflict, blame: 'ours' })
    const { roundSec } = chainPreset(config.network)
    return await readOrchestrators(
      { deployment, rounds: init.rounds, roundSec, spanFile: join(config.dataDir, 'orchestrators.ndjson') },
      { ...deps, rpc },
      signal,
    )
  } finally {
    rpc.close()
  }
}
