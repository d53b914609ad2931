import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { Hex } from '../../proofs/types.ts'
import { sleep, systemClock } from '../../src/base/clock.ts'
import { SILENT } from '../../src/base/log.ts'
import { createChain } from '../../src/chain/chain.ts'
import type { Chain } from '../../src/chain/types.ts'
import { type Child, startChild } from '../../src/devnet/children.ts'
import {
  bond,
  createParty,
  grantsFor,
  type LocalChain,
  type Party,
  register,
  startLocalChain,
} from '../../src/devnet/demo-network.ts'
import { createProcesses, type Processes, type RunningNode } from '../../src/devnet/demo-processes.ts'
import { freePorts } from '../../src/devnet/ports.ts'
import { createLivepeerClient } from '../../src/livepeer/client.ts'
import { createPayerFactory } from '../../src/livepeer/payment.ts'
import { type Clips, drawSegments } from '../devnet/clips.ts'
import { profile } from '../livepeer/fixtures.ts'
import { createOrchestrator, type Orchestrator } from '../livepeer/orchestrator.ts'

// The whole path, as Livepeer runs today: a gateway that knows nothing of us but the address of our scores, two unmodified orchestrators with a
// sidecar in front of each, fishermen on what the sidecars publish. One node sends black pictures.

const FISHERMEN = 3
const LADDER = [profile('144p0', { width: 256, height: 144, bitrate: 200_000 })]
/** What a gateway is told with -minPerfScore, and how often it asks for scores; real ones ask every ten minutes. */
const MIN_SCORE = 0.5
const POLL_MS = 3_000
const EVERY_MS = 3_000

let home: string
let stop: AbortController
let chain: LocalChain
let ledger: Chain
let processes: Processes
let clips: Clips
let gateway: Party
const children: Child[] = []
const doubles: Orchestrator[] = []

beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), 'fisherman-test-path-'))
  mkdirSync(join(home, 'logs'))
  stop = new AbortController()
  clips = await drawSegments(4)
  chain = await startLocalChain(home, stop.signal)
  processes = createProcesses({ folder: home, chain, signal: stop.signal })
  gateway = await createParty(home, 'gateway')
  const { signal } = stop
  ledger = await createChain(
    { rpcUrls: [chain.anvil.rpcUrl], deployment: chain.deployment, signal },
    { clock: systemClock, log: SILENT },
  )
}, 90_000)
afterAll(async () => {
  await Promise.all(children.map((child) => child.stop()))
  await processes?.stop()
  for (const double of doubles) await double.close()
  stop?.abort()
  await ledger?.close()
  await chain?.stop()
  await clips?.clean()
  rmSync(home, { recursive: true, force: true })
}, 60_000)

/** An unmodified node, and the built sidecar in front of it. */
async function node(party: Party, fault: Orchestrator['fault'], port: number): Promise<RunningNode> {
  const double = await createOrchestrator({ tls: false })
  double.fault = fault
  doubles.push(double)
  const url = `http://127.0.0.1:${port}`
  const logFile = join(home, 'logs', `${party.name}.log`)
  const args = [
    ...['sidecar', '--upstream', double.origin, '--public-url', url, '--listen', `127.0.0.1:${port}`],
    ...['--data-dir', party.dataDir, '--rpc', chain.anvil.rpcUrl, '--deployment', chain.deploymentFile],
    ...['--key', party.key.file, '--password-file', party.key.passwordFile],
  ]
  children.push(startChild({ name: party.name, args, logFile }))
  await until(`${party.name} runs`, 30, async () =>
    (await readFile(logFile, 'utf8').catch(() => '')).includes('Sidecar is running'),
  )
  await bond(chain, party, url, stop.signal)
  return { behaviour: 'honest', address: party.signer.address, url, party }
}

async function until(what: string, seconds: number, look: () => boolean | Promise<boolean>): Promise<void> {
  for (const end = Date.now() + seconds * 1000; Date.now() < end; await sleep(250)) if (await look()) return
  const cases = ledger?.cases().map(({ transcoder, state, faultClass }) => `${faultClass} ${transcoder} ${state}`)
  throw new Error(`never happened: ${what}; cases: ${cases?.join(', ') || 'none'}; logs in ${home}`)
}

