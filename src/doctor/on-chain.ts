import { SILENT } from '../base/log.ts'
import { loadDeployment } from '../chain/deployment.ts'
import { type Inspected, inspectDeployment } from '../chain/inspect.ts'
import { chainPreset } from '../chain/presets.ts'
import { createRpc } from '../chain/rpc.ts'
import { type ChainStatus, readStatus } from '../monitor/status.ts'
import { readArtifacts } from '../operator/files.ts'
import type { InstallationCheckUp } from './installation.ts'
import type { Finding } from './types.ts'

/** Seconds by which the newest block may be ahead of this machine's clock. */
const AHEAD_WARNS = 15
const AHEAD_FAILS = 60
/** Seconds after which a newest block means that the node is behind, or our clock ahead. */
const OLD_SEC = 60

/** Endpoints, their agreement, the clock, and our account. */
export const chainCheckUp: InstallationCheckUp = {
  name: 'rpc',
  look: async ({ config, clock, signal }) => {
    const status = await readStatus(config, { clock, log: SILENT }, signal)
    return [
      ...endpoints(status),
      ...(status.head ? [clockOf(status.head.timestampSec, clock.nowMs() / 1000, config.network)] : []),
      ...(status.account ? [funds(status, config.mode === 'active')] : []),
    ]
  },
}

function endpoints({ endpoints, agree, wrong, network }: ChainStatus): Finding[] {
  const name = 'rpc'
  if (!agree) return [{ name, state: 'failed', says: wrong[0] ?? 'the endpoints disagree' }]
  const findings = endpoints.map((one): Finding => {
    const says = `${one.name}${one.number === undefined ? '' : ` at block ${one.number}`}${one.says ? `: ${one.says}` : ''}`
    if (one.state === 'ok') return { name, state: 'ok', says }
    return { name, state: 'warning', says, mend: 'replace this endpoint in rpc, or wait until it is back' }
  })
  if (endpoints.length > 1 || network === 'local') return findings
  const says = 'there is one endpoint only: what it says of the chain is compared with nothing'
  return [...findings, { name, state: 'warning', says, mend: 'add a second RPC of somebody else' }]
}

/** Exported for its table of cases. */
export function clockOf(blockSec: number, nowSec: number, network: string): Finding {
  const name = 'clock'
  const aheadSec = Math.round(blockSec - nowSec)
  if (aheadSec > AHEAD_WARNS) {
    const says = `this machine's clock is ${aheadSec} s behind the newest block`
    return { name, state: aheadSec > AHEAD_FAILS ? 'failed' : 'warning', says, mend: 'timedatectl set-ntp true' }
  }
  // A chain of one's own makes blocks when it likes.
  if (aheadSec < -OLD_SEC && network !== 'local') {
    const says = `the newest block is ${-aheadSec} s old: the RPC is behind, or this machine's clock ahead`
    return { name, state: 'warning', says, mend: 'timedatectl status, and compare with another RPC' }
  }
  return { name, state: 'ok', says: `${Math.abs(aheadSec)} s ${aheadSec > 0 ? 'behind' : 'after'} the newest block` }
}

function funds({ account, attention }: ChainStatus, sends: boolean): Finding {
  const name = 'funds'
  const { address = '', proofsAffordable = 0n } = account ?? {}
  const lacks = attention.filter((line) => address !== '' && line.startsWith(address))
  if (lacks.length > 0) {
    const mend = lacks.some((line) => line.includes('no bond')) ? 'fisherman bond register' : `send native coins to ${address}`
    return { name, state: 'warning', says: lacks.join('; '), mend }
  }
  const says = `${address} can pay for ${proofsAffordable} proofs at today's price of gas`
  return { name, state: 'ok', says: sends ? says : `${says}; this mode sends none` }
}

/** Code, wiring and parameters of the contracts, against what this program was built with. */
export const contractsCheckUp: InstallationCheckUp = {
  name: 'contracts',
  look: async ({ config, signal }) => {
    const deployment = loadDeployment(config.deployment)
    const rpc = createRpc({ rpcUrls: config.rpc, chainId: deployment.chainId }, { log: SILENT })
    try {
      const init = { deployment, preset: chainPreset(config.network), artifacts: await readArtifacts() }
      return contractFindings(await inspectDeployment(init, { rpc }, { signal }))
    } finally {
      rpc.close()
    }
  },
}

/** Other code fails; other values are the governors' right, unless a rule breaks by them. Exported for its table of cases. */
export function contractFindings(found: readonly Inspected[]): Finding[] {
  const name = 'contracts'
  const bad = found.filter(({ ok }) => !ok)
  if (bad.length === 0) return [{ name, state: 'ok', says: `${found.length} facts are as this program expects them` }]
  return bad.map(({ what, says }): Finding => {
    if (!what.endsWith(' code') && !what.startsWith('rule '))
      return { name, state: 'warning', says: `${what} is ${says}`, mend: 'ask who governs the contracts, or update this program' }
    const mend = 'check network and deployment of the configuration; do not bond here until it is clear'
    return { name, state: 'failed', says: `${what}: ${says}`, mend }
  })
}
