/** Who is to blame for a failure. Only `theirs` may ever lead to a `fail` verdict (rule 1 of the design). */
export type Blame = 'theirs' | 'ours' | 'unknown'

export interface FishermanErrorInit {
  /** Bounded set of kebab-case codes; used as a metrics label, so it never carries data. */
  code: string
  /** One sentence for a person: what, where, what to do. */
  message: string
  blame: Blame
  /** Facts for the log; must not hold keys, passwords or URLs with credentials. */
  details?: Readonly<Record<string, unknown>>
  cause?: unknown
}

/** The only error that rooms throw on purpose. Anything else that surfaces is a bug and is treated as blame `ours`. */
export class FishermanError extends Error {
  readonly code: string
  readonly blame: Blame
  readonly details: Readonly<Record<string, unknown>>

  constructor(init: FishermanErrorInit) {
    super(init.message, init.cause === undefined ? undefined : { cause: init.cause })
    this.name = 'FishermanError'
    this.code = init.code
    this.blame = init.blame
    this.details = init.details ?? {}
  }
}

export function isFishermanError(error: unknown): error is FishermanError {
  return error instanceof FishermanError
}

/** Blame of any thrown value: what we did not foresee is our fault, never an accusation. */
export function blameOf(error: unknown): Blame {
  return isFishermanError(error) ? error.blame : 'ours'
}

/** Message of any thrown value, with credentials in URLs masked. */
export function messageOf(error: unknown): string {
  return maskCredentials(error instanceof Error ? error.message : String(error))
}

/** `https://user:secret@host/path?key=1` becomes `https://***@host/path?***`: RPC URLs often carry tokens. */
export function maskCredentials(text: string): string {
  return text.replace(
    /([a-z][a-z0-9+.-]*:\/\/)([^\s/@]+@)?([^\s?'"]*)(\?[^\s'"]*)?/gi,
    (_, scheme: string, user, rest: string, query) => `${scheme}${user ? '***@' : ''}${rest}${query ? '?***' : ''}`,
  )
}

/** Errors of our own disk, memory and file table: never the other side's fault. */
const LOCAL_CODES = [
  'ENOSPC',
  'EDQUOT',
  'EACCES',
  'EPERM',
  'EROFS',
  'EIO',
  'EMFILE',
  'ENFILE',
  'ENOMEM',
  'ENOENT',
  'EEXIST',
  'EISDIR',
  'ENOTDIR',
]

/** Code of an error of this machine, or of what caused it. */
export function localCode(error: unknown): string | undefined {
  const codes = [error, (error as { cause?: unknown } | undefined)?.cause].map(
    (one) => (one as NodeJS.ErrnoException | undefined)?.code,
  )
  return codes.find((code) => code !== undefined && LOCAL_CODES.includes(code))
}
