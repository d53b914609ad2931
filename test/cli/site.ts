import { spawn } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { encryptKeystoreJson, type Wallet } from 'ethers'
import { serialiseDeployment } from '../../src/chain/deployment.ts'
import { createWorld, type World } from '../chain/world.ts'

const PROGRAM = fileURLToPath(new URL('../../bin/fisherman.mjs', import.meta.url))

export interface Ran {
  code: number | null
  out: string
  err: string
}

/** A folder with keystores and a deployment file, and the built program run in it. */
export interface CliFolder {
  path: string
  /** Runs the built program without a terminal. */
  fisherman(...args: string[]): Promise<Ran>
  /** Runs it until something has come true, and kills it then. */
  killed(when: () => Promise<boolean>, ...args: string[]): Promise<void>
  /** Flags of a key. */
  key(wallet: Wallet, name: string): Promise<string[]>
  file(name: string, text: string, mode?: number): Promise<string>
  remove(): Promise<void>
}

export async function createCliFolder(): Promise<CliFolder> {
  const path = await mkdtemp(join(tmpdir(), 'fisherman-cli-'))
  const file = async (name: string, text: string, mode = 0o600) => {
    await writeFile(join(path, name), text, { mode })
    return join(path, name)
  }
  await file('password', 'secret\n')
  const env = { ...process.env, XDG_CACHE_HOME: join(path, 'cache') }
  return {
    path,
    file,
    fisherman: (...args) =>
      new Promise((resolve, reject) => {
        const child = spawn(process.execPath, [PROGRAM, ...args], { cwd: path, env, stdio: ['ignore', 'pipe', 'pipe'] })
        const ran: Ran = { code: null, out: '', err: '' }
        child.stdout.on('data', (data) => (ran.out += data))
        child.stderr.on('data', (data) => (ran.err += data))
        child.once('error', reject)
        child.once('close', (code) => resolve({ ...ran, code }))
      }),
    async killed(when, ...args) {
      const child = spawn(process.execPath, [PROGRAM, ...args], { cwd: path, env, stdio: 'ignore' })
      const closed = new Promise((resolve) => child.once('close', resolve))
      while (child.exitCode === null && !(await when())) await wait(5)
      child.kill('SIGKILL')
      await closed
    },
    async key(wallet, name) {
      const json = await encryptKeystoreJson({ address: wallet.address, privateKey: wallet.privateKey }, 'secret', {
        scrypt: { N: 4096, r: 8, p: 1 },
      })
      return ['--key', await file(`${name}.json`, json), '--password-file', join(path, 'password')]
    },
    remove: () => rm(path, { recursive: true, force: true }),
  }
}

/** A real chain with contracts, and the program in a folder that knows it. */
export async function createCliWorld(): Promise<{ world: World; folder: CliFolder; at: string[] }> {
  const world = await createWorld({ roundSec: 3600 })
  const folder = await createCliFolder()
  const deployment = await folder.file('deployment.json', serialiseDeployment(world.deployment))
  return { world, folder, at: ['--rpc', world.anvil.rpcUrl, '--deployment', deployment] }
}

/** Flags of a daemon's configuration with these limits. */
export async function withLimits(
  { world, folder }: { world: World; folder: CliFolder },
  limits: Record<string, number>,
): Promise<string[]> {
  const deployment = await folder.file('deployment.json', serialiseDeployment(world.deployment))
  const text = JSON.stringify({ network: 'local', dataDir: 'data', rpc: [world.anvil.rpcUrl], deployment, limits })
  return ['--config', await folder.file('limits.json', text)]
}

/** What must hold of every refusal: exit code 2, nothing on standard output but what was planned, one line that says what to do. */
export function refused(ran: Ran): string {
  if (ran.code !== 2) throw new Error(`exit code ${ran.code}: ${ran.out}${ran.err}`)
  const lines = ran.err.trim().split('\n')
  if (lines.length !== 1) throw new Error(`${lines.length} lines:\n${ran.err}`)
  return lines[0] as string
}
