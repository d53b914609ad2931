import { FishermanError } from './errors.ts'

/** Where to listen, from `host:port`; an IPv6 address stands in brackets. Throws `bad-usage` with the name of the flag. */
export function hostPortOf(flag: string, text: string): { host: string; port: number } {
  const [, host, port] = /^(\[[0-9a-f:]+\]|[^:\s]+):(\d{1,5})$/i.exec(text) ?? []
  if (host === undefined || Number(port) > 65_535)
    throw new FishermanError({ code: 'bad-usage', message: `${flag} '${text}': must be host:port`, blame: 'ours' })
  return { host: host.replace(/^\[|\]$/g, ''), port: Number(port) }
}
