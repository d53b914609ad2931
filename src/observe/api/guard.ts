import { createHash, timingSafeEqual } from 'node:crypto'
import { isIP } from 'node:net'
import type { HttpRequest } from '../../base/http.ts'
import type { RateLimiter } from '../../base/rate.ts'
import { Problem } from './problem.ts'

/** Who may ask. */
export interface Guard {
  /** Throws a problem for a name that is not ours: a web page elsewhere may have pointed it at this machine (DNS rebinding). */
  host(request: HttpRequest): void
  /** Throws a problem for who asks too often, or from another machine without the token. */
  admit(request: HttpRequest): void
  /**
   * Is it this machine, or somebody with the token? For what everybody may ask, by whatever name, and not everybody may see whole. Throws as `host`
   * does for this machine: there a name of others may be a web page that looks for what strangers are not told.
   */
  isTrusted(request: HttpRequest): boolean
  /** Throws a problem for who asks too often, and for nobody else: for what shows a secret of its own. */
  throttle(request: HttpRequest): void
  /** Is this the token? Always false where none is set. */
  isToken(text: string): boolean
  /** Takes one try of few: tokens are not to be guessed. */
  isLoginAllowed(request: HttpRequest): boolean
}

export interface GuardInit {
  /** Where we listen: a name that is set here is ours. */
  host: string
  /** Without one only this machine is answered. */
  token?: string
  /** False where this machine needs the token too: a proxy in front of us makes everybody look as if they were here. */
  trustLocal?: boolean
}

/** Cookie that the page gets for the token. */
export const COOKIE = 'fisherman'
const LOCAL_NAME = /^[a-z0-9_-]+$/
const NAMES = ['localhost', 'localhost.localdomain', 'ip6-localhost']
/** What proxies add: whoever sends one of these asks for somebody else. */
const FORWARDED = ['forwarded', 'x-forwarded-for', 'x-forwarded-host', 'x-real-ip', 'via']

export function createGuard(init: GuardInit, limits: { requests: RateLimiter; logins: RateLimiter }): Guard {
  const wanted = init.token === undefined ? undefined : digest(init.token)
  const isToken = (text: string): boolean => wanted !== undefined && timingSafeEqual(digest(text), wanted)

  const isOwner = (request: HttpRequest): boolean => init.trustLocal !== false && isLocal(request)

  function throttle({ ip }: HttpRequest): void {
    if (!limits.requests.take(ip)) throw new Problem(429, 'too many requests; wait a second', 1)
  }

  function host(request: HttpRequest): void {
    const name = hostName(request.headers.host ?? '')
    // A number cannot be pointed elsewhere by anybody's name server.
    if (isIP(name) !== 0 || NAMES.includes(name) || name === init.host.toLowerCase()) return
    // Nor can a name without a dot (`fisherman` in a compose network) by a web site: it is looked for in this network alone. There a neighbour may
    // answer for it; so this machine, which needs no token, is not asked by one.
    if (LOCAL_NAME.test(name) && !isOwner(request)) return
    throw new Problem(421, 'this name is not one of ours; ask by address, by localhost, or set http.host to the name')
  }

  return {
    host,
    throttle,
    admit(request) {
      throttle(request)
      if (isOwner(request)) return
      if (wanted === undefined)
        throw new Problem(403, 'this is told on the machine itself only; set http.tokenFile to allow more')
      if (!isToken(tokenOf(request))) throw new Problem(401, 'send the token of http.tokenFile as `Authorization: Bearer TOKEN`')
    },
    isTrusted(request) {
      if (!isOwner(request)) return isToken(tokenOf(request))
      host(request)
      return true
    },
    isToken,
    isLoginAllowed: ({ ip }) => limits.logins.take(ip),
  }
}

/** Does it come from this machine? Whoever asks at an address of ours by its network is seen with the same address: nobody else can be. */
function isLocal({ ip, socket, headers }: HttpRequest): boolean {
  if (FORWARDED.some((name) => headers[name] !== undefined)) return false
  const from = plain(ip)
  return from === '::1' || from.startsWith('127.') || (socket.localAddress !== undefined && from === plain(socket.localAddress))
}

/** An IPv4 address as IPv4, also where one socket listens for both. */
function plain(ip: string): string {
  return ip.replace(/^::ffff:(?=\d+\.)/i, '')
}

function tokenOf({ headers }: HttpRequest): string {
  const bearer = /^Bearer ([^\s]+)$/i.exec(headers.authorization ?? '')?.[1] ?? basicPassword(headers.authorization ?? '')
  const cookies = (headers.cookie ?? '').split(';').map((pair) => pair.trim())
  const cookie = cookies.find((pair) => pair.startsWith(`${COOKIE}=`))?.slice(COOKIE.length + 1)
  return bearer ?? decoded(cookie ?? '')
}

/** A gateway cannot send a header of its own, but `http://any:TOKEN@host/` in its flag becomes this one. */
function basicPassword(header: string): string | undefined {
  const encoded = /^Basic ([A-Za-z0-9+/=]{1,1024})$/i.exec(header)?.[1]
  const text = encoded === undefined ? '' : Buffer.from(encoded, 'base64').toString('utf8')
  return text.includes(':') ? text.slice(text.indexOf(':') + 1) : undefined
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return ''
  }
}

/** Without port and without the brackets of IPv6. */
function hostName(host: string): string {
  const inner = /^\[([^\]]*)\](:\d+)?$/.exec(host)?.[1]
  return (inner ?? host.replace(/:\d+$/, '')).toLowerCase()
}

/** Of one length, so that the comparison takes one time. */
function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}
