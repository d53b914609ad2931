import { setMaxListeners } from 'node:events'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Domain } from '../../proofs/types.ts'
import { type Clock, systemClock } from '../base/clock.ts'
import type { Closers } from '../base/closers.ts'
import type { Logger } from '../base/log.ts'
import type { Moment } from '../base/write-ahead.ts'
import { loadDeployment } from '../chain/deployment.ts'
import type { Config } from '../config/schema.ts'
import type { Gossip } from '../gossip/index.ts'
import type { HeadWatch } from '../pipeline/heads.ts'
import { type NetworkParams, networkParams } from '../pipeline/network.ts'

export interface DaemonInit {
  /** Of the program, for bundles. */
  version?: string
  /** The operator's word that this key signs nowhere else: the only way around the head exchange. */
  firstStart?: boolean
  /** Called at each point of the write-ahead; tests pull the plug there. */
  reached?(moment: Moment): void
}

/** What every part of one daemon is built with. */
export interface Frame {
  readonly config: Config
  readonly init: DaemonInit
  readonly version: string
  readonly logger: Logger
  readonly clock: Clock
  readonly closers: Closers
  readonly params: NetworkParams
  readonly deployment: ReturnType<typeof loadDeployment>
  readonly domain: Domain
  /** A place in the data folder. */
  at(...parts: string[]): string
  /** Aborts when the daemon stops. */
  readonly signal: AbortSignal
  readonly stopping: AbortController
  /** Parts that exist a moment later than whoever asks for them. */
  readonly late: { heads?: HeadWatch; gossip?: Gossip }
}

/** Makes the data folder and reads what the network and its contracts are. Throws where a file of the configuration cannot be read. */
export function createFrame(config: Config, logger: Logger, closers: Closers, init: DaemonInit): Frame {
  mkdirSync(config.dataDir, { recursive: true, mode: 0o700 })
  const stopping = new AbortController()
  // Every timer and request of the daemon listens to it; that is no leak.
  setMaxListeners(0, stopping.signal)
  const deployment = loadDeployment(config.deployment)
  return {
    ...{ config, init, logger, closers, deployment, stopping },
    version: init.version ?? 'unknown',
    clock: systemClock,
    params: networkParams(config.network),
    domain: { chainId: deployment.chainId, anchor: deployment.anchor },
    at: (...parts) => join(config.dataDir, ...parts),
    signal: stopping.signal,
    late: {},
  }
}
