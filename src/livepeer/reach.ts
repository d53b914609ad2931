import { lookup } from 'node:dns/promises'
import type { RequestOptions } from 'node:http'
import { BlockList, isIP } from 'node:net'
import { deadline } from '../base/clock.ts'
import { FishermanError, messageOf } from '../base/errors.ts'
import { brokenAnswer, unreachable } from './errors.ts'

/** May we connect to this IP address? Addresses of nodes and of renditions are what strangers say. */
export type AddressRule = (ip: string) => boolean

/** Where to connect, decided once: a name that is asked for twice may lead to two places. */
export interface Place {
  readonly url: URL
  readonly ip: string
  readonly port: number
  readonly isTls: boolean
  /** The name that TLS asks for; undefined where the address is an IP itself. */
  readonly serverName: string | undefined
}

/** A request to that very IP, on a connection of its own: no second look-up may lead elsewhere. */
export function requestTo({ url, ip, port, isTls, serverName = '' }: Place): RequestOptions & { servername?: string } {
  const path = `${url.pathname}${url.search}`
  return { host: ip, port, path, agent: false, ...(isTls ? { servername: serverName } : {}) }
}

const MAX_URL = 2_048

/** Reads an address of a stranger, looks its name up, and holds the result against the rule. */
export async function findPlace(
  text: string,
  mayConnect: AddressRule,
  options: { timeoutMs: number; signal?: AbortSignal | undefined },
): Promise<Place> {
  const url = readUrl(text)
  const host = url.hostname.replace(/^\[|\]$/g, '')
  const found = isIP(host) ? [{ address: host }] : await resolve(url, host, options)
  const allowed = found.find(({ address }) => mayConnect(address))
  if (!allowed)
    throw new FishermanError({
      code: 'livepeer-address',
      message: `${url.origin} leads to ${found.map(({ address }) => address).join(', ') || 'no address'}, where we do not connect`,
      blame: 'theirs',
      details: { retry: 'elsewhere' },
    })
  const isTls = url.protocol === 'https:'
  const serverName = isIP(host) ? undefined : host
  return { url, ip: allowed.address, port: Number(url.port) || (isTls ? 443 : 80), isTls, serverName }
}

export function readUrl(text: string): URL {
  let url: URL | undefined
  if (text.length <= MAX_URL)
    try {
      url = new URL(text)
    } catch {}
  if (!url || (url.protocol !== 'http:' && url.protocol !== 'https:') || url.username || url.password)
    throw brokenAnswer(JSON.stringify(text.slice(0, 100)), 'is no address of http or https without a password')
  return url
}

async function resolve(url: URL, host: string, options: { timeoutMs: number; signal?: AbortSignal | undefined }) {
  const signal = deadline(options.timeoutMs, options.signal)
  const late = new Promise<never>((_, reject) => signal.addEventListener('abort', () => reject(signal.reason), { once: true }))
  try {
    return await Promise.race([lookup(host, { all: true }), late])
  } catch (error) {
    options.signal?.throwIfAborted()
    throw unreachable(url.origin, `has a name that cannot be looked up (${messageOf(error)})`, error)
  }
}

/** Everything that is not the public internet: this machine, home and office networks, link-local (also clouds' metadata), multicast, documentation. */
const NOT_PUBLIC: readonly (readonly [net: string, bits: number, family: 'ipv4' | 'ipv6'])[] = [
  ['0.0.0.0', 8, 'ipv4'],
  ['10.0.0.0', 8, 'ipv4'],
  ['100.64.0.0', 10, 'ipv4'],
  ['127.0.0.0', 8, 'ipv4'],
  ['169.254.0.0', 16, 'ipv4'],
  ['172.16.0.0', 12, 'ipv4'],
  ['192.0.0.0', 24, 'ipv4'],
  ['192.0.2.0', 24, 'ipv4'],
  ['192.168.0.0', 16, 'ipv4'],
  ['198.18.0.0', 15, 'ipv4'],
  ['198.51.100.0', 24, 'ipv4'],
  ['203.0.113.0', 24, 'ipv4'],
  ['224.0.0.0', 3, 'ipv4'],
]
/** Of IPv6 only global unicast is public; of that, tunnels that carry an IPv4 address and documentation are not. */
const GLOBAL_IPV6 = new BlockList()
GLOBAL_IPV6.addSubnet('2000::', 3, 'ipv6')
const BLOCKED = new BlockList()
for (const [net, bits, family] of NOT_PUBLIC) BLOCKED.addSubnet(net, bits, family)
for (const [net, bits] of [
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
] as const)
  BLOCKED.addSubnet(net, bits, 'ipv6')

/** The rule for networks of strangers. */
export const isPublicAddress: AddressRule = (ip) => {
  const family = isIP(ip)
  if (family === 4) return !BLOCKED.check(ip, 'ipv4')
  return family === 6 && GLOBAL_IPV6.check(ip, 'ipv6') && !BLOCKED.check(ip, 'ipv6')
}

/** What an operator's `--allow-private` means: also addresses that are not public. */
export function addressRule({ allowPrivate }: { readonly allowPrivate: boolean }): AddressRule {
  return allowPrivate ? () => true : isPublicAddress
}
