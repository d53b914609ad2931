import type { Clock } from '../base/clock.ts'
import { isFishermanError, messageOf } from '../base/errors.ts'
import type { Config } from '../config/schema.ts'
import { readNetwork } from '../monitor/net/ask.ts'
import { beaconCheckUp } from './beacon.ts'
import { filesCheckUp } from './files.ts'
import { chainCheckUp, contractsCheckUp } from './on-chain.ts'
import { keysCheckUp, logCheckUp, settingsCheckUp } from './own.ts'
import { feedsCheckUp, peersCheckUp, portsCheckUp } from './reach.ts'
import { dataCheckUp } from './storage.ts'
import type { Finding } from './types.ts'

/** What is looked at: one configuration, and whether a fisherman works with it now. */
export interface Installation {
  config: Config
  /** The file that was read; undefined where flags and variables say all. */
  file: string | undefined
  clock: Clock
  signal: AbortSignal
  /** A fisherman answers in the data folder: it holds the log and the ports. */
  isRunning: boolean
}

/** Looks at one thing of an installation. A throw is a failed finding of its own. */
export interface InstallationCheckUp {
  name: string
  look(installation: Installation): Promise<Finding[]>
}

/** From what lies on this machine to what lies far away. */
export const INSTALLATION: readonly InstallationCheckUp[] = [
  settingsCheckUp,
  filesCheckUp,
  keysCheckUp,
  dataCheckUp,
  logCheckUp,
  portsCheckUp,
  chainCheckUp,
  contractsCheckUp,
  feedsCheckUp,
  beaconCheckUp,
  peersCheckUp,
]

/** Looks at everything that the configuration names, in turn. Throws only when aborted. */
export async function examineInstallation(
  init: Omit<Installation, 'isRunning'>,
  deps: { checkUps?: readonly InstallationCheckUp[]; tell?: (finding: Finding) => void } = {},
): Promise<Finding[]> {
  const { signal } = init
  const isRunning = await readNetwork(init.config.dataDir, { signal }).then(
    () => true,
    // One that does not know us runs all the same.
    (error: unknown) => isFishermanError(error) && error.code === 'daemon-refuses',
  )
  signal.throwIfAborted()
  const findings: Finding[] = []
  for (const { name, look } of deps.checkUps ?? INSTALLATION) {
    const found = await look({ ...init, isRunning }).catch((error: unknown): Finding[] => {
      signal.throwIfAborted()
      return [{ name, state: 'failed', says: messageOf(error).split('\n')[0] ?? '' }]
    })
    signal.throwIfAborted()
    findings.push(...found)
    if (deps.tell) for (const finding of found) deps.tell(finding)
  }
  return findings
}
