import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { sleep, systemClock } from '../base/clock.ts'
import { FishermanError, messageOf } from '../base/errors.ts'
import { SILENT } from '../base/log.ts'
import { createChain } from '../chain/chain.ts'
import type { Chain } from '../chain/types.ts'
import { type Child, lastLine, projectRoot } from './children.ts'
import { bundleLabel, copyBundles, openDemoFolder } from './demo-folder.ts'
import { createParty, grantsFor, type LocalChain, type Party, register, startLocalChain } from './demo-network.ts'
import { createProcesses, type Processes, type RunningFisherman, type RunningNode } from './demo-processes.ts'
import type { DemoResult } from './demo-report.ts'
import { fishermanFacts, readSummary, standingsOf } from './demo-watch.ts'
import { type Standing, unmet, wronged } from './expectations.ts'
import { freePorts } from './ports.ts'
import { cutSegments } from './segments.ts'
import { BEHAVIOURS } from './work.ts'

export interface DemoInit {
  /** Seconds from start to the end at the latest. */
  seconds: number
  /** Segments for each orchestrator. */
  segments: number
  video?: string | undefined
  keep: boolean
  /** Folder that the bundles are put in. */
  target: string
}

/** Where a demo shows what it does. */
export interface DemoView {
  /** Something that happened. */
  event(text: string): void
  /** How everyone stands now. */
  standings(list: readonly Standing[], phase: string): void
}

const FISHERMEN = 4
/** Milliseconds between two segments of one stream, and between two looks at everyone. */
const EVERY_MS = 4000
const LOOK_MS = 1000

/** Runs the whole network until every node got what it deserves or the time is over, and leaves nothing behind. */
export async function runDemo(init: DemoInit, deps: { view: DemoView; signal: AbortSignal }): Promise<DemoResult> {
  const startMs = systemClock.monotonicMs()
  const video = init.video ?? join(projectRoot, 'dist/demo.mp4')
  if (init.video === undefined && !existsSync(video))
    throw new FishermanError({ code: 'not-set-up', message: `${video} is missing; type: npm run setup`, blame: 'ours' })
  const folder = await openDemoFolder()
  const abort = new AbortController()
  const signal = AbortSignal.any([deps.signal, abort.signal])
  const closers: (() => Promise<void>)[] = []
  let keep = init.keep
  try {
    const result = await play({ ...init, video, startMs, folder: folder.path, closers }, { view: deps.view, signal })
    // A demo that went wrong keeps its logs; one that was stopped, or could not run, leaves nothing.
    keep ||= !result.ok
    return { ...result, ...(keep ? { folder: folder.path } : {}) }
  } finally {
    abort.abort(new Error('the demo is over'))
    for (const close of closers.reverse()) await close().catch((error: unknown) => deps.view.event(messageOf(error)))
    await folder.close(keep)
  }
}

interface Play extends DemoInit {
  video: string
  startMs: number
  folder: string
  /** What must be closed, in the order of opening. */
  closers: (() => Promise<void>)[]
}

async function play(init: Play, deps: { view: DemoView; signal: AbortSignal }): Promise<DemoResult> {
  const { folder, closers } = init
  const { view, signal } = deps
  const [cut, chain] = await inParallel([
    () => cutSegments({ video: init.video, folder: join(folder, 'segments'), count: init.segments, signal }),
    async () => {
      const started = await startLocalChain(folder, signal)
      closers.push(started.stop)
      return started
    },
  ])
  view.event(`cut ${cut.files.length} segments of 2 s${cut.loops > 1 ? `, the video used ${cut.loops} times` : ''}`)
  if (cut.warning) view.event(`warning: ${cut.warning}`)
  view.event(`local chain on ${chain.anvil.rpcUrl}, contracts deployed`)

  const processes = createProcesses({ folder, chain, signal })
  closers.push(processes.stop)
  const { nodes, fishermen, gateway: party } = await populate(init, { chain, processes, view, signal })
  const ledger = await createChain(
    { rpcUrls: [chain.anvil.rpcUrl], deployment: chain.deployment, signal },
    { clock: systemClock, log: SILENT },
  )
  closers.push(ledger.close)
  await until(
    async () => {
      const summaries = await Promise.all(fishermen.map(({ url }) => readSummary(url, signal)))
      const members = await ledger.members()
      return (
        summaries.every((summary) => summary && summary.peers >= FISHERMEN - 1) &&
        members.every((member) => member.activeFromSec <= ledger.nowSec())
      )
    },
    { init, processes, signal },
  )
  view.event(`${FISHERMEN} fishermen are bonded and connected`)

  const gateway = await processes.gateway(party, nodes, cut.files, EVERY_MS)
  view.event(`the gateway sends ${init.segments} segments to each of ${nodes.length} orchestrators`)
  return watch(init, { nodes, fishermen, gateway, processes, cases: ledger.cases, view, signal })
}

