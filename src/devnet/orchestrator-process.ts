import { chainPreset } from '../chain/presets.ts'
import { followChain } from '../feed/ledger.ts'
import { aborted, announce, openNode } from './node.ts'
import { createOrchestrator } from './orchestrator.ts'
import { readOrchestratorSettings } from './settings.ts'
import type { Behaviour } from './work.ts'

/** `fisherman devnet orchestrator`: runs until the signal fires. */
export async function runOrchestrator(init: { config: string; behaviour: Behaviour }, signal: AbortSignal): Promise<void> {
  const settings = await readOrchestratorSettings(init.config)
  const { signer, log, chain } = await openNode(settings, signal)
  try {
    const { windowSec } = chainPreset(settings.network)
    const ledger = await followChain(chain, { windowSeconds: windowSec }, { log })
    const orchestrator = await createOrchestrator(
      { ...settings, ...settings.http, behaviour: init.behaviour },
      { signer, ledger, log },
    )
    try {
      await announce(settings.dataDir, { address: signer.address, http: orchestrator.url })
      log.info('orchestrator is ready', { behaviour: init.behaviour, address: signer.address, url: orchestrator.url })
      await aborted(signal)
    } finally {
      await orchestrator.stop()
    }
  } finally {
    await chain.close()
  }
}
