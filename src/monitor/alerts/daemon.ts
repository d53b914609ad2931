import { z } from 'zod'
import { deadline } from '../../base/clock.ts'
import { isFishermanError, messageOf } from '../../base/errors.ts'
import { httpGet, httpGetJson, readUpTo } from '../../base/http-get.ts'
import type { DaemonTarget } from './target.ts'
import type { DaemonLook } from './types.ts'

const TIMEOUT_MS = 5_000
const summary = z.looseObject({
  checked: z.number(),
  orchestrators: z.record(z.string(), z.looseObject({ receipts: z.number() })),
})

type Readiness = Pick<DaemonLook, 'state' | 'says' | 'refused' | 'unread'>
type Counts = Pick<DaemonLook, 'checked' | 'receipts' | 'refused' | 'unread'>

/** One look at a daemon. What it does not tell is why, never a thrown error: who may not ask must not take it for well, nor for down. */
export async function lookAtDaemon(target: DaemonTarget, signal: AbortSignal): Promise<DaemonLook> {
  const { url } = target
  try {
    await httpGet(`${url}/healthz`, optionsOf(target, signal))
  } catch (error) {
    signal.throwIfAborted()
    const refused = refusalOf(error)
    return refused ? { url, state: 'unknown', refused } : { url, state: 'down', says: messageOf(error) }
  }
  const [readiness, counts] = await Promise.all([readinessOf(target, signal), countsOf(target, signal)])
  return { url, ...readiness, ...counts }
}

/** The daemon's own line: /readyz answers 503 with it, which a plain GET would only call an error. */
async function readinessOf({ url, authorization }: DaemonTarget, signal: AbortSignal): Promise<Readiness> {
  try {
    const response = await fetch(`${url}/readyz`, {
      ...(authorization === undefined ? {} : { headers: { authorization } }),
      redirect: 'error',
      signal: deadline(TIMEOUT_MS, signal),
    })
    if (response.ok) {
      await response.body?.cancel()
      return { state: 'ready' }
    }
    // No daemon says more, and who else answers there must not fill our memory.
    const { body } = await readUpTo(response, 2_000)
    const text = body.toString('utf8')
    if (response.status === 401 || response.status === 403) return { state: 'unknown', refused: response.status }
    return { state: 'not-ready', says: reasonIn(text) ?? `it answered ${response.status}` }
  } catch (error) {
    signal.throwIfAborted()
    return { state: 'unknown', unread: `${url}/readyz: ${messageOf(error)}` }
  }
}

async function countsOf(target: DaemonTarget, signal: AbortSignal): Promise<Counts> {
  try {
    const told = summary.safeParse(await httpGetJson(`${target.url}/api/v1/summary`, optionsOf(target, signal)))
    if (!told.success) return { unread: `${target.url}/api/v1/summary is not what a daemon of this version tells` }
    const { checked, orchestrators } = told.data
    return { checked, receipts: Object.values(orchestrators).reduce((sum, { receipts }) => sum + receipts, 0) }
  } catch (error) {
    signal.throwIfAborted()
    const refused = refusalOf(error)
    return refused ? { refused } : { unread: messageOf(error) }
  }
}

function optionsOf({ authorization }: DaemonTarget, signal: AbortSignal) {
  return {
    maxBytes: 4 << 20,
    timeoutMs: TIMEOUT_MS,
    signal,
    ...(authorization === undefined ? {} : { headers: { authorization } }),
  }
}

function refusalOf(error: unknown): 401 | 403 | undefined {
  const code = isFishermanError(error) ? error.code : undefined
  return code === 'http-401' ? 401 : code === 'http-403' ? 403 : undefined
}

function reasonIn(text: string): string | undefined {
  try {
    return z.looseObject({ reason: z.string() }).safeParse(JSON.parse(text)).data?.reason
  } catch {
    return undefined
  }
}
