import { mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Contract, id, JsonRpcProvider } from 'ethers'
import type { Hex } from '../../proofs/types.ts'
import { createParty, grantsFor, type LocalChain, type Party, register, startLocalChain } from '../../src/devnet/demo-network.ts'
import { createProcesses, type RunningNode } from '../../src/devnet/demo-processes.ts'
import { freePorts } from '../../src/devnet/ports.ts'
import { cutSegments } from '../../src/devnet/segments.ts'
import type { Behaviour } from '../../src/devnet/work.ts'
import type { CrashWorld, Sent } from '../crash/world.ts'
import { createFisherman, type Fisherman } from './fisherman.ts'
import { type RpcWay, startRpcWay } from './proxy.ts'

/** A network of processes: a chain, nodes that work and that cheat, fishermen, and gateways that can be stopped. */
export interface SoakWorld {
  chain: LocalChain
  nodes: RunningNode[]
  fishermen: Fisherman[]
  /** No further segment is ordered. */
  stopOrders(): Promise<void>
  /** How often each fault was convicted, by fault, and whose it was. */
  convictions(): Promise<Map<Hex, { transcoder: Hex; times: number }>>
  /** One fisherman as the checks after a crash want it. */
  asCrashWorld(fisherman: Fisherman): CrashWorld
  /** Processes of the network that ended. */
  dead(): string[]
  stopFishermen(): Promise<void>
  stop(): Promise<void>
}

export interface SoakWorldInit {
  home: string
  behaviours: readonly Behaviour[]
  fishermen: number
  /** Fishermen with a small disk that can be filled: the first ones. */
  disks: number
  /** Milliseconds between two segments of a node. */
  everyMs(behaviour: Behaviour): number
  minutes: number
}

const SEGMENTS = 8

export async function createSoakWorld(init: SoakWorldInit): Promise<SoakWorld> {
  const { home } = init
  const stop = new AbortController()
  const { signal } = stop
  for (const name of ['logs', 'segments']) mkdirSync(join(home, name))
  const chain = await startLocalChain(home, signal)
  const processes = createProcesses({ folder: home, chain, signal })
  const parties = (names: readonly string[]) => Promise.all(names.map((name) => createParty(home, name)))
  const crew = await parties(Array.from({ length: init.fishermen }, (_, i) => `fisherman-${i + 1}`))
  const operators = await parties(init.behaviours)
  const gateways = await parties(init.behaviours.map((behaviour) => `gateway-${behaviour}`))
  await chain.fund(grantsFor(operators, crew))
  await Promise.all(crew.map((party) => register(chain, party, signal)))
  const nodes = await Promise.all(
    init.behaviours.map((behaviour, i) =>
      processes.orchestrator(behaviour, operators[i] as Party, (gateways[i] as Party).signer.address),
    ),
  )
  const ways: RpcWay[] = []
  const ports = await freePorts(crew.length)
  const at = (port: number | undefined) => `/ip4/127.0.0.1/tcp/${port}`
  const fishermen: Fisherman[] = []
  for (const [i, party] of crew.entries()) {
    const way = await startRpcWay(chain.anvil.rpcUrl)
    ways.push(way)
    const config = {
      ...{ network: 'local', mode: 'active', deployment: chain.deploymentFile, hardware: 'off', ffmpegJobs: 1 },
      http: { host: '127.0.0.1', port: 0 },
      gossip: { listen: [at(ports[i])], bootstrap: ports.filter((port) => port !== ports[i]).map(at) },
      feeds: nodes.map(({ address, url }) => ({ transcoder: address, url })),
    }
    fishermen.push(createFisherman({ home, party, way, config, hasDisk: i < init.disks }))
  }
  const cut = await cutSegments({ video: 'dist/demo.mp4', folder: join(home, 'segments'), count: SEGMENTS, signal })
  const orders = await Promise.all(
    nodes.map((node, i) => {
      const everyMs = init.everyMs(node.behaviour)
      // Twice the time: the end of the soak ends them.
      const rounds = Math.ceil((2 * init.minutes * 60_000) / everyMs / SEGMENTS) + 8
      return processes.gateway(gateways[i] as Party, [node], Array.from({ length: rounds }, () => cut.files).flat(), everyMs)
    }),
  )
  const provider = new JsonRpcProvider(chain.anvil.rpcUrl, undefined, { staticNetwork: true })
  const isConvicted = new Contract(
    chain.deployment.verifier,
    ['function isConvicted(bytes32) view returns (bool)'],
    provider,
  ).getFunction('isConvicted')

  return {
    ...{ chain, nodes, fishermen },
    stopOrders: async () => void (await Promise.all(orders.map((child) => child.stop()))),
    async convictions() {
      const topic = id('Convicted(bytes32,address,uint8,address,uint256,bytes32)')
      const logs = await provider.getLogs({ address: chain.deployment.verifier, topics: [topic], fromBlock: 0 })
      const found = new Map<Hex, { transcoder: Hex; times: number }>()
      for (const { topics } of logs) {
        const [, faultId, whose] = topics as [string, Hex, string]
        const transcoder: Hex = `0x${whose.slice(-40)}`
        found.set(faultId, { transcoder, times: (found.get(faultId)?.times ?? 0) + 1 })
      }
      return found
    },
    asCrashWorld: ({ party, name }) => ({
      ...{ chain, fisherman: party },
      run: () => Promise.reject(new Error('not here')),
      async transactions() {
        const sent: Sent[] = []
        const me = party.signer.address
        for (let number = await provider.getBlockNumber(); number > 0; number--) {
          const block = await provider.getBlock(number, true)
          for (const { from, to, data, nonce, hash } of block?.prefetchedTransactions ?? [])
            if (from.toLowerCase() === me)
              sent.push({ to: to ?? '', data, nonce, ok: (await provider.getTransactionReceipt(hash))?.status === 1 })
        }
        return sent.reverse()
      },
      async unproven(faultIds) {
        const told = await Promise.all(faultIds.map((faultId) => isConvicted(faultId) as Promise<boolean>))
        return faultIds.filter((_, i) => !told[i])
      },
      logOf: () => readFileSync(join(home, 'logs', `${name}.log`), 'utf8'),
      stop: async () => undefined,
    }),
    dead: () => processes.dead().map((child) => `${child.name} ended with ${child.exitCode()}`),
    stopFishermen: async () => void (await Promise.all(fishermen.map((fisherman) => fisherman.stop()))),
    async stop() {
      await Promise.all(fishermen.map((fisherman) => fisherman.stop()))
      for (const fisherman of fishermen) fisherman.unmount()
      await processes.stop()
      for (const way of ways) way.close()
      provider.destroy()
      stop.abort()
      await chain.stop()
    },
  }
}
