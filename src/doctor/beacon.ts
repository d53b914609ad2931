import { QUICKNET, roundAt, verifyRound } from '../attest/drand.ts'
import type { Clock } from '../base/clock.ts'
import { maskCredentials, messageOf } from '../base/errors.ts'
import { httpGetJson } from '../base/http-get.ts'
import type { InstallationCheckUp } from './installation.ts'
import type { Finding } from './types.ts'

/** An answer has 250 bytes. */
const ROUND_BYTES = 4_096
const ROUND_MS = 5_000
/** Seconds that a round is out by then, for a clock that is a little ahead. */
const OUT_SEC = 30

/** Without a beacon nothing is drawn: each relay gives a round that was out a moment ago, and the network signed it. */
export const beaconCheckUp: InstallationCheckUp = {
  name: 'beacon',
  look: async ({ config, clock, signal }) => {
    const name = 'beacon'
    // There the chain's own blocks are the beacon.
    if (config.network === 'local') return []
    const { urls } = config.beacon
    const bad = (await Promise.all(urls.map((url) => troubleOf(url, clock, signal)))).filter((line) => line !== undefined)
    signal.throwIfAborted()
    const says = `${urls.length - bad.length} of ${urls.length} relays give a round that drand signed`
    if (bad.length === 0) return [{ name, state: 'ok', says }]
    const lines = bad.map((line): Finding => ({ name, state: 'warning', says: line, mend: 'replace it in beacon.urls' }))
    if (bad.length < urls.length) return [...lines, { name, state: 'warning', says }]
    const mend = 'open the way out to them in the firewall, or name relays that can be reached in beacon.urls'
    return [...lines, { name, state: 'failed', says: `${says}: nothing can be drawn`, mend }]
  },
}

/** Why a relay is of no use; undefined where it is. */
async function troubleOf(url: string, clock: Clock, signal: AbortSignal): Promise<string | undefined> {
  const round = roundAt(clock.nowMs() / 1_000 - OUT_SEC)
  const options = { maxBytes: ROUND_BYTES, timeoutMs: ROUND_MS, signal }
  try {
    const answer = await httpGetJson(`${url.replace(/\/$/, '')}/${QUICKNET.chainHash}/public/${round}`, options)
    const { signature } = (answer ?? {}) as { signature?: unknown }
    if (typeof signature === 'string' && verifyRound(round, `0x${signature}`)) return undefined
    return `${maskCredentials(url)} gave what drand never signed as round ${round}`
  } catch (error) {
    return messageOf(error)
  }
}
