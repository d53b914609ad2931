import { FishermanError } from '../base/errors.ts'

// How a run of ffmpeg ended, by its exit code and its lines. Hostile media can have lines of its own in the log (names inside an MP4 may
// hold line breaks) and ask for more memory than there is: a trouble that is named here is a suspicion, and `machine.ts` looks whether
// it is so.

/**
 * Exit codes with which a sandbox reports that ffmpeg died of a signal: ABRT, BUS, FPE, KILL, SEGV, TERM, XCPU, XFSZ. ffmpeg's own
 * are small, or the last byte of an error number: 183 for bad data, 234 for bad arguments.
 */
const KILLED = new Set([134, 135, 136, 137, 139, 143, 152, 153])
/** The sandbox speaks for itself in its own name, and before anybody else: what stands further down may be the media's words. */
const OWN_FAILURE = /^(bwrap|prlimit): /

/** What a system says of a machine in trouble, and its number: ffmpeg 6 and later end with 256 less the number. */
const TROUBLES: readonly (readonly [says: string, errno: number])[] = [
  ['No space left on device', 28],
  ['Disk quota exceeded', 122],
  ['Read-only file system', 30],
  ['Input/output error', 5],
  ['Stale file handle', 116],
  ['No such file or directory', 2],
  ['Permission denied', 13],
  ['Too many open files in system', 23],
  ['Too many open files', 24],
  ['Cannot allocate memory', 12],
  ['Resource temporarily unavailable', 11],
]
/** Its own errors only: titles and names of a file stand in lines of another level. */
const ERROR_LINE = /\[(?:error|fatal|panic)\] /
/** An output that is not whole, which ffmpeg 5 does not count as a failure where it is noticed at the end. */
const LOST_OUTPUT = /\[error\] (?:Error (?:closing file|writing trailer)|av_interleaved_write_frame\(\))/

/** What a run that came to its own end made of it. */
export interface RunEnd {
  /** Everything was read and written. */
  ok: boolean
  /** Trouble of the machine that it names; undefined where it names none. */
  trouble: string | undefined
}

/** Of a run that ended with this exit code, and died of nothing. */
export function endOf(code: number, lines: readonly string[]): RunEnd {
  const errors = lines.filter((line) => ERROR_LINE.test(line))
  const named =
    TROUBLES.find(([says]) => errors.some((line) => line.includes(says))) ?? TROUBLES.find(([, errno]) => code === 256 - errno)
  return { ok: code === 0 && !errors.some((line) => LOST_OUTPUT.test(line)), trouble: named?.[0] }
}

/** An end that is not ffmpeg's to explain: what to throw, never with blame `theirs`; or its exit code. */
export function exitOf(error: Error, lines: readonly string[]): FishermanError | number {
  const code = Number(/exited with code (\d+)/.exec(error.message)?.[1] ?? -1)
  if (KILLED.has(code)) return unknown('media-killed', `ffmpeg was killed by signal ${code - 128}, probably by a limit`)
  const [first = ''] = lines
  if (OWN_FAILURE.test(first)) return ours('sandbox-failed', `the sandbox failed: ${first}`)
  if (code === 126 || code === 127) return ours('ffmpeg-unusable', `cannot run ffmpeg: ${error.message}`)
  if (code >= 0) return code
  if (/signal/.test(error.message))
    return unknown('media-killed', `ffmpeg was killed, probably by a limit: ${error.message.split('\n')[0]}`, error)
  return ours('ffmpeg-unusable', `cannot run ffmpeg: ${error.message}`)
}

function ours(code: string, message: string): FishermanError {
  return new FishermanError({ code, message, blame: 'ours' })
}

/** Of a run that was stopped: by a limit that the media ran into, or by us. */
export function unknown(code: string, message: string, cause?: unknown): FishermanError {
  return new FishermanError({ code, message, blame: 'unknown', cause })
}
