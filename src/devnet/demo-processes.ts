import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Hex } from '../../proofs/types.ts'
import type { Config } from '../config/schema.ts'
import { type Announced, type Child, startChild, whenReady } from './children.ts'
import type { LocalChain, Party } from './demo-network.ts'
import { bond } from './demo-network.ts'
import type { Behaviour } from './work.ts'

/** Milliseconds until a process must be ready; two busy cores start a dozen of them slowly. */
const READY_MS = 60_000

export interface RunningNode {
  behaviour: Behaviour
  address: Hex
  url: string
  party: Party
}

export interface RunningFisherman {
  address: Hex
  url: string
  party: Party
  pid: number
}

/** Starts processes from configuration files of their own, and remembers all of them. */
export interface Processes {
  orchestrator(behaviour: Behaviour, party: Party, requester: Hex): Promise<RunningNode>
  /** Gossips on `port`; dials the other `ports`, so that all can start at once. */
  fisherman(
    party: Party,
    feeds: readonly RunningNode[],
    port: number,
    ports: readonly number[],
    mode?: Config['mode'],
  ): Promise<RunningFisherman>
  gateway(
    party: Party,
    nodes: readonly RunningNode[],
    segments: readonly string[],
    everyMs: number,
    repeat?: boolean,
  ): Promise<Child>
  /** Children that must run until we stop them and do not. */
  dead(): Child[]
  stop(): Promise<void>
}

export function createProcesses(init: { folder: string; chain: LocalChain; signal: AbortSignal }): Processes {
  const { folder, chain, signal } = init
  const children: Child[] = []
  const lasting: Child[] = []

  const start = async (party: Party, command: readonly string[], config: Readonly<Record<string, unknown>>): Promise<Child> => {
    signal.throwIfAborted()
    const file = join(folder, `${party.name}.config.json`)
    const common = {
      ...{ network: 'local', dataDir: party.dataDir, rpc: [chain.anvil.rpcUrl], deployment: chain.deploymentFile },
      ...{ key: party.key, log: { level: 'info', format: 'json' } },
    }
    await writeFile(file, JSON.stringify({ ...common, ...config }, undefined, 2))
    const logFile = join(folder, 'logs', `${party.name}.log`)
    // Nothing may start once a stop has begun.
    signal.throwIfAborted()
    const child = startChild({ name: party.name, args: [...command, '--config', file], logFile })
    children.push(child)
    return child
  }
  const ready = (child: Child, { dataDir }: Party): Promise<Announced> =>
    whenReady(child, dataDir, { signal, timeoutMs: READY_MS })
  const http = { host: '127.0.0.1', port: 0 }

  return {
    async orchestrator(behaviour, party, requester) {
      const child = await start(party, ['devnet', 'orchestrator', '--behaviour', behaviour], { http, requesters: [requester] })
      lasting.push(child)
      const { http: url = '' } = await ready(child, party)
      await bond(chain, party, url, signal)
      return { behaviour, address: party.signer.address, url, party }
    },
    async fisherman(party, feeds, port, ports, mode = 'active') {
      const at = (other: number) => `/ip4/127.0.0.1/tcp/${other}`
      const bootstrap = ports.filter((other) => other !== port).map(at)
      const child = await start(party, ['run', '--first-start'], {
        ...{ mode, http, ffmpegJobs: 1, gossip: { listen: [at(port)], bootstrap } },
        feeds: feeds.map(({ address, url }) => ({ transcoder: address, url })),
      })
      lasting.push(child)
      const { http: url = '', pid = 0 } = await ready(child, party)
      return { address: party.signer.address, url, party, pid }
    },
    async gateway(party, nodes, segments, everyMs, repeat = false) {
      const orchestrators = nodes.map(({ address, url }) => ({ transcoder: address, url }))
      const child = await start(party, ['devnet', 'gateway'], { segments, orchestrators, everyMs, repeat })
      if (repeat) lasting.push(child)
      return child
    },
    dead: () => lasting.filter((child) => child.exitCode() !== undefined),
    async stop() {
      await Promise.all(children.map((child) => child.stop()))
    },
  }
}
