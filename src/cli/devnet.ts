import { runGateway } from '../devnet/gateway-process.ts'
import { runOrchestrator } from '../devnet/orchestrator-process.ts'
import { fundFrom, runLocalNetwork } from '../devnet/up.ts'
import { BEHAVIOURS, type Behaviour } from '../devnet/work.ts'
import { coins, lpt } from './amounts.ts'
import { complain, usage } from './complain.ts'
import type { FundOptions, GatewayOptions, OrchestratorOptions, UpOptions } from './devnet.options.ts'
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

/** `fisherman devnet up`: 0 it was told to end, 2 it could not start, or a part of it has ended by itself. */
export async function upCommand({ folder, behaviours, fishermen, video }: UpOptions): Promise<number> {
  const signal = untilSignal()
  try {
    await runLocalNetwork(
      { folder, behaviours: behaviours.split(',').map(behaviourOf), fishermen, video },
      { say: (line) => console.log(line), signal },
    )
  } catch (error) {
    if (!signal.aborted) {
      complain('devnet up', error)
      return 2
    }
  }
  console.log('The network has ended.')
  return 0
}

/** `fisherman devnet fund`. */
export async function fundCommand(address: string | undefined, { folder, config }: FundOptions): Promise<number> {
  const signal = untilSignal()
  try {
    const { to, tokens, native } = await fundFrom({ folder, address, config }, signal)
    console.log(`${to} got ${lpt(tokens)} and ${coins(native)} for gas`)
    return 0
  } catch (error) {
    if (signal.aborted) return 130
    complain('devnet fund', error)
    return 2
  }
}

function behaviourOf(text: string): Behaviour {
  const found = BEHAVIOURS.find((name) => name === text)
  if (!found) throw usage(`--behaviours: '${text}' is none of ${BEHAVIOURS.join(', ')}`)
  return found
}