/** Keys, money, bonds and processes of everybody. */
async function populate(init: Play, deps: { chain: LocalChain; processes: Processes; view: DemoView; signal: AbortSignal }) {
  const { chain, processes, view, signal } = deps
  const parties = (names: readonly string[]) => Promise.all(names.map((name) => createParty(init.folder, name)))
  const names = Array.from({ length: FISHERMEN }, (_, i) => `fisherman-${i + 1}`)
  const [operators, crew, [gateway]] = await Promise.all([parties(BEHAVIOURS), parties(names), parties(['gateway'])])
  if (!gateway) throw new Error('no gateway')
  await chain.fund(grantsFor(operators, crew))
  const [nodes] = await inParallel([
    () =>
      Promise.all(
        BEHAVIOURS.map((behaviour, i) => processes.orchestrator(behaviour, operators[i] as Party, gateway.signer.address)),
      ),
    () => Promise.all(crew.map((party) => register(chain, party, signal))),
  ])
  view.event(`${nodes.length} orchestrators are bonded and serve their feeds`)
  const ports = await freePorts(crew.length)
  const fishermen = await Promise.all(crew.map((party, i) => processes.fisherman(party, nodes, ports[i] as number, ports)))
  return { nodes, fishermen, gateway }
}

interface Watched {
  nodes: readonly RunningNode[]
  fishermen: readonly RunningFisherman[]
  gateway: Child
  processes: Processes
  cases: Chain['cases']
  view: DemoView
  signal: AbortSignal
}

/** Looks at everyone each second until all is as it should be, something is wrong for good, or the time is over. */
async function watch(init: Play, deps: Watched): Promise<DemoResult> {
  const { nodes, fishermen, gateway, processes, view, signal } = deps
  const told = new Set<string>()
  const tell = (key: string, text: string) => {
    if (told.has(key)) return
    told.add(key)
    view.event(text)
  }
  for (;;) {
    const summaries = await Promise.all(fishermen.map(({ url }) => readSummary(url, signal)))
    const standings = standingsOf(
      nodes,
      summaries.filter((summary) => summary !== undefined),
      deps.cases(),
    )
    for (const { behaviour, fail, withheld, convictions } of standings) {
      if (fail > 0) tell(`${behaviour} fail`, `${behaviour} failed a check`)
      if (withheld > 0) tell(`${behaviour} withheld`, `${behaviour} was found to withhold`)
      for (const { faultClass, tx } of convictions)
        tell(`${behaviour} ${faultClass}`, `${behaviour} is convicted of ${faultClass} in ${tx}`)
    }
    const sent = gateway.exitCode() !== undefined
    if (sent) tell('sent', 'all segments are sent')
    view.standings(standings, sent ? 'the last receipts are checked' : 'segments are sent and checked')
    const seconds = elapsed(init)
    const open = standings.flatMap((standing) => unmet(standing, sent ? init.segments : undefined) ?? [])
    const broken = standings.flatMap((standing) => wronged(standing) ?? [])
    const trouble = await troubleOf(gateway, processes)
    if (open.length === 0 || broken.length > 0 || trouble.length > 0 || seconds >= init.seconds) {
      const late = seconds >= init.seconds && open.length > 0 ? [`the limit of ${init.seconds} s has passed`] : []
      const ok = open.length === 0 && trouble.length === 0
      const bundles = await copyBundles(
        fishermen.map(({ party }) => party.dataDir),
        resolve(init.target),
        bundleLabel((address) => nodes.find((node) => node.address === address)?.behaviour),
      )
      return {
        ...{ ok, standings, bundles, seconds: Math.round(seconds), unmet: [...trouble, ...open, ...late] },
        fishermen: fishermen.map(({ address }, i) => fishermanFacts(address, summaries[i])),
      }
    }
    await sleep(LOOK_MS, signal)
  }
}

/** Processes that ended though they should not have. */
async function troubleOf(gateway: Child, processes: Processes): Promise<string[]> {
  const code = gateway.exitCode()
  const bad = [...processes.dead(), ...(code === undefined || code === 0 ? [] : [gateway])]
  return Promise.all(
    bad.map(async (child) => `${child.name} ended with code ${child.exitCode()}: ${await lastLine(child.logFile)}`),
  )
}

/** Waits for a condition, as long as the demo may last and its processes live. */
async function until(
  condition: () => Promise<boolean>,
  context: { init: Play; processes: Processes; signal: AbortSignal },
): Promise<void> {
  const { init, processes, signal } = context
  while (!(await condition())) {
    const [dead] = processes.dead()
    if (dead) throw failed(`${dead.name} ended with code ${dead.exitCode()}: ${await lastLine(dead.logFile)}`)
    if (elapsed(init) > init.seconds) throw failed(`the fishermen did not find each other within ${init.seconds} s`)
    await sleep(250, signal)
  }
}

function elapsed({ startMs }: Play): number {
  return (systemClock.monotonicMs() - startMs) / 1000
}

/** All at once; when one fails the others are waited for, so that nothing goes on behind our back. */
async function inParallel<A, B>(tasks: [() => Promise<A>, () => Promise<B>]): Promise<[A, B]> {
  const [a, b] = await Promise.allSettled([tasks[0](), tasks[1]()])
  if (a.status === 'rejected') throw a.reason
  if (b.status === 'rejected') throw b.reason
  return [a.value, b.value]
}

function failed(message: string): FishermanError {
  return new FishermanError({ code: 'demo-failed', message, blame: 'ours' })
}
