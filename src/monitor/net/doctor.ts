import type { Clock } from '../../base/clock.ts'
import type { Finding, State } from '../../doctor/types.ts'
import { type Probed, probeAddresses } from '../../gossip/probe.ts'
import { type Network, readNetwork } from './ask.ts'

/** Seconds by which clocks may differ before statements are refused (one L1 slot and a head's travel), and before it is hopeless. */
const CLOCK_WARNS = 15
const CLOCK_FAILS = 60
/** Links of our own making below which strangers could hold all that we hear. */
const OUTBOUND = 3

/** Looks at the network from the daemon's own place: what it says of itself, and whether a fresh node reaches it. */
export async function examineNetwork(
  dataDir: string,
  deps: { clock: Clock; tell?: (finding: Finding) => void },
  options: { signal: AbortSignal },
): Promise<{ ok: boolean; findings: Finding[] }> {
  const network = await readNetwork(dataDir, options)
  const { chainId, anchor, addresses } = network
  const probed = await probeAddresses(addresses, { chainId, anchor }, deps.clock, options)
  const findings = [
    reachability(network, probed),
    nat(network),
    links(network),
    digest(network),
    chainClock(network),
    peerClock(network),
  ]
  if (deps.tell) for (const finding of findings) deps.tell(finding)
  return { ok: findings.every(({ state }) => state !== 'failed'), findings }
}

/** Exported for its table of cases, as are the others. */
export function reachability({ peer, addresses }: Pick<Network, 'peer' | 'addresses'>, probed: readonly Probed[]): Finding {
  const name = 'reachability'
  if (addresses.length === 0)
    return found(
      name,
      'warning',
      'listens nowhere, so nobody can dial it',
      'set gossip.listen, for example /ip4/0.0.0.0/tcp/7935',
    )
  const silent = probed.find(({ peerId }) => peerId === undefined)
  if (silent)
    return found(
      name,
      'failed',
      `${bare(silent.address)} does not answer a fresh node (${silent.reason})`,
      'open this port in the firewall of this machine, or listen elsewhere',
    )
  const other = probed.find(({ peerId, ours }) => peerId !== peer || !ours)
  if (other)
    return found(name, 'failed', `another program answers at ${bare(other.address)}`, 'choose another port in gossip.listen')
  const slowest = Math.max(...probed.map(({ elapsedMs }) => elapsedMs))
  const says = `a fresh node on this machine reaches ${probed.map(({ address }) => bare(address)).join(', ')} within ${slowest} ms`
  if (addresses.every((address) => isLoopback(address)))
    return found(
      name,
      'warning',
      `${says}, and no other machine can`,
      'set gossip.listen to /ip4/0.0.0.0/tcp/7935, unless all your peers are here',
    )
  return found(name, 'ok', `${says}; for the view from outside run there: fisherman watch --once --peer <your public address>`)
}

export function nat({ addresses, seenAs, peers }: Pick<Network, 'addresses' | 'seenAs' | 'peers'>): Finding {
  const seen = [...new Set(seenAs.map(hostOf))].filter((host) => host !== undefined)
  if (seen.length === 0) return found('nat', 'ok', 'no peer has told under which address it sees this machine')
  const foreign = seen.filter((host) => !addresses.some((address) => hostOf(address) === host) && !isPrivate(host))
  const inbound = peers.filter(({ direction, address }) => direction === 'inbound' && !isPrivate(hostOf(address) ?? '')).length
  if (foreign.length === 0) return found('nat', 'ok', `none: peers see this machine as ${seen.join(', ')}`)
  const says = `peers see this machine as ${foreign.join(', ')}, which it does not have itself: it is behind a router`
  if (inbound > 0) return found('nat', 'ok', `${says}, and ${many(inbound, 'peer')} got through all the same`)
  const port = /\/tcp\/(\d+)/.exec(addresses[0] ?? '')?.[1] ?? '7935'
  return found(
    'nat',
    'warning',
    `${says}, and nobody got through to it`,
    `forward TCP port ${port} of the router to this machine`,
  )
}

