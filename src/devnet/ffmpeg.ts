import { spawn } from 'node:child_process'
import { FishermanError, messageOf } from '../base/errors.ts'

export interface FfmpegOptions {
  signal: AbortSignal
  /** Wall clock; a longer run is killed. */
  timeoutMs: number
  /** Bytes of standard output at most. */
  maxBytes?: number
  program?: 'ffmpeg' | 'ffprobe'
}

/** Nothing may be fetched from elsewhere, and one thread keeps an encode the same on every machine. */
const ALWAYS = ['-v', 'error', '-nostdin', '-y', '-protocol_whitelist', 'file,pipe']

/** Runs ffmpeg once and returns what it wrote to standard output. Killed on abort and when it takes too long. */
export function runFfmpeg(args: readonly string[], options: FfmpegOptions): Promise<string> {
  const { signal, timeoutMs, maxBytes = 4 << 20, program = 'ffmpeg' } = options
  return new Promise((resolve, reject) => {
    signal.throwIfAborted()
    const given = program === 'ffmpeg' ? [...ALWAYS, ...args] : ['-v', 'error', '-protocol_whitelist', 'file', ...args]
    const child = spawn(program, given, { stdio: ['ignore', 'pipe', 'pipe'] })
    const out: Buffer[] = []
    let bytes = 0
    let complaint = ''
    let late = false
    const kill = () => child.kill('SIGKILL')
    const timer = setTimeout(() => {
      late = true
      kill()
    }, timeoutMs)
    signal.addEventListener('abort', kill, { once: true })
    child.stdout.on('data', (chunk: Buffer) => {
      bytes += chunk.length
      if (bytes > maxBytes) kill()
      else out.push(chunk)
    })
    child.stderr.on('data', (chunk: Buffer) => {
      if (complaint.length < 2000) complaint += chunk.toString('utf8')
    })
    const settle = () => {
      clearTimeout(timer)
      signal.removeEventListener('abort', kill)
    }
    child.on('error', (cause) => {
      settle()
      reject(failure(`cannot start ${program} (${messageOf(cause)}); type: npm run setup`, 'ours', cause))
    })
    child.on('close', (code) => {
      settle()
      if (signal.aborted) reject(signal.reason)
      else if (late) reject(failure(`${program} took longer than ${timeoutMs} ms and was stopped`, 'unknown'))
      else if (bytes > maxBytes) reject(failure(`${program} printed more than ${maxBytes} bytes and was stopped`, 'theirs'))
      else if (code !== 0) reject(failure(`${program} failed: ${lastLine(complaint)}`, 'theirs'))
      else resolve(Buffer.concat(out).toString('utf8'))
    })
  })
}

function lastLine(text: string): string {
  return (text.trim().split('\n').at(-1) ?? '').slice(0, 300) || 'it did not say why'
}

function failure(message: string, blame: 'ours' | 'theirs' | 'unknown', cause?: unknown): FishermanError {
  return new FishermanError({ code: 'ffmpeg', message, blame, ...(cause === undefined ? {} : { cause }) })
}
