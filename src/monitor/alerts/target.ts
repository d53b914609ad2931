/** A daemon to look at, and what lets us ask it. */
export interface DaemonTarget {
  /** Base URL without credentials and without a slash at its end: it is told in alerts. */
  url: string
  /** Header that goes with each request; never told. */
  authorization?: string
}

/**
 * Takes credentials out of the address, which no request could be made with: `any:TOKEN@` goes by Basic, which daemons take as well, `TOKEN@`
 * alone as the token. They go before `token`.
 */
export function targetOf(address: string, token?: string): DaemonTarget {
  const parsed = new URL(address)
  const [user, password] = [decoded(parsed.username), decoded(parsed.password)]
  const isOwn = user !== '' || password !== ''
  parsed.username = ''
  parsed.password = ''
  const url = (isOwn ? parsed.href : address).replace(/\/+$/, '')
  const bearer = isOwn ? (password === '' && isToken(user) ? user : undefined) : token
  if (bearer !== undefined) return { url, authorization: `Bearer ${bearer}` }
  return isOwn ? { url, authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}` } : { url }
}

/** Could this be sent as it is? A request with anything else fails, and its error repeats the secret. */
export function isToken(text: string): boolean {
  return /^[\x21-\x7e]{1,512}$/.test(text)
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
