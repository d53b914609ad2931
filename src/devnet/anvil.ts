import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { createInterface } from 'node:readline'
import { deadline } from '../base/clock.ts'
import { FishermanError } from '../base/errors.ts'

export interface Anvil {
  rpcUrl: string
  chainId: bigint
  /** Resolves when the process is gone. */
  stopped: Promise<void>
  stop(): Promise<void>
}

export interface AnvilInit {
  /** Genesis accounts with 10,000 coins each come from it. */
  mnemonic: string
  accounts?: number
  /** 0 lets the system choose a free one. */
  port?: number
  /** Seconds between blocks; undefined makes a block for each transaction. */
  blockTimeSec?: number
  chainId?: bigint
  /** Unix seconds of the first block. */
  genesisSec?: number
  signal: AbortSignal
}

/**
 * Keeps anvil and its parent together: the shell holds the read end of a pipe, and the end of that pipe, which comes with the end of our
 * process however it dies, kills anvil. `$@` is the command.
 */
const LEASH = `exec 3<&0
"$@" </dev/null 3<&- &
child=$!
{ cat <&3 >/dev/null; kill -9 $child 2>/dev/null; } >/dev/null 2>&1 &
exec 3<&- </dev/null
wait $child`

/** Milliseconds for the first line; a cold disk needs a few seconds. */
const START_MS = 20_000

/** Starts a local chain on 127.0.0.1. Throws `anvil-missing` or `anvil-failed`. */
export async function startAnvil(init: AnvilInit): Promise<Anvil> {
  const chainId = init.chainId ?? 31_337n
  const args = ['--host', '127.0.0.1', '--port', String(init.port ?? 0), '--accounts', String(init.accounts ?? 20)]
  args.push('--mnemonic', init.mnemonic, '--chain-id', String(chainId), '--hardfork', 'cancun', '--threads', '1')
  if (init.blockTimeSec !== undefined) args.push('--block-time', String(init.blockTimeSec))
  if (init.genesisSec !== undefined) args.push('--timestamp', String(init.genesisSec))
  init.signal.throwIfAborted()
  const child = spawn('/bin/sh', ['-c', LEASH, 'anvil', anvilBinary(), ...args], { stdio: ['pipe', 'pipe', 'pipe'] })
  const stopped = new Promise<void>((resolve) => child.once('close', () => resolve()))
  const end = () => {
    child.stdin?.destroy()
  }
  init.signal.addEventListener('abort', end, { once: true })
  child.once('close', () => init.signal.removeEventListener('abort', end))
  try {
    const port = await listening(child, deadline(START_MS, init.signal))
    return {
      rpcUrl: `http://127.0.0.1:${port}`,
      chainId,
      stopped,
      async stop() {
        end()
        await stopped
      },
    }
  } catch (error) {
    end()
    throw error
  }
}

/** The binary of this platform's package: npm's wrapper would leave it running when killed. */
function anvilBinary(): string {
  const platform = process.platform === 'win32' ? 'win32' : process.platform
  const name = `@foundry-rs/anvil-${platform}-${process.arch === 'x64' ? 'amd64' : process.arch}`
  try {
    const require = createRequire(import.meta.url)
    const file = require.resolve(`${name}/bin/anvil`)
    if (existsSync(file)) return file
  } catch {
    // Not installed, or no package for this platform: the same message.
  }
  throw new FishermanError({ code: 'anvil-missing', message: `${name} is not installed; run npm run setup`, blame: 'ours' })
}

/** Port of the line `Listening on 127.0.0.1:<port>`. Later output is read and dropped, so that the pipe never fills. */
function listening(child: ChildProcess, signal: AbortSignal): Promise<number> {
  return new Promise((resolve, reject) => {
    let errors = ''
    const fail = (why: string) =>
      reject(new FishermanError({ code: 'anvil-failed', message: `the local chain did not start: ${why}`, blame: 'ours' }))
    const onAbort = () => fail('it was stopped, or printed no port in time')
    signal.addEventListener('abort', onAbort, { once: true })
    child.once('error', (error) => fail(error.message))
    child.once('close', (code) => fail(errors.trim().split('\n').at(-1)?.slice(0, 300) || `exit code ${code}`))
    child.stderr?.on('data', (chunk: Buffer) => {
      errors = (errors + chunk.toString('utf8')).slice(-2000)
    })
    if (!child.stdout) return
    createInterface({ input: child.stdout }).on('line', (line) => {
      const port = /^Listening on .*:(\d+)$/.exec(line.trim())?.[1]
      if (!port) return
      signal.removeEventListener('abort', onAbort)
      resolve(Number(port))
    })
  })
}
