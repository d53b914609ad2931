import { runGateway } from '../devnet/gateway-process.ts'
import { runOrchestrator } from '../devnet/orchestrator-process.ts'
import { BEHAVIOURS, type Behaviour } from '../devnet/work.ts'
import type { GatewayOptions, OrchestratorOptions } from './devnet.options.ts'
import { untilSignal } from './until-signal.ts'

export async function orchestratorCommand({ behaviour, config }: OrchestratorOptions): Promise<number> {
  await runOrchestrator(
    { config, behaviour: BEHAVIOURS.find((name) => name === behaviour) ?? ('honest' satisfies Behaviour) },
    untilSignal(),
  )
  return 0
}

export async function gatewayCommand({ config, segments }: GatewayOptions): Promise<number> {
  return (await runGateway({ config, segments }, untilSignal())) ? 0 : 1
}