export function links({ peers }: Pick<Network, 'peers'>): Finding {
  const fishermen = peers.filter(({ speaks }) => speaks === 'full')
  const out = peers.filter(({ direction }) => direction === 'outbound').length
  const says = `${many(peers.length, 'peer')}: ${out} dialled by us, ${peers.length - out} by them; ${many(fishermen.length, 'fisherman', 'fishermen')}`
  if (peers.length === 0) return found('links', 'failed', 'no peer is connected', 'name some that run in gossip.bootstrap')
  if (out === 0)
    return found('links', 'warning', `${says}; whoever dialled us decides what we hear`, 'name fishermen in gossip.bootstrap')
  if (out < OUTBOUND && peers.length < OUTBOUND)
    return found(
      'links',
      'warning',
      `${says}; few enough to be cut off together`,
      `name at least ${OUTBOUND} in gossip.bootstrap`,
    )
  return found('links', 'ok', says)
}

export function digest({
  peers,
  digests,
  verdictVersion,
  foreign,
}: Pick<Network, 'peers' | 'digests' | 'verdictVersion' | 'foreign'>): Finding {
  const same = peers.filter(({ speaks }) => speaks === 'full').length
  const others = peers.filter(({ speaks, agent }) => speaks === 'fraud-proofs' && agent === 'fisherman').length
  const says = `${digests.full} (verdict version ${verdictVersion}) is that of ${same} of ${many(peers.length, 'peer')}`
  if (same === 0 && foreign > 0)
    return found(
      'digest',
      'failed',
      `${says}; ${foreign} belonged to another network`,
      'compare chain and anchor in the deployment file with those of the peers',
    )
  if (others > 0)
    return found(
      'digest',
      others > same ? 'failed' : 'warning',
      `${says}; ${others} judge by another version`,
      'update whichever is older',
    )
  if (foreign > 0)
    return found(
      'digest',
      'warning',
      `${says}; ${foreign} belonged to another network and were left`,
      'remove them from gossip.bootstrap',
    )
  return found('digest', 'ok', says)
}

export function chainClock({ clock }: Pick<Network, 'clock'>): Finding {
  const behind = clock.systemSec - clock.chainSec
  if (behind < -CLOCK_WARNS)
    return found(
      'clock',
      -behind > CLOCK_FAILS ? 'failed' : 'warning',
      `this machine's clock is ${-behind} s behind the chain`,
      'set it: timedatectl set-ntp true',
    )
  if (clock.headAgeSec > CLOCK_FAILS)
    return found(
      'clock',
      'failed',
      `the newest block is ${clock.headAgeSec} s old by this machine's clock`,
      'set the clock (timedatectl set-ntp true); if it is right, use another RPC endpoint',
    )
  return found('clock', 'ok', `the newest block is ${clock.headAgeSec} s old by this machine's clock`)
}

export function peerClock({ clock }: Pick<Network, 'clock'>): Finding {
  const name = 'peer-clocks'
  const sorted = clock.peersAhead.map(({ seconds }) => seconds).sort((a, b) => a - b)
  const median = sorted[Math.floor(sorted.length / 2)]
  if (median === undefined) return found(name, 'ok', 'no log head of a peer has come yet')
  const says = `heads of ${many(sorted.length, 'fisherman', 'fishermen')} are signed ${Math.abs(median)} s ${median > 0 ? 'ahead of' : 'behind'} our chain time`
  if (Math.abs(median) <= CLOCK_WARNS) return found(name, 'ok', says)
  return found(
    name,
    Math.abs(median) > CLOCK_FAILS ? 'failed' : 'warning',
    says,
    'our RPC endpoint lags, or theirs do: compare with fisherman chain status',
  )
}

function found(name: string, state: State, says: string, mend?: string): Finding {
  return { name, state, says, ...(mend === undefined ? {} : { mend }) }
}

function hostOf(address: string): string | undefined {
  return /^\/(?:ip4|ip6|dns[46]?|dnsaddr)\/([^/]+)/.exec(address)?.[1]
}

function isLoopback(address: string): boolean {
  const host = hostOf(address) ?? ''
  return host.startsWith('127.') || host === '::1'
}

/** Loopback, private, link-local and carrier addresses say nothing about the internet. */
function isPrivate(host: string): boolean {
  return /^(127\.|10\.|192\.168\.|169\.254\.|172\.(1[6-9]|2\d|3[01])\.|100\.(6[4-9]|[7-9]\d|1[01]\d|12[0-7])\.|::1$|f[cd]|fe80)/i.test(
    host,
  )
}

const bare = (address: string): string => address.replace(/\/p2p\/.*$/, '')
const many = (count: number, one: string, more = `${one}s`): string => `${count} ${count === 1 ? one : more}`
