import type { Hex } from '../../proofs/types.ts'
import type { Clock } from '../base/clock.ts'
import type { Logger } from '../base/log.ts'
import { compareEndpoints, type EndpointView } from '../chain/agreement.ts'
import { createConfirmations } from '../chain/confirmations.ts'
import { controllerOf, type LivepeerAddresses, resolveLivepeer } from '../chain/livepeer.ts'
import { createMulticall } from '../chain/multicall.ts'
import type { Confirmations, Deployment } from '../chain/types.ts'
import { bytes, parseHeader, quantity } from '../chain/wire.ts'
import type { Config } from '../config/schema.ts'
import { type Outlook, openOutlook } from './open.ts'
import { accountViews, type NetworkValues, networkViews, valuesOf } from './views.ts'

export interface AccountStatus {
  address: Hex
  /** Wei of the native coin, and proofs that it pays for at the present price of gas. */
  balance: bigint
  proofsAffordable: bigint
  /** Wei of the token: free, and bonded. */
  tokens?: bigint
  bond?: bigint
  /** What it counts for now; 0 before activation and after the wish to leave. */
  weight?: bigint
  exiting?: boolean
}

export interface ChainStatus {
  network: string
  chainId: bigint
  endpoints: EndpointView[]
  /** Whether the endpoints tell the same; one alone does. */
  agree: boolean
  head?: { number: bigint; ageSec: number; timestampSec: number }
  confirmations?: Confirmations
  contracts: { name: string; address: Hex; codeBytes: number }[]
  livepeer?: LivepeerAddresses & { controller: Hex }
  values?: NetworkValues
  account?: AccountStatus
  /** One line each, what to do in it. `wrong`: nothing can work so. `attention`: it works, but something will not. */
  wrong: string[]
  attention: string[]
}

/** Gas of a dear proof, commit and conviction of many signers together. */
const PROOF_GAS = 700_000n
/** Seconds after which the newest block is old. */
const OLD_SEC = 60
/** Fewer proofs than these are worth a line. */
const FEW_PROOFS = 10n

/** Looks at endpoints, contracts and our account, and says what is wrong. Throws where no endpoint answers. */
export async function readStatus(config: Config, deps: { clock: Clock; log: Logger }, signal: AbortSignal): Promise<ChainStatus> {
  const outlook = openOutlook(config, { log: deps.log, signal })
  try {
    const { deployment, rpc } = outlook
    const { endpoints, conflict } = await compareEndpoints(rpc.endpoints, deps, signal)
    const status: ChainStatus = {
      ...{ network: config.network, chainId: deployment.chainId, endpoints, agree: conflict === undefined },
      ...{ contracts: [], wrong: conflict === undefined ? [] : [conflict], attention: [] },
    }
    for (const one of endpoints) if (one.says !== undefined && one.says !== conflict) status.attention.push(one.says)
    // What endpoints tell that are not of one mind is not worth telling.
    if (conflict === undefined) await look(status, outlook, config, deps.clock, signal)
    return status
  } finally {
    outlook.rpc.close()
  }
}

async function look(status: ChainStatus, outlook: Outlook, config: Config, clock: Clock, signal: AbortSignal): Promise<void> {
  const { deployment, rpc } = outlook
  const header = parseHeader(await rpc.send('eth_getBlockByNumber', ['latest', false], { signal }))
  if (!header) return void status.wrong.push('the RPC node has no newest block; wait until it is in sync or use another one')
  const ageSec = Math.max(0, Math.round(clock.nowMs() / 1000 - header.timestampSec))
  status.head = { number: header.number, ageSec, timestampSec: header.timestampSec }
  if (ageSec > OLD_SEC) status.attention.push(`the newest block is ${ageSec} s old; wait for the RPC node or use another`)
  const confirmations = createConfirmations({ rpc })
  await confirmations.refresh(header.number, signal)
  status.confirmations = confirmations.current()
  status.contracts = await codeOf(deployment, outlook, signal)
  for (const { name, address, codeBytes } of status.contracts)
    if (codeBytes === 0 && name !== 'treasury')
      status.wrong.push(
        `there is no contract at ${address} (${name}) on chain ${deployment.chainId}; check the deployment file ${config.deployment} and the network`,
      )
  if (status.wrong.length > 0) return
  const multicall = createMulticall({ rpc })
  const controller = controllerOf(deployment)
  if (controller) status.livepeer = { controller, ...(await resolveLivepeer(controller, multicall, signal)) }
  status.values = valuesOf(await multicall.read(networkViews(deployment), { signal }))
  if (status.values.paused)
    status.attention.push('new proofs are paused by the guardian; open cases still end, wait until it is lifted')
  if (outlook.account)
    await lookAtAccount(status, outlook.account, outlook, config.mode === 'active', header.baseFeePerGas, signal)
}

async function codeOf(deployment: Deployment, { rpc }: Outlook, signal: AbortSignal): Promise<ChainStatus['contracts']> {
  const { chainId: _, deployBlock: __, ...addresses } = deployment
  return await Promise.all(
    Object.entries(addresses).map(async ([name, address]) => {
      const code = bytes(await rpc.send('eth_getCode', [address, 'latest'], { signal }), 'contract code')
      return { name, address: address as Hex, codeBytes: code.length / 2 - 1 }
    }),
  )
}

async function lookAtAccount(
  status: ChainStatus,
  address: Hex,
  { deployment, rpc }: Outlook,
  sends: boolean,
  baseFeePerGas: bigint,
  signal: AbortSignal,
): Promise<void> {
  const balance = quantity(await rpc.send('eth_getBalance', [address, 'latest'], { signal }), 'balance')
  const [tokens, registered, weight] = await createMulticall({ rpc }).read(accountViews(deployment, address), { signal })
  const bond = registered?.[0] as bigint | undefined
  const cost = PROOF_GAS * (baseFeePerGas === 0n ? 1n : baseFeePerGas)
  const account: AccountStatus = {
    ...{ address, balance, proofsAffordable: balance / cost },
    ...(tokens ? { tokens: tokens[0] as bigint } : {}),
    ...(bond === undefined ? {} : { bond, exiting: (registered?.[2] as bigint) !== 0n }),
    ...(weight ? { weight: weight[0] as bigint } : {}),
  }
  status.account = account
  if (!sends) return
  if (account.proofsAffordable < FEW_PROOFS)
    status.attention.push(`${address} can pay for ${account.proofsAffordable} proofs only; send some of the native coin to it`)
  if (bond === 0n) status.attention.push(`${address} is no registered fisherman: it has no bond; its votes do not count`)
  else if (account.exiting) status.attention.push(`${address} has asked to leave: its votes do not count any more`)
}
