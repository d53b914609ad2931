import { deadline } from './clock.ts'
import { FishermanError, maskCredentials } from './errors.ts'
import { reasonOf } from './http-get.ts'

/** POSTs JSON. Redirects are refused. Throws FishermanError, whose message never tells the path: webhooks carry their secret in it. */
export async function httpPostJson(
  url: string,
  body: unknown,
  options: { timeoutMs: number; signal?: AbortSignal },
): Promise<void> {
  const where = new URL(maskCredentials(url)).origin
  const signal = deadline(options.timeoutMs, options.signal)
  let status: number
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
      redirect: 'error',
      signal,
    })
    await response.body?.cancel()
    status = response.status
  } catch (error) {
    if (options.signal?.aborted) throw options.signal.reason
    const why = signal.aborted ? `was silent for ${options.timeoutMs} ms` : reasonOf(error)
    throw new FishermanError({ code: 'http-unreachable', message: `${where} ${why}`, blame: 'unknown', cause: error })
  }
  if (status < 200 || status > 299)
    throw new FishermanError({ code: `http-${status}`, message: `${where} answered ${status}`, blame: 'theirs' })
}
