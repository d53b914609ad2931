import { type Blame, FishermanError } from '../base/errors.ts'

// What a node says when it does not do what was asked. None of it is a fault that anybody could prove: it is counted, never slashed.

/** What may help: nothing, the same node after a while, another node, or the same one with information that is fetched again. */
export type Retry = 'no' | 'later' | 'elsewhere' | 'fresh-info'

interface Rule {
  readonly code: string
  readonly blame: Blame
  readonly retry: Retry
}

/** Words in an error of go-livepeer, whatever way it came, and what they mean; the first that is found counts. */
const WORDS: readonly (readonly [pattern: RegExp, rule: Rule])[] = [
  [/OrchestratorBusy/, { code: 'livepeer-busy', blame: 'theirs', retry: 'later' }],
  [/OrchestratorCapped/, { code: 'livepeer-capped', blame: 'theirs', retry: 'elsewhere' }],
  [/MismatchedSegments|ZeroSegments/, { code: 'livepeer-result', blame: 'theirs', retry: 'elsewhere' }],
  // The source may be what it could not read.
  [/MediaStats|Transcoder|lpms/i, { code: 'livepeer-transcoder', blame: 'unknown', retry: 'elsewhere' }],
  [/reserve|deposit/i, { code: 'livepeer-no-funds', blame: 'ours', retry: 'no' }],
  [/ticket ?params|expired/i, { code: 'livepeer-ticket-params', blame: 'unknown', retry: 'fresh-info' }],
]

const STATUSES: Readonly<Record<number, Rule>> = {
  // Tickets that it does not take, too small a balance, or a source that it could not fetch.
  400: { code: 'livepeer-tickets', blame: 'ours', retry: 'fresh-info' },
  402: { code: 'livepeer-payment', blame: 'ours', retry: 'no' },
  // Signature, capabilities, token, capacity or the hash of the source: only some of them are ours.
  403: { code: 'livepeer-forbidden', blame: 'unknown', retry: 'fresh-info' },
  500: { code: 'livepeer-node-error', blame: 'theirs', retry: 'elsewhere' },
}

const FAILED: Rule = { code: 'livepeer-failed', blame: 'unknown', retry: 'elsewhere' }

/** The error for a status of `POST /segment`; words in its body say more than the number. */
export function statusRefusal(where: string, status: number, text: string): FishermanError {
  const byWord = status === 402 ? undefined : ruleOf(text)
  return refusal(where, `answered ${status}`, text, byWord ?? STATUSES[status] ?? { ...FAILED, code: 'livepeer-status' })
}

/** The error for what a node says after it had answered 200, or instead of an answer to a call. */
export function spokenRefusal(where: string, text: string): FishermanError {
  return refusal(where, 'refused', text, ruleOf(text) ?? FAILED)
}

/** What came is not what the protocol says. */
export function brokenAnswer(where: string, what: string, cause?: unknown): FishermanError {
  return new FishermanError({
    ...{ code: 'livepeer-answer', message: `${where} ${what}`, blame: 'theirs', details: { retry: 'elsewhere' satisfies Retry } },
    ...(cause === undefined ? {} : { cause }),
  })
}

/** Nobody can say whose network it was. */
export function unreachable(where: string, what: string, cause?: unknown): FishermanError {
  return new FishermanError({
    ...{ code: 'livepeer-unreachable', message: `${where} ${what}`, blame: 'unknown' },
    ...{ details: { retry: 'elsewhere' satisfies Retry }, ...(cause === undefined ? {} : { cause }) },
  })
}

export function tooSlow(where: string, what: string, ms: number): FishermanError {
  return new FishermanError({
    ...{ code: 'livepeer-timeout', message: `${where} ${what} for ${ms} ms`, blame: 'unknown' },
    details: { retry: 'elsewhere' satisfies Retry, timeoutMs: ms },
  })
}

/** Before anything was sent: we, or who configured us, must change something. */
export function notSent(code: string, message: string): FishermanError {
  return new FishermanError({ code, message, blame: 'ours', details: { retry: 'no' satisfies Retry } })
}

export function retryOf(error: unknown): Retry {
  const retry = error instanceof FishermanError ? error.details.retry : undefined
  return retry === 'later' || retry === 'elsewhere' || retry === 'fresh-info' ? retry : 'no'
}

function ruleOf(text: string): Rule | undefined {
  return WORDS.find(([pattern]) => pattern.test(text))?.[1]
}

function refusal(where: string, what: string, text: string, { code, blame, retry }: Rule): FishermanError {
  const said = printable(text)
  return new FishermanError({ code, blame, message: `${where} ${what}${said && `: ${said}`}`, details: { retry } })
}

/** Words of a stranger in our log: one line, short, nothing that a terminal would obey. */
export function printable(text: string): string {
  return text
    .slice(0, 400)
    .replace(/[^\x20-\x7e]+/g, ' ')
    .trim()
    .slice(0, 200)
}
