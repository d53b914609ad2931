import ffmpeg from 'fluent-ffmpeg'
import { FishermanError } from '../base/errors.ts'
import { Slots } from '../base/slots.ts'
import type { Wrapper } from './sandbox.ts'

/** Lines of ffmpeg's log that one run may produce; more than that is an attack on our memory. */
const MAX_LOG_LINES = 200_000
const MAX_LINE = 400

export interface FfmpegInput {
  path: string
  /** Options in front of `-i`, one word an element. */
  options: readonly string[]
}

export interface FfmpegOutput {
  path: string
  options: readonly string[]
}

export interface FfmpegJob {
  inputs: readonly FfmpegInput[]
  /** One string for -filter_complex; empty for none. */
  filter: string
  outputs: readonly FfmpegOutput[]
}

export interface FfmpegResult {
  /** False where ffmpeg ended with an error of its own; its lines say why. */
  ok: boolean
  lines: readonly string[]
}

/**
 * Exit codes with which a sandbox reports that ffmpeg died of a signal: ABRT, BUS, FPE, KILL, SEGV, TERM, XCPU, XFSZ. ffmpeg's own
 * are small, or the last byte of an error number: 183 for bad data, 234 for bad arguments.
 */
const KILLED = new Set([134, 135, 136, 137, 139, 143, 152, 153])
/** The sandbox speaks for itself in its own name. */
const OWN_FAILURE = /^(bwrap|prlimit): /

/**
 * The path of ffmpeg is a setting of the whole of fluent-ffmpeg, read a moment after a run was asked for: jobs start one after the
 * other, or one would run in the sandbox of another.
 */
const starting = new Slots(1)
/** Milliseconds that a start may take, on a machine under any load; a job that says nothing by then must not hold up the others. */
const START_MS = 20_000
/** Milliseconds that a killed job may take to be gone. */
const GRACE_MS = 5_000

const ours = (code: string, message: string, cause?: unknown): FishermanError =>
  new FishermanError({ code, message, blame: 'unknown', cause })

/**
 * Runs ffmpeg once through the wrapper; the only place that touches fluent-ffmpeg. Resolves with `ok: false` for an ordinary
 * error exit; throws, with a blame that is never `theirs`, when it could not run, was killed, or ran into a limit.
 */
export async function runFfmpeg(
  wrapper: Wrapper,
  job: FfmpegJob,
  options: { wallMs: number; signal?: AbortSignal | undefined },
): Promise<FfmpegResult> {
  options.signal?.throwIfAborted()
  // stdoutLines bounds the ring that fluent-ffmpeg keeps for itself; we collect our own lines.
  const command = ffmpeg({ stdoutLines: 50 })
  const path = await wrapper(job.inputs.map((input) => input.path))
  options.signal?.throwIfAborted()
  job.inputs.forEach((input, i) => {
    command.input(`file:${input.path}`)
    const global = i === 0 ? ['-hide_banner', '-nostdin', '-loglevel', 'repeat+level+info', '-filter_complex_threads', '1'] : []
    command.inputOptions(...[...global, '-protocol_whitelist', 'file', ...input.options])
  })
  if (job.filter) command.complexFilter([job.filter])
  for (const output of job.outputs) command.output(output.path).outputOptions(...output.options)

  const lines: string[] = []
  return await new Promise<FfmpegResult>((resolve, reject) => {
    let failure: Error | undefined
    let running = false
    let late: NodeJS.Timeout | undefined
    const stop = (error: Error): void => {
      failure ??= error
      // kill() before the start event is lost; the start handler kills then. An end that never comes must not hold us either.
      if (running) command.kill('SIGKILL')
      late ??= setTimeout(() => settle(() => reject(failure)), GRACE_MS)
    }
    const onAbort = (): void => stop(options.signal?.reason instanceof Error ? options.signal.reason : new Error('aborted'))
    const timer = setTimeout(
      () => stop(ours('media-time-limit', `ffmpeg was stopped after ${options.wallMs} ms`)),
      options.wallMs,
    )
    const settle = (finish: () => void): void => {
      clearTimeout(timer)
      clearTimeout(late)
      options.signal?.removeEventListener('abort', onAbort)
      finish()
    }
    options.signal?.addEventListener('abort', onAbort, { once: true })
    command.on('start', () => {
      running = true
      if (failure) command.kill('SIGKILL')
    })
    command.on('stderr', (line: string) => {
      if (lines.length < MAX_LOG_LINES) lines.push(line.slice(0, MAX_LINE))
      else stop(ours('media-log-limit', `ffmpeg wrote more than ${MAX_LOG_LINES} log lines`))
    })
    command.on('end', () => settle(() => (failure ? reject(failure) : resolve({ ok: true, lines }))))
    command.on('error', (error: Error) =>
      settle(() => {
        const code = Number(/exited with code (\d+)/.exec(error.message)?.[1] ?? -1)
        const ownFailure = lines.find((line) => OWN_FAILURE.test(line))
        if (failure) reject(failure)
        else if (KILLED.has(code)) reject(ours('media-killed', `ffmpeg was killed by signal ${code - 128}, probably by a limit`))
        else if (ownFailure !== undefined) {
          reject(new FishermanError({ code: 'sandbox-failed', message: `the sandbox failed: ${ownFailure}`, blame: 'ours' }))
        } else if (code === 126 || code === 127) {
          reject(new FishermanError({ code: 'ffmpeg-unusable', message: `cannot run ffmpeg: ${error.message}`, blame: 'ours' }))
        } else if (code >= 0) resolve({ ok: false, lines })
        else if (/signal/.test(error.message)) {
          reject(ours('media-killed', `ffmpeg was killed, probably by a limit: ${error.message.split('\n')[0]}`, error))
        } else
          reject(new FishermanError({ code: 'ffmpeg-unusable', message: `cannot run ffmpeg: ${error.message}`, blame: 'ours' }))
      }),
    )
    // The patience with a start begins when it is its turn, and ends with it: a timer left behind would keep a process alive.
    const start = async (): Promise<void> =>
      await new Promise<void>((begun) => {
        const patience = setTimeout(() => {
          stop(ours('media-no-start', `ffmpeg did not start within ${START_MS} ms`))
          begun()
        }, START_MS)
        const done = (): void => {
          clearTimeout(patience)
          begun()
        }
        for (const event of ['start', 'error', 'end']) command.once(event, done)
        command.setFfmpegPath(path)
        command.run()
      })
    starting
      .run(async () => {
        if (failure) settle(() => reject(failure))
        else await start()
      })
      .catch(reject)
  })
}
