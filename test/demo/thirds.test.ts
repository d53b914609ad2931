import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { build } from 'esbuild'
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { Hex } from '../../proofs/types.ts'
import { systemClock } from '../../src/base/clock.ts'
import { SILENT } from '../../src/base/log.ts'
import { createChain } from '../../src/chain/chain.ts'
import type { Chain } from '../../src/chain/types.ts'
import { NEW_TRUST, type Trust } from '../../src/court/trust.ts'
import { type Child, projectRoot, startChild } from '../../src/devnet/children.ts'
import { createParty, grantsFor, type LocalChain, type Party, register, startLocalChain } from '../../src/devnet/demo-network.ts'
import { createProcesses, type Processes, type RunningNode } from '../../src/devnet/demo-processes.ts'
import { freePorts } from '../../src/devnet/ports.ts'
import { cutSegments } from '../../src/devnet/segments.ts'
import type { Hostility } from './hostile-judge.ts'

// Seven members with equal bonds, processes of their own, and two nodes: one that freezes its pictures and one that works. Just under a third
// of the members is away, or lies.

const MEMBERS = 7
const CHILD = 'dist/test/hostile-child.mjs'
const SEGMENTS = 6

let home: string
let stop: AbortController
let chain: LocalChain
let ledger: Chain
let processes: Processes
let parties: Party[]
/** The one that the nodes take orders from. */
let gateway: Party
let nodes: { honest: RunningNode; liar: RunningNode }
let children: Child[]

beforeAll(async () => {
  const { BUNDLE } = (await import('../../scripts/bundle.mjs' as string)) as { BUNDLE: object }
  const places: Record<string, string> = {
    'src/daemon/tools.ts ../judge.ts': 'hostile-judge.ts',
    'src/daemon/store.ts ../attest/attester.ts': 'hostile-attester.ts',
    'src/pipeline.ts ./pipeline/answers.ts': 'hostile-answers.ts',
  }
  const replaced = new Set<string>()
  await build({
    ...BUNDLE,
    absWorkingDir: projectRoot,
    entryPoints: ['test/demo/hostile-child.ts'],
    outfile: CHILD,
    define: { FISHERMAN_VERSION: '"hostile"' },
    plugins: [
      {
        name: 'hostile',
        setup({ onResolve }) {
          onResolve({ filter: /^\.\.?\/(judge|attest\/attester|pipeline\/answers)\.ts$/ }, ({ path, importer }) => {
            const place = `${relative(projectRoot, importer)} ${path}`
            const name = places[place]
            if (name) replaced.add(place)
            return name ? { path: join(projectRoot, 'test/demo', name) } : undefined
          })
        },
      },
    ],
  })
  // Otherwise nobody lies here, and all would be well.
  expect([...replaced].sort()).toEqual(Object.keys(places).sort())
})

beforeEach(async () => {
  home = mkdtempSync(join(tmpdir(), 'fisherman-test-thirds-'))
  for (const name of ['logs', 'segments']) mkdirSync(join(home, name))
  stop = new AbortController()
  children = []
  const { signal } = stop
  chain = await startLocalChain(home, signal)
  processes = createProcesses({ folder: home, chain, signal })
  const names = Array.from({ length: MEMBERS }, (_, i) => `member-${i + 1}`)
  parties = await Promise.all(names.map((name) => createParty(home, name)))
  const [honest, freeze, buyer] = (await Promise.all(['honest', 'freeze', 'gateway'].map((name) => createParty(home, name)))) as [
    Party,
    Party,
    Party,
  ]
  gateway = buyer
  await chain.fund(grantsFor([honest, freeze], parties))
  await Promise.all(parties.map((party) => register(chain, party, signal)))
  const requester = gateway.signer.address
  const [working, lying] = await Promise.all([
    processes.orchestrator('honest', honest, requester),
    processes.orchestrator('freeze', freeze, requester),
  ])
  nodes = { honest: working, liar: lying }
  ledger = await createChain(
    { rpcUrls: [chain.anvil.rpcUrl], deployment: chain.deployment, signal },
    { clock: systemClock, log: SILENT },
  )
}, 90_000)

afterEach(async ({ task }) => {
  await processes?.stop()
  await Promise.all(children.map((child) => child.stop()))
  stop.abort()
  await ledger?.close()
  await chain?.stop()
  // What failed is told with the place of its logs.
  if (task.result?.state !== 'fail') rmSync(home, { recursive: true, force: true })
}, 60_000)

