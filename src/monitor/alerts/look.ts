import { z } from 'zod'
import type { Hex } from '../../../proofs/types.ts'
import { deadline } from '../../base/clock.ts'
import { messageOf } from '../../base/errors.ts'
import { httpGet, httpGetJson } from '../../base/http-get.ts'
import { createMulticall } from '../../chain/multicall.ts'
import type { Rpc } from '../../chain/rpc.ts'
import type { Chain, Deployment } from '../../chain/types.ts'
import { quantity } from '../../chain/wire.ts'
import { networkViews, valuesOf } from '../views.ts'
import type { DaemonLook, Observation } from './types.ts'

export interface LookInit {
  deployment: Deployment
  /** Base URLs of daemons. */
  daemons: readonly string[]
  /** Accounts whose gas is watched. */
  accounts: readonly Hex[]
}

export interface LookDeps {
  chain: Pick<Chain, 'nowSec' | 'headAgeSec' | 'trouble' | 'cases' | 'alarms'>
  rpc: Rpc
  falseProofs(): Observation['falseProofs']
}

const TIMEOUT_MS = 5_000
const summary = z.looseObject({
  checked: z.number().optional(),
  orchestrators: z.record(z.string(), z.looseObject({ receipts: z.number() })).optional(),
})

/** One round of looking. What cannot be read of the chain is its trouble, never a thrown error. */
export async function lookAround(init: LookInit, deps: LookDeps, signal: AbortSignal): Promise<Observation> {
  const [read, daemons] = await Promise.all([
    readChain(init, deps.rpc, signal),
    Promise.all(init.daemons.map((url) => lookAtDaemon(url, signal))),
  ])
  const { chain } = deps
  return {
    ...{ nowSec: chain.nowSec(), headAgeSec: chain.headAgeSec(), cases: chain.cases(), alarms: chain.alarms() },
    ...{ daemons, falseProofs: deps.falseProofs() },
    ...read,
    trouble: chain.trouble() ?? read.trouble,
  }
}

async function readChain(
  { deployment, accounts }: LookInit,
  rpc: Rpc,
  signal: AbortSignal,
): Promise<Pick<Observation, 'paused' | 'parameters' | 'balances' | 'trouble'>> {
  try {
    const values = valuesOf(await createMulticall({ rpc }).read(networkViews(deployment), { signal }))
    const balances = await Promise.all(
      accounts.map(async (address) => ({
        address,
        wei: quantity(await rpc.send('eth_getBalance', [address, 'latest'], { signal }), 'balance'),
      })),
    )
    const parameters = Object.fromEntries(Object.entries(values.parameters).map(([name, value]) => [name, value.toString()]))
    return { paused: values.paused ?? false, parameters, balances, trouble: undefined }
  } catch (error) {
    signal.throwIfAborted()
    return { paused: false, parameters: {}, balances: [], trouble: messageOf(error) }
  }
}

async function lookAtDaemon(url: string, signal: AbortSignal): Promise<DaemonLook> {
  const options = { maxBytes: 4 << 20, timeoutMs: TIMEOUT_MS, signal }
  try {
    await httpGet(`${url}/healthz`, options)
  } catch (error) {
    signal.throwIfAborted()
    return { url, state: 'down', says: messageOf(error) }
  }
  const reason = await notReady(url, signal)
  const told = summary.safeParse(await httpGetJson(`${url}/api/v1/summary`, options).catch(() => undefined))
  const counts = told.success
    ? {
        checked: told.data.checked ?? 0,
        receipts: Object.values(told.data.orchestrators ?? {}).reduce((sum, { receipts }) => sum + receipts, 0),
      }
    : {}
  return {
    url,
    state: reason === undefined ? 'ready' : 'not-ready',
    ...(reason === undefined ? {} : { says: reason }),
    ...counts,
  }
}

/** The daemon's own line: /readyz answers 503 with it, which a plain GET would only call an error. */
async function notReady(url: string, signal: AbortSignal): Promise<string | undefined> {
  try {
    const response = await fetch(`${url}/readyz`, {
      redirect: 'error',
      signal: deadline(TIMEOUT_MS, signal),
    })
    if (response.ok) return void (await response.body?.cancel())
    const text = (await response.text()).slice(0, 2_000)
    const parsed = z.looseObject({ reason: z.string() }).safeParse(JSON.parse(text))
    return parsed.success ? parsed.data.reason : `it answered ${response.status}`
  } catch (error) {
    signal.throwIfAborted()
    return messageOf(error)
  }
}
