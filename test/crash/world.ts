import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { build } from 'esbuild'
import { Contract, JsonRpcProvider } from 'ethers'
import { projectRoot, startChild } from '../../src/devnet/children.ts'
import { createParty, grantsFor, type LocalChain, type Party, register, startLocalChain } from '../../src/devnet/demo-network.ts'
import { createProcesses, type Processes, type RunningNode } from '../../src/devnet/demo-processes.ts'
import { cutSegments } from '../../src/devnet/segments.ts'

/** Where a run is cut off: at the n-th time that a point is reached, or some time after the start. */
export type Cut =
  | { point: string; count?: number; withinMs?: number }
  | { afterMs: number }
  /** When this comes true, asked once a second; what was never reached after so many milliseconds is not a hit. */
  | { until: () => Promise<boolean>; withinMs: number }

/** One line of a child's journal. */
export interface Reached {
  point: string
  step?: string
  what?: string
  stage?: string
  record?: unknown
}

/** A transaction on the chain. */
export interface Sent {
  to: string
  data: string
  nonce: number
  /** False where the chain reverted it. */
  ok: boolean
}

/** A local network that never stands still, and one fisherman on it that is killed again and again. */
export interface CrashWorld {
  chain: LocalChain
  fisherman: Party
  /** Starts the fisherman, waits until it is cut off, and gives what it said before. `hit` is false where the point never came. */
  run(cut: Cut): Promise<{ journal: Reached[]; hit: boolean }>
  /** Transactions that the fisherman has on the chain, in order. */
  transactions(): Promise<Sent[]>
  /** Those of these faults that are not proven on the chain. */
  unproven(faultIds: readonly string[]): Promise<string[]>
  logOf(): string
  stop(): Promise<void>
}

/** Milliseconds that a run may take to reach its point, where it does not say otherwise. */
const PATIENCE_MS = 14_000
/** Segments of the stream, over and over: two hours of it. */
const ROUNDS = 900
const CHILD = 'dist/test/crash-child.mjs'

export async function createCrashWorld(home: string): Promise<CrashWorld> {
  const stop = new AbortController()
  const { signal } = stop
  await bundleChild()
  for (const name of ['logs', 'segments']) mkdirSync(join(home, name))
  const chain = await startLocalChain(home, signal)
  const processes: Processes = createProcesses({ folder: home, chain, signal })
  const parties = await Promise.all(
    ['honest', 'passthrough', 'freeze', 'gateway', 'fisherman'].map((name) => createParty(home, name)),
  )
  const [honest, passthrough, freeze, gateway, fisherman] = parties as [Party, Party, Party, Party, Party]
  await chain.fund(grantsFor([honest, passthrough, freeze], [fisherman]))
  await register(chain, fisherman, signal)
  const requester = gateway.signer.address
  const nodes: RunningNode[] = await Promise.all([
    processes.orchestrator('honest', honest, requester),
    processes.orchestrator('passthrough', passthrough, requester),
    processes.orchestrator('freeze', freeze, requester),
  ])
  const cutUp = await cutSegments({ video: 'dist/demo.mp4', folder: join(home, 'segments'), count: 8, signal })
  const stream = Array.from({ length: ROUNDS }, () => cutUp.files).flat()
  await processes.gateway(gateway, nodes, stream, 2_500)
  const configFile = join(home, 'fisherman.config.json')
  writeFileSync(
    configFile,
    JSON.stringify({
      ...{ network: 'local', mode: 'active', dataDir: fisherman.dataDir, key: fisherman.key },
      ...{ rpc: [chain.anvil.rpcUrl], deployment: chain.deploymentFile, hardware: 'off', ffmpegJobs: 1 },
      ...{ http: { host: '127.0.0.1', port: 0 }, gossip: { listen: ['/ip4/127.0.0.1/tcp/0'], bootstrap: [] } },
      feeds: nodes.map(({ address, url }) => ({ transcoder: address, url })),
    }),
  )
  const journalFile = join(home, 'journal')
  const logFile = join(home, 'logs', 'fisherman.log')

  return {
    chain,
    fisherman,
    async run(cut) {
      rmSync(journalFile, { force: true })
      writeFileSync(journalFile, '')
      const asked = 'until' in cut
      const args = [configFile, journalFile, JSON.stringify(asked ? {} : cut)]
      const child = startChild({ name: 'fisherman', program: join(projectRoot, CHILD), args, logFile })
      const late = Symbol('late')
      const done = Symbol('done')
      const ended = await Promise.race([
        child.exited,
        sleep('withinMs' in cut ? cut.withinMs : PATIENCE_MS, late, { ref: false }),
        ...(asked ? [becomesTrue(cut.until).then(() => done)] : []),
      ])
      if (typeof ended === 'symbol') {
        child.kill()
        await child.exited
      } else if (ended !== -1) throw new Error(`the fisherman ended by itself with ${String(ended)}: ${tail(logFile)}`)
      const journal = readFileSync(journalFile, 'utf8').split('\n').flatMap(readLine)
      await child.stop()
      return { journal, hit: ended !== late }
    },
    async transactions() {
      const provider = new JsonRpcProvider(chain.anvil.rpcUrl)
      try {
        const found: Sent[] = []
        const me = fisherman.signer.address
        for (let number = await provider.getBlockNumber(); number > 0; number--) {
          const block = await provider.getBlock(number, true)
          for (const { from, to, data, nonce, hash } of block?.prefetchedTransactions ?? [])
            if (from.toLowerCase() === me)
              found.push({ to: to ?? '', data, nonce, ok: (await provider.getTransactionReceipt(hash))?.status === 1 })
        }
        return found.reverse()
      } finally {
        provider.destroy()
      }
    },
    async unproven(faultIds) {
      const provider = new JsonRpcProvider(chain.anvil.rpcUrl)
      try {
        const verifier = new Contract(chain.deployment.verifier, ['function isConvicted(bytes32) view returns (bool)'], provider)
        const isConvicted = verifier.getFunction('isConvicted')
        const told = await Promise.all(faultIds.map((faultId) => isConvicted(faultId) as Promise<boolean>))
        return faultIds.filter((_, i) => !told[i])
      } finally {
        provider.destroy()
      }
    },
    logOf: () => readFileSync(logFile, 'utf8'),
    async stop() {
      await processes.stop()
      stop.abort()
      await chain.stop()
    },
  }
}

/** Asked anew after each answer; what fails to answer is asked again. */
async function becomesTrue(condition: () => Promise<boolean>): Promise<void> {
  while (!(await condition().catch(() => false))) await sleep(1_000, undefined, { ref: false })
}

/** A line that was cut in the middle is none. */
function readLine(line: string): Reached[] {
  try {
    return line === '' ? [] : [JSON.parse(line) as Reached]
  } catch {
    return []
  }
}

function tail(file: string): string {
  return readFileSync(file, 'utf8').slice(-1_500)
}

async function bundleChild(): Promise<void> {
  // The bundler's options are those of the program itself.
  const { BUNDLE } = (await import('../../scripts/bundle.mjs' as string)) as { BUNDLE: object }
  await build({
    ...BUNDLE,
    absWorkingDir: projectRoot,
    entryPoints: ['test/crash/child.ts'],
    outfile: CHILD,
    define: { FISHERMAN_VERSION: '"crash"' },
  })
}
