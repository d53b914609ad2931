import { execFile } from 'node:child_process'

/** A listing of ffmpeg is a few dozen KiB and takes 0.1 s; a wrapper script or a cold disk may take some seconds. */
const LISTING_MS = 10_000

/** What a program prints when it is only asked about itself; undefined where it does not answer. No media passes here. */
export function ask(program: string, args: readonly string[], timeoutMs = LISTING_MS): Promise<string | undefined> {
  return new Promise((resolve) => {
    execFile(
      program,
      [...args],
      { timeout: timeoutMs, killSignal: 'SIGKILL', maxBuffer: 4 << 20, env: { PATH: '/usr/bin:/bin', LC_ALL: 'C' } },
      (error, stdout) => resolve(error ? undefined : stdout),
    )
  })
}
