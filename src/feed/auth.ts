import { signerOf } from '../../proofs/signature.ts'
import type { Hex } from '../../proofs/types.ts'
import type { Ledger } from './ledger.ts'

/** Name of the header that asks for bytes: `<address>.<expiresAt>.<signature>` over the EIP-712 struct BlobRequest. */
export const AUTH_HEADER = 'fisherman-auth'
/** Seconds that a request may be valid at most: a leaked header is soon worthless. */
const MAX_VALID_SECONDS = 300n
const HEADER = /^(0x[0-9a-f]{40})\.(\d{1,12})\.(0x[0-9a-f]{130})$/

export function encodeAuth(address: Hex, expiresAt: bigint, signature: Hex): string {
  return `${address}.${expiresAt}.${signature}`
}

/** Who asks, or the reason why that is not known. */
export function readAuth(
  header: unknown,
  request: { transcoder: Hex; contentHash: Hex },
  ledger: Pick<Ledger, 'domain' | 'now'>,
): { address: Hex } | { reason: string } {
  if (header === undefined) return { reason: 'the header Fisherman-Auth is missing' }
  const match = typeof header === 'string' ? HEADER.exec(header) : null
  if (!match) return { reason: 'Fisherman-Auth must be <address>.<expiresAt>.<signature>, lower-case hex' }
  const [, address, expires, signature] = match as unknown as [string, Hex, string, Hex]
  const expiresAt = BigInt(expires)
  const now = ledger.now()
  if (expiresAt <= now) return { reason: `the request expired at ${expiresAt}, chain time is ${now}` }
  if (expiresAt > now + MAX_VALID_SECONDS) return { reason: `the request is valid for more than ${MAX_VALID_SECONDS} s` }
  if (signerOf(ledger.domain, 'BlobRequest', { ...request, expiresAt }, signature) !== address)
    return { reason: `the signature is not ${address}'s for this transcoder and content` }
  return { address }
}

/** Requests that one address may make: a token bucket each. */
export interface RateLimit {
  allow(address: Hex): boolean
}

export function createRateLimit(init: { perSecond: number; burst: number }, clock: { monotonicMs(): number }): RateLimit {
  const buckets = new Map<Hex, { tokens: number; atMs: number }>()
  return {
    allow(address) {
      const atMs = clock.monotonicMs()
      const last = buckets.get(address) ?? { tokens: init.burst, atMs }
      const tokens = Math.min(init.burst, last.tokens + ((atMs - last.atMs) / 1000) * init.perSecond)
      // Only members and requesters get here, so the map stays as small as the registry; a full bucket is not worth keeping.
      if (buckets.size > 10_000) buckets.clear()
      buckets.set(address, { tokens: tokens < 1 ? tokens : tokens - 1, atMs })
      return tokens >= 1
    },
  }
}
