import { existsSync } from 'node:fs'
import { mkdir, readdir, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import type { Hex } from '../../proofs/types.ts'
import { keystoreAddress, loadKeystore } from '../attest/keys.ts'
import { sleep } from '../base/clock.ts'
import { FishermanError } from '../base/errors.ts'
import { openAccount } from '../chain/account.ts'
import { loadDeployment } from '../chain/deployment.ts'
import { fund } from '../chain/setup.ts'
import { readKeyPlaces } from '../config/key-places.ts'
import { networkFileText, readNetworkFile } from '../config/network-file.ts'
import { lastLine, projectRoot } from './children.ts'
import { createParty, grantForFisherman, grantsFor, type Party, register, startLocalChain } from './demo-network.ts'
import { createProcesses, type Processes } from './demo-processes.ts'
import { freePorts } from './ports.ts'
import { cutSegments } from './segments.ts'
import type { Behaviour } from './work.ts'

// A local network that lasts: somebody learns on it what a fisherman does, before anything is worth something. Everybody else is there; the
// fisherman who sends to the chain is missing, and that is whoever joins.

export interface UpInit {
  /** Made when missing; must be empty. */
  folder: string
  behaviours: readonly Behaviour[]
  /** Fishermen that answer and vote and send nothing. */
  fishermen: number
  video?: string | undefined
}

/** Milliseconds between two segments of one stream: half of what they last, so that two cores also have time for who joins. */
const EVERY_MS = 6000
/** Segments of a stream; then another one begins. */
const SEGMENTS = 10
const LOOK_MS = 1000

const PLACES = { network: 'network.json', faucet: { file: 'faucet.json', passwordFile: 'faucet.password' } } as const

/** Runs until the signal fires. Throws when something ends that should not. */
export async function runLocalNetwork(init: UpInit, deps: { say(line: string): void; signal: AbortSignal }): Promise<void> {
  const folder = resolve(init.folder)
  const video = init.video ?? join(projectRoot, 'dist/demo.mp4')
  if (!existsSync(video))
    throw problem(
      'not-set-up',
      init.video ? `there is no video ${video}` : `${video} is missing; type: npm run setup -- --for demo`,
    )
  await mkdir(folder, { recursive: true, mode: 0o700 })
  if ((await readdir(folder)).length > 0)
    throw problem(
      'folder-used',
      `${folder} is not empty; remove what an earlier network left there, or choose another with --folder`,
    )
  await mkdir(join(folder, 'logs'))
  const abort = new AbortController()
  const signal = AbortSignal.any([deps.signal, abort.signal])
  const closers: (() => Promise<void>)[] = []
  try {
    await play({ ...init, folder, video, closers }, { ...deps, signal })
  } finally {
    abort.abort(new Error('the local network is over'))
    for (const close of closers.reverse()) await close()
  }
}

type Play = UpInit & { video: string; closers: (() => Promise<void>)[] }

async function play(init: Play, deps: { say(line: string): void; signal: AbortSignal }): Promise<void> {
  const { folder, behaviours, closers } = init
  const { say, signal } = deps
  const chain = await startLocalChain(folder, signal)
  closers.push(chain.stop)
  const { file, passwordFile } = PLACES.faucet
  say(`chain         ${chain.anvil.rpcUrl}, contracts in ${chain.deploymentFile}`)

  const { files } = await cutSegments({ video: init.video, folder: join(folder, 'segments'), count: SEGMENTS, signal })
  const processes = createProcesses({ folder, chain, signal })
  closers.push(processes.stop)
  const make = (names: readonly string[]) => Promise.all(names.map((name) => createParty(folder, name)))
  const operators = await make(behaviours.map((behaviour, i) => `orchestrator-${i + 1}-${behaviour}`))
  const crew = await make(Array.from({ length: init.fishermen }, (_, i) => `fisherman-${i + 1}`))
  const [gateway] = (await make(['gateway'])) as [Party]
  await chain.fund(grantsFor(operators, crew))
  await chain.keepFaucet({ file: join(folder, file), passwordFile: join(folder, passwordFile) })
  const nodes = await Promise.all(
    behaviours.map((behaviour, i) => processes.orchestrator(behaviour, operators[i] as Party, gateway.signer.address)),
  )
  for (const { behaviour, address, url } of nodes) say(`${behaviour.padEnd(13)} ${address} on ${url}`)
  await Promise.all(crew.map((party) => register(chain, party, signal)))
  const ports = await freePorts(crew.length)
  await Promise.all(crew.map((party, i) => processes.fisherman(party, nodes, ports[i] as number, ports, 'attest')))
  say(`fishermen     ${crew.length} that answer and vote, and send nothing to the chain`)
  await processes.gateway(gateway, nodes, files, EVERY_MS, true)

  const network = join(folder, PLACES.network)
  await writeFile(
    network,
    networkFileText({
      ...{ network: 'local', rpc: [chain.anvil.rpcUrl], deployment: 'deployment.json' },
      feeds: nodes.map(({ address, url }) => ({ transcoder: address, url })),
      bootstrap: ports.map((port) => `/ip4/127.0.0.1/tcp/${port}`),
    }),
  )
  say(`The network is up; what joins it reads ${network}. Ctrl-C ends it.`)
  await watch(processes, signal)
}

async function watch(processes: Processes, signal: AbortSignal): Promise<void> {
  for (;;) {
    const [dead] = processes.dead()
    if (dead)
      throw problem(
        'child-failed',
        `${dead.name} ended with code ${dead.exitCode()}: ${await lastLine(dead.logFile)} (${dead.logFile})`,
      )
    await sleep(LOOK_MS, signal)
  }
}

/** Gives an account of a local network what a fisherman needs; the key of the configuration where no address is said. */
export async function fundFrom(
  init: { folder: string; address?: string | undefined; config?: string | undefined },
  signal: AbortSignal,
): Promise<{ to: Hex; tokens: bigint; native: bigint }> {
  const folder = resolve(init.folder)
  const { rpc, deployment: file } = readNetworkFile(join(folder, PLACES.network))
  const to = init.address === undefined ? await ownAddress(init.config) : addressOf(init.address)
  const faucet = await loadKeystore(join(folder, PLACES.faucet.file), join(folder, PLACES.faucet.passwordFile))
  const deployment = loadDeployment(file)
  const [rpcUrl = ''] = rpc
  const account = await openAccount({ rpcUrl, chainId: deployment.chainId }, { signer: faucet.wallet() })
  const grant = grantForFisherman(to)
  await fund(account, deployment, [grant], { signal }).finally(() => account.close())
  return grant
}

function addressOf(text: string): Hex {
  if (/^0x[0-9a-fA-F]{40}$/.test(text)) return text.toLowerCase() as Hex
  throw problem('bad-usage', `'${text}' is no address: 0x and 40 hex digits`)
}

async function ownAddress(config: string | undefined): Promise<Hex> {
  const { key } = readKeyPlaces(config)
  if (!key) throw problem('bad-usage', 'the configuration has no key; say an address, or make one: fisherman keys new')
  return await keystoreAddress(key.file)
}

function problem(code: string, message: string): FishermanError {
  return new FishermanError({ code, message, blame: 'ours' })
}
