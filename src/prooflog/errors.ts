import { FishermanError, isFishermanError, messageOf } from '../base/errors.ts'

/** A fault of our own log; it never speaks about a node. */
export function logError(code: string, message: string, cause?: unknown): FishermanError {
  return new FishermanError({ code, message, blame: 'ours', ...(cause === undefined ? {} : { cause }) })
}

/** The first entry that cannot be trusted, and why. */
export function damaged(folder: string, seq: number, reason: string): FishermanError {
  return logError(
    'log-damaged',
    `the proof log ${folder} is damaged at entry ${seq} (${reason}); nothing will be signed with it. Keep a copy of the folder before anything else`,
  )
}

/** What LevelDB says of files that it cannot read is damage of ours; errors of our own pass as they are. */
export function readError(folder: string, error: unknown): unknown {
  if (isFishermanError(error) || !String((error as { code?: unknown }).code).startsWith('LEVEL_')) return error
  const code = (error as { code: string }).code
  return logError(
    code === 'LEVEL_CORRUPTION' || code === 'LEVEL_IO_ERROR' ? 'log-damaged' : 'log-read',
    `the proof log ${folder} cannot be read (${messageOf(error)}); nothing will be signed with it. Keep a copy of the folder before anything else`,
    error,
  )
}

/** Why LevelDB did not open, in a plain sentence. */
export function openError(folder: string, error: unknown): FishermanError {
  const cause = (error as { cause?: { code?: string } }).cause
  const why = messageOf(cause ?? error)
  if (/does not exist|No such file/i.test(why))
    return logError('log-empty', `${folder} holds no proof log; name the data folder of a fisherman that has run`, error)
  if (/No space left|quota exceeded/i.test(why))
    return logError('log-full', `the proof log ${folder} cannot be opened, its disk is full; free some space`, error)
  if (cause?.code === 'LEVEL_LOCKED')
    return logError(
      'log-locked',
      `another fisherman is using the proof log ${folder}; stop it first or choose another data folder`,
      error,
    )
  return logError(
    'log-open',
    `cannot open the proof log ${folder} (${why}); it is not repaired by itself, keep a copy of the folder first`,
    error,
  )
}