/** A gateway as go-livepeer's: streams for ever to every node whose score passes, and asks for scores now and then. */
function runGateway(nodes: readonly RunningNode[], statsUrl: string, signal: AbortSignal) {
  const sent = new Map<Hex, number[]>(nodes.map(({ address }) => [address, []]))
  const scores = new Map<string, number>()
  const polls: number[] = []
  const createPayer = createPayerFactory(
    { maxPrice: { wei: 1n, pixels: 1n }, maxTicketEvWei: 1n, maxFaceValueWei: 1n },
    { signer: gateway.signer, ledger: { spend: async () => undefined } },
  )
  const client = createLivepeerClient({ mayConnect: () => true, signer: gateway.signer, createPayer }, { clock: systemClock })
  const poll = async () => {
    while (!signal.aborted) {
      const answer = await fetch(statsUrl).catch(() => undefined)
      if (answer?.ok) {
        const all = (await answer.json()) as Record<string, Record<string, { score: number }>>
        for (const [address, regions] of Object.entries(all)) scores.set(address, regions.GLOBAL?.score ?? 0)
        polls.push(Date.now())
      }
      await sleep(POLL_MS, signal)
    }
  }
  const stream = async ({ address, url }: RunningNode) => {
    const job = { manifestId: `stream-${address.slice(2, 8)}`, profiles: LADDER }
    let session = await client.openSession(url, job, { signal })
    for (let seq = 0; !signal.aborted; seq++) {
      // A gateway that has no scores yet uses everybody.
      if ((scores.get(address) ?? 1) < MIN_SCORE) {
        await sleep(200, signal)
        continue
      }
      const file = clips.files[seq % clips.files.length] as string
      const due = sleep(EVERY_MS, signal)
      try {
        sent.get(address)?.push(Date.now())
        const answer = await session.submit({ seq: BigInt(seq), file, durationMs: 2_000, pixels: 2_300_000n }, { signal })
        await session.download(answer.renditions[0] as never, join(home, `got-${address}-${seq}`), { signal })
      } catch {
        if (!signal.aborted) session = await client.openSession(url, job, { signal }).catch(() => session)
      }
      await due
    }
  }
  const troubles: unknown[] = []
  const running = Promise.all(
    [poll(), ...nodes.map(stream)].map((work) => work.catch((error: unknown) => signal.aborted || troubles.push(error))),
  )
  return { sent, scores, polls, running, troubles }
}

it('a cheat behind a sidecar is convicted, and a gateway that polls our scores leaves it within one poll', {
  timeout: 360_000,
}, async () => {
  const { signal } = stop
  const [honest, cheat] = [await createParty(home, 'honest'), await createParty(home, 'cheat')]
  const fishermen = await Promise.all(Array.from({ length: FISHERMEN }, (_, i) => createParty(home, `fisherman-${i + 1}`)))
  await chain.fund(grantsFor([honest, cheat], fishermen))
  const ports = await freePorts(FISHERMEN + 2)
  await Promise.all(fishermen.map((party) => register(chain, party, signal)))
  const nodes = [await node(honest, undefined, ports[0] as number), await node(cheat, 'black', ports[1] as number)]
  const gossip = ports.slice(2)
  const running = await Promise.all(fishermen.map((party, i) => processes.fisherman(party, nodes, gossip[i] as number, gossip)))
  const ended = new AbortController()
  const stats = `${running[0]?.url.replace(/\/$/, '')}/api/aggregated_stats`
  const { sent, scores, polls, troubles, running: streams } = runGateway(nodes, stats, AbortSignal.any([signal, ended.signal]))
  const [good, bad] = [honest.signer.address, cheat.signer.address]
  const about = (address: Hex) => ledger.cases().filter(({ transcoder }) => transcoder === address)
  try {
    await until('segments for both', 30, () => [...sent.values()].every(({ length }) => length > 0) || troubles.length > 0)
    expect(troubles).toEqual([])
    await until('the conviction of the cheat', 240, () =>
      about(bad).some(({ state }) => state === 'convicted' || state === 'settled'),
    )
    const atConviction = Date.now()
    // The fisherman whose scores it reads sees the block a moment later than we do.
    await until('a score of 0', 30, () => scores.get(bad) === 0)
    const learnt = polls.at(-1) as number
    await sleep(2 * EVERY_MS + 1_000)
    expect(learnt - atConviction).toBeLessThan(POLL_MS + 15_000)
    expect(
      (sent.get(bad) ?? []).filter((at) => at > learnt + 500),
      'sent to the cheat after its score came',
    ).toEqual([])
    expect((sent.get(good) ?? []).filter((at) => at > learnt).length, 'sent to the honest node').toBeGreaterThan(0)
    expect(scores.get(good)).toBeGreaterThanOrEqual(MIN_SCORE)
    expect(about(good)).toEqual([])
  } finally {
    ended.abort()
    await streams
  }
})
