import { dirname } from 'node:path'
import ffmpeg from 'fluent-ffmpeg'
import { Slots } from '../base/slots.ts'
import { endOf, exitOf, type RunEnd, unknown } from './exits.ts'
import { requireSoundMachine } from './machine.ts'
import type { Wrapper } from './sandbox.ts'

/**
 * Lines of ffmpeg's log that one run may produce. More are an attack on our memory, and a run that makes them has failed, as one that gave up
 * has: it is the media that speaks, and who fills the log of every check must not escape by it.
 */
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

/** Not `ok` where ffmpeg ended with an error of its own, or an output is not whole; its lines say why. */
export interface FfmpegResult extends RunEnd {
  lines: readonly string[]
}

/**
 * The path of ffmpeg is a setting of the whole of fluent-ffmpeg, read a moment after a run was asked for: jobs start one after the
 * other, or one would run in the sandbox of another.
 */
const starting = new Slots(1)
/** Milliseconds that a start may take, on a machine under any load; a job that says nothing by then must not hold up the others. */
const START_MS = 20_000
/** Milliseconds that a killed job may take to be gone. */
const GRACE_MS = 5_000

/**
 * Runs ffmpeg once through the wrapper; the only place that touches fluent-ffmpeg. Resolves with `ok: false` for an ordinary
 * error exit on a machine that is well, and for a log without end; throws, with a blame that is never `theirs`, when it could not run, was
 * killed, ran into a limit, or this machine is in trouble. A `trouble` that it names all the same has passed, or is the media's own doing.
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
    /** How a run ends that we stopped. */
    let giveUp: (() => void) | undefined
    let running = false
    let late: NodeJS.Timeout | undefined
    const stop = (how: () => void): void => {
      giveUp ??= how
      // kill() before the start event is lost; the start handler kills then. An end that never comes must not hold us either.
      if (running) command.kill('SIGKILL')
      late ??= setTimeout(() => settle(giveUp ?? how), GRACE_MS)
    }
    const fail = (error: Error): void => stop(() => reject(error))
    const onAbort = (): void => fail(options.signal?.reason instanceof Error ? options.signal.reason : new Error('aborted'))
    const timer = setTimeout(
      () => fail(unknown('media-time-limit', `ffmpeg was stopped after ${options.wallMs} ms`)),
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
      if (giveUp) command.kill('SIGKILL')
    })
    command.on('stderr', (line: string) => {
      if (lines.length < MAX_LOG_LINES) lines.push(line.slice(0, MAX_LINE))
      else stop(() => resolve({ ok: false, trouble: undefined, lines }))
    })
    const ended = async (code: number): Promise<FfmpegResult> => {
      const end = endOf(code, lines)
      const [inputs, [output]] = [job.inputs.map(({ path }) => path), job.outputs]
      if ((!end.ok || end.trouble !== undefined) && output)
        await requireSoundMachine({ folder: dirname(output.path), inputs, trouble: end.trouble })
      return { ...end, lines }
    }
    command.on('end', () => settle(giveUp ?? (() => resolve(ended(0)))))
    command.on('error', (error: Error) =>
      settle(() => {
        if (giveUp) return giveUp()
        const exit = exitOf(error, lines)
        if (typeof exit === 'number') resolve(ended(exit))
        else reject(exit)
      }),
    )
    // The patience with a start begins when it is its turn, and ends with it: a timer left behind would keep a process alive.
    const start = async (): Promise<void> =>
      await new Promise<void>((begun) => {
        const patience = setTimeout(() => {
          fail(unknown('media-no-start', `ffmpeg did not start within ${START_MS} ms`))
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
        if (giveUp) settle(giveUp)
        else await start()
      })
      .catch(reject)
  })
}