async function play(started: number, hostile: readonly Hostility[] = []): Promise<void> {
  const ports = await freePorts(started + hostile.length)
  const feeds = [nodes.honest, nodes.liar]
  await Promise.all(parties.slice(0, started).map((party, i) => processes.fisherman(party, feeds, ports[i] as number, ports)))
  hostile.forEach((does, i) => {
    const party = parties[started + i] as Party
    const at = (port: number | undefined) => `/ip4/127.0.0.1/tcp/${port}`
    const config = {
      ...{ network: 'local', mode: 'active', dataDir: party.dataDir, key: party.key },
      ...{ rpc: [chain.anvil.rpcUrl], deployment: chain.deploymentFile, hardware: 'off', ffmpegJobs: 1 },
      http: { host: '127.0.0.1', port: 0 },
      gossip: { listen: [at(ports[started + i])], bootstrap: ports.slice(0, started).map(at) },
      feeds: feeds.map(({ address, url }) => ({ transcoder: address, url })),
    }
    const file = join(home, `${party.name}.json`)
    writeFileSync(file, JSON.stringify(config))
    const logFile = join(home, 'logs', `${party.name}.log`)
    const args = [file, JSON.stringify(does)]
    children.push(startChild({ name: party.name, program: join(projectRoot, CHILD), args, logFile }))
  })
  const cut = await cutSegments({ video: 'dist/demo.mp4', folder: join(home, 'segments'), count: SEGMENTS, signal: stop.signal })
  await processes.gateway(gateway, feeds, cut.files, 4_000)
}

async function until(what: string, condition: () => boolean, seconds: number): Promise<void> {
  for (const end = Date.now() + seconds * 1000; Date.now() < end; ) {
    if (condition()) return
    await new Promise((resolve) => setTimeout(resolve, 250))
  }
  const cases = ledger.cases().map(({ transcoder, state, faultClass }) => `${faultClass} ${transcoder} ${state}`)
  throw new Error(`never happened: ${what}; cases: ${cases.join(', ') || 'none'}; logs in ${home}`)
}

const about = (address: Hex) => ledger.cases().filter(({ transcoder }) => transcoder === address)
const isConvicted = (address: Hex) => about(address).some(({ state }) => state === 'convicted' || state === 'settled')

/** What the five honest members think of one; those who think nothing of it yet are left out. */
function opinionsOf(party: Party | undefined): Trust[] {
  return parties.slice(0, 5).flatMap(({ dataDir }) => {
    try {
      return JSON.parse(readFileSync(join(dataDir, 'trust.json'), 'utf8'))[party?.signer.address ?? ''] ?? []
    } catch {
      return []
    }
  })
}

describe('with just under a third of the members away', () => {
  it('a liar is convicted, and who works is not', { timeout: 300_000 }, async () => {
    await play(5)
    await until('the conviction of the liar', () => isConvicted(nodes.liar.address), 240)
    expect(about(nodes.honest.address)).toEqual([])
  })
})

describe('with just under a third of the members hostile', () => {
  it('a liar is convicted though they shield it, and nobody is framed though they accuse', { timeout: 420_000 }, async () => {
    const [framed, shielded] = [nodes.honest.address, nodes.liar.address]
    await play(5, [
      { frames: framed, shields: shielded },
      { shields: shielded, neverOpens: true },
    ])
    await until('the conviction of the liar', () => isConvicted(shielded), 300)
    await until('a false case', () => about(framed).length > 0, 60)
    await until('its end', () => about(framed).every(({ state }) => !['open', 'answered'].includes(state)), 120)
    expect(isConvicted(framed)).toBe(false)
    // Whoever replayed its accusation thinks less of the framer.
    await until('a fault of the framer', () => opinionsOf(parties[5]).some(({ faults }) => faults > 0), 60)
  })

  it('a liar is convicted though they look at nothing, and who copies is found out by all', { timeout: 420_000 }, async () => {
    await play(5, [{ lazy: true }, { copies: true }])
    await until('the conviction of the liar', () => isConvicted(nodes.liar.address), 300)
    await until('a fault of the copier at each', () => opinionsOf(parties[6]).filter(({ faults }) => faults > 0).length === 5, 60)
    expect(about(nodes.honest.address)).toEqual([])
    // Saying what is usual earns nothing: whoever is lazy is believed no more than a newcomer.
    for (const { value } of opinionsOf(parties[5])) expect(value).toBeLessThanOrEqual(NEW_TRUST.value)
  })
})
