import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { Slots } from '../../src/base/slots.ts'

const slots = new Slots(availableParallelism())

async function ffmpeg(args: readonly string[]): Promise<void> {
  await slots.run(
    async () =>
      await new Promise<void>((resolve, reject) => {
        const child = spawn('ffmpeg', ['-v', 'error', '-nostdin', '-y', ...args], { stdio: ['ignore', 'ignore', 'pipe'] })
        let text = ''
        child.stderr.on('data', (data: Buffer) => {
          text = (text + data.toString()).slice(-2000)
        })
        child.on('error', reject)
        child.on('close', (code) => {
          if (code === 0) resolve()
          else reject(new Error(`ffmpeg ${args.join(' ')}\n${text}`))
        })
      }),
  )
}

const hashes = new Map<string, string>()

/** Content hash of a file, read once. */
export function hashOf(path: string): string {
  const known = hashes.get(path) ?? createHash('sha256').update(readFileSync(path)).digest('hex').slice(0, 20)
  hashes.set(path, known)
  return known
}

/** Names that stand for files in an argument list. */
export type Files = Readonly<Record<string, string>>

/**
 * Runs ffmpeg once for each list of arguments and returns what the last one wrote; kept by content. `@name` stands for an input
 * file, `@out` for the result and `@tmp` for a file between two runs.
 */
export async function build(
  dir: string,
  extension: string,
  runs: readonly (readonly string[])[],
  inputs: Files,
): Promise<string> {
  mkdirSync(dir, { recursive: true })
  const key = [JSON.stringify(runs), ...Object.entries(inputs).map(([name, path]) => `${name}=${hashOf(path)}`)].join(' ')
  const name = createHash('sha256').update(key).digest('hex').slice(0, 24)
  const path = join(dir, `${name}.${extension}`)
  if (existsSync(path)) return path
  const part = join(dir, `${name}.part.${extension}`)
  const tmp = join(dir, `${name}.tmp.ts`)
  const files: Files = { ...inputs, out: part, tmp }
  for (const run of runs) await ffmpeg(run.map((arg) => (arg.startsWith('@') ? (files[arg.slice(1)] ?? arg) : arg)))
  rmSync(tmp, { force: true })
  renameSync(part, path)
  return path
}
