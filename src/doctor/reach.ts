import { createServer } from 'node:net'
import { messageOf } from '../base/errors.ts'
import { httpGet } from '../base/http-get.ts'
import { loadDeployment } from '../chain/deployment.ts'
import { probeAddresses } from '../gossip/probe.ts'
import { examineNetwork } from '../monitor/net/doctor.ts'
import type { InstallationCheckUp } from './installation.ts'
import type { Finding } from './types.ts'

const FEED_BYTES = 4 << 20
const FEED_MS = 5_000
/** Looked at together; a list of a hundred is done in a few seconds. */
const FEEDS_AT_ONCE = 8
/** Peers that are dialled to see whether any is there. */
const MAX_PROBED = 8
/** Finding lines of one kind; the rest is counted. */
const MAX_LINES = 5

/** What the fisherman will listen on is free; one that runs is asked itself, by those who look at the network. */
export const portsCheckUp: InstallationCheckUp = {
  name: 'ports',
  look: async ({ config, isRunning }) => {
    if (isRunning) return []
    const findings = [await portFinding('http port', config.http.host, config.http.port, 'http.port')]
    for (const address of config.gossip.listen) {
      const [, host, port] = /^\/ip[46]\/([^/]+)\/tcp\/(\d+)/.exec(address) ?? []
      if (host === undefined) findings.push({ name: 'gossip port', state: 'ok', says: `${address} was not tried` })
      else findings.push(await portFinding('gossip port', host, Number(port), 'gossip.listen'))
    }
    return findings
  },
}

async function portFinding(name: string, host: string, port: number, key: string): Promise<Finding> {
  const why = await new Promise<string | undefined>((resolve) => {
    const server = createServer()
    server.once('error', (error) => resolve(messageOf(error)))
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(undefined)))
  })
  if (why !== undefined) {
    const says = `${host}:${port} cannot be listened on (${why})`
    return { name, state: 'failed', says, mend: `stop the program that holds it, or choose another in ${key}` }
  }
  if (port !== 0 || name === 'http port')
    return { name, state: 'ok', says: port === 0 ? 'any free one' : `${host}:${port} is free` }
  const says = 'any free one: after a restart others do not find this fisherman where it was'
  return { name, state: 'warning', says, mend: `give it a fixed port in ${key}` }
}

/** Each feed answers as a feed does. */
export const feedsCheckUp: InstallationCheckUp = {
  name: 'feeds',
  look: async ({ config, clock, signal }) => {
    const name = 'feeds'
    if (config.feeds.length === 0) return []
    const queue = [...config.feeds]
    const silent: string[] = []
    const work = async () => {
      for (let feed = queue.shift(); feed; feed = queue.shift()) {
        const after = Math.floor(clock.nowMs() / 1000)
        const url = `${feed.url.replace(/\/+$/, '')}/fisherman/v1/windows?after=${after}`
        const options = { maxBytes: FEED_BYTES, timeoutMs: FEED_MS, signal }
        await httpGet(url, options).catch((error: unknown) => silent.push(`${feed.transcoder}: ${messageOf(error)}`))
      }
    }
    await Promise.all(Array.from({ length: FEEDS_AT_ONCE }, work))
    signal.throwIfAborted()
    const count = config.feeds.length
    if (silent.length === 0) return [{ name, state: 'ok', says: `${count} of ${count} answer` }]
    const mend = 'correct its url in feeds, or ask the node’s operator'
    const lines = silent.slice(0, MAX_LINES).map((says): Finding => ({ name, state: 'warning', says, mend }))
    const state = silent.length === count ? 'failed' : 'warning'
    return [...lines, { name, state, says: `${count - silent.length} of ${count} answer` }]
  },
}

/** A running fisherman is asked about its network; else those are dialled whom it will dial first. */
export const peersCheckUp: InstallationCheckUp = {
  name: 'peers',
  look: async ({ config, clock, signal, isRunning }) => {
    if (isRunning) return (await examineNetwork(config.dataDir, { clock }, { signal })).findings
    const name = 'peers'
    const { bootstrap, mdns } = config.gossip
    if (bootstrap.length === 0) {
      const says = `no other fisherman is known${mdns ? ', but those of the local network will be found' : ''}`
      const mend = 'name one in gossip.bootstrap, or tell others where this one listens'
      return [{ name, state: mdns ? 'ok' : 'warning', says, ...(mdns ? {} : { mend }) }]
    }
    const { chainId, anchor } = loadDeployment(config.deployment)
    const probed = await probeAddresses(bootstrap.slice(0, MAX_PROBED), { chainId, anchor }, clock, { signal })
    const good = probed.filter(({ ours }) => ours)
    const says = `${good.length} of ${probed.length} bootstrap peers answer and are of this network`
    if (good.length > 0) return [{ name, state: 'ok', says }]
    const why = probed.map(({ address, peerId, reason }) => `${address}: ${peerId ? 'another network' : reason}`)
    const mend = 'correct gossip.bootstrap, or open the way out in the firewall'
    return [{ name, state: 'warning', says: `${says} (${why.slice(0, 2).join('; ')})`, mend }]
  },
}
