import { isFishermanError, messageOf } from '../../base/errors.ts'
import type { HttpReply } from '../../base/http.ts'

/** An answer other than the one asked for, as RFC 9457 has it. */
export class Problem extends Error {
  readonly status: number
  /** Seconds after which it may be asked again. */
  readonly againSec: number | undefined

  constructor(status: number, detail: string, againSec?: number) {
    super(detail)
    this.name = 'Problem'
    this.status = status
    this.againSec = againSec
  }
}

const TITLES: Readonly<Record<number, string>> = {
  400: 'Bad request',
  401: 'Token needed',
  403: 'Not allowed',
  404: 'Not found',
  410: 'Gone',
  413: 'Too large',
  415: 'Unsupported media type',
  421: 'Misdirected request',
  429: 'Too many requests',
  500: 'Internal error',
  503: 'Busy',
}
/** What the proof log says of an entry that it cannot give. */
const LOG_STATUS: Readonly<Record<string, number>> = { 'log-missing': 404, 'log-pruned': 410 }

export function statusOf(error: unknown): number {
  if (error instanceof Problem) return error.status
  if (isFishermanError(error)) return LOG_STATUS[error.code] ?? (error.blame === 'theirs' ? 400 : 500)
  const status = (error as { statusCode?: unknown }).statusCode
  return typeof status === 'number' && status >= 400 && status < 500 ? status : 500
}

/** What is wrong inside of us is told to the log, not to the client. */
export function sendProblem(reply: HttpReply, error: unknown): HttpReply {
  const status = statusOf(error)
  const detail =
    status < 500 || error instanceof Problem ? messageOf(error) : 'something failed inside; the log of the daemon says what'
  if (error instanceof Problem && error.againSec !== undefined) reply.header('retry-after', String(error.againSec))
  return reply
    .code(status)
    .type('application/problem+json')
    .send(JSON.stringify({ type: 'about:blank', title: TITLES[status] ?? 'Refused', status, detail }))
}
