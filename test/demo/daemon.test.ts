import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { JsonRpcProvider } from 'ethers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { decodeStatement } from '../../proofs/codec.ts'
import { hexToBytes } from '../../proofs/signature.ts'
import type { Answer, Hex, SealedAnswer } from '../../proofs/types.ts'
import { systemClock } from '../../src/base/clock.ts'
import { httpGet, httpGetJson } from '../../src/base/http-get.ts'
import { createParty, grantsFor, type LocalChain, type Party, register, startLocalChain } from '../../src/devnet/demo-network.ts'
import { createProcesses, type Processes, type RunningFisherman, type RunningNode } from '../../src/devnet/demo-processes.ts'
import { readSummary } from '../../src/devnet/demo-watch.ts'
import { cutSegments } from '../../src/devnet/segments.ts'
import { openProofLog } from '../../src/prooflog/log.ts'
import { createGateway } from '../score/gateway.ts'

// Real processes on a real chain: an honest orchestrator and one that passes its source through, a gateway, and daemons of three modes.

const home = mkdtempSync(join(tmpdir(), 'fisherman-test-daemon-'))
const stop = new AbortController()
const { signal } = stop
let chain: LocalChain
let processes: Processes
let active: Party
let simulating: Party
let watching: Party
let nodes: RunningNode[]
let running: RunningFisherman
let simulator: RunningFisherman
let watcher: RunningFisherman

beforeAll(async () => {
  mkdirSync(join(home, 'logs'))
  mkdirSync(join(home, 'segments'))
  chain = await startLocalChain(home, signal)
  processes = createProcesses({ folder: home, chain, signal })
  const names = ['honest', 'passthrough', 'active', 'simulating', 'watching', 'gateway']
  const parties = await Promise.all(names.map((name) => createParty(home, name)))
  const [honest, passthrough, gateway] = [parties[0], parties[1], parties[5]] as [Party, Party, Party]
  ;[active, simulating, watching] = [parties[2], parties[3], parties[4]] as [Party, Party, Party]
  await chain.fund(grantsFor([honest, passthrough], [active, simulating]))
  await Promise.all([active, simulating].map((party) => register(chain, party, signal)))
  nodes = await Promise.all([
    processes.orchestrator('honest', honest, gateway.signer.address),
    processes.orchestrator('passthrough', passthrough, gateway.signer.address),
  ])
  const cut = await cutSegments({ video: 'dist/demo.mp4', folder: join(home, 'segments'), count: 4, signal })
  const [, cheat] = nodes as [RunningNode, RunningNode]
  // The active daemon sees honest work only: what the cheat did is for the one that simulates.
  running = await start()
  simulator = await processes.fisherman(simulating, [cheat], 0, [], 'dry-run')
  watcher = await processes.fisherman(watching, nodes, 0, [], 'observe')
  await processes.gateway(gateway, nodes, cut.files, 3000)
}, 60_000)

afterAll(async () => {
  await processes?.stop()
  stop.abort()
  await chain?.stop()
  rmSync(home, { recursive: true, force: true })
})

const start = () => processes.fisherman(active, [nodes[0] as RunningNode], 0, [])

async function until(what: string, condition: () => Promise<boolean>): Promise<void> {
  for (let i = 0; i < 450; i++) {
    if (await condition()) return
    await new Promise((resolve) => setTimeout(resolve, 200))
  }
  throw new Error(`never happened: ${what}`)
}

const logOf = (party: Party) => readFileSync(join(home, 'logs', `${party.name}.log`), 'utf8')

async function entriesOf(party: Party, owner: string = party.signer.address) {
  const { chainId, anchor } = chain.deployment
  const log = await openProofLog(
    { folder: join(party.dataDir, 'proofs'), identity: `${chainId}:${anchor}:${owner}` },
    { clock: systemClock },
  )
  const entries = []
  for await (const entry of log.entries()) entries.push(entry)
  const verified = await log.verify()
  await log.close()
  return { entries, verified }
}

describe('a daemon', { timeout: 180_000 }, () => {
  it('goes on where it was after it was killed: every answer is opened once, nothing is said twice, the log holds', async () => {
    const checked = async () => (await readSummary(running.url, signal))?.checked ?? 0
    // Killed right after its first verdicts, while their answers are still sealed.
    await until('two verdicts', async () => (await checked()) >= 2)
    process.kill(running.pid, 'SIGKILL')
    // Down for more than two windows: what it was drawn for meanwhile is not lost either.
    await new Promise((resolve) => setTimeout(resolve, 10_000))
    rmSync(join(active.dataDir, 'daemon.json'), { force: true })
    running = await start()
    // Until nothing new comes for longer than a seal stays shut.
    let [last, since] = [0, systemClock.monotonicMs()]
    await until('further verdicts, and then rest', async () => {
      const count = await checked()
      if (count !== last) [last, since] = [count, systemClock.monotonicMs()]
      return count >= 6 && systemClock.monotonicMs() - since > 8_000
    })
    process.kill(running.pid, 'SIGTERM')
    await until(
      'the end',
      async () => logOf(active).includes('Fisherman stops') && !readdirSync(active.dataDir).includes('daemon.json'),
    )
    await new Promise((resolve) => setTimeout(resolve, 1500))

    const { entries, verified } = await entriesOf(active)
    expect(verified).toMatchObject({ ok: true })
    const verdicts = entries
      .filter(({ kind }) => kind === 'verdict')
      .map(({ payload }) => (payload as { sampleId: string }).sampleId)
    const said = { sealed: [] as Hex[], answer: [] as Hex[] }
    for (const entry of entries) {
      if (entry.kind !== 'statement-sent') continue
      const { kind, bytes } = entry.payload as { kind: 'sealed' | 'answer' | 'window'; bytes: Hex }
      if (kind !== 'window') said[kind].push((decodeStatement(kind, hexToBytes(bytes)).body as SealedAnswer | Answer).sampleId)
    }
    expect(verdicts.length).toBeGreaterThanOrEqual(6)
    expect(new Set(verdicts).size).toBe(verdicts.length)
    for (const kind of ['sealed', 'answer'] as const) {
      expect(new Set(said[kind]).size, kind).toBe(said[kind].length)
      expect(new Set(said[kind])).toEqual(new Set(verdicts))
    }
  })

  it('in dry-run finds the fault, simulates its transaction, writes it down, and sends nothing', async () => {
    await until('a simulated transaction', async () => logOf(simulating).includes('"status":"simulated"'))
    expect(logOf(simulating)).toContain('"faultClass":"O3"')
    const provider = new JsonRpcProvider(chain.anvil.rpcUrl)
    const before = await provider.getTransactionCount(simulating.signer.address)
    await new Promise((resolve) => setTimeout(resolve, 3000))
    expect(await provider.getTransactionCount(simulating.signer.address)).toBe(before)
    provider.destroy()
    expect(readdirSync(join(simulating.dataDir, 'bundles')).length).toBeGreaterThan(0)
  })

  it('tells its numbers to Prometheus', async () => {
    const text = (await httpGet(`${simulator.url}/metrics`, { maxBytes: 1 << 20, timeoutMs: 5000 })).toString()
    const shown = (series: string) => Number(new RegExp(`^${series.replace(/[{}]/g, '\\$&')} (\\S+)$`, 'm').exec(text)?.[1])
    const cheat = (nodes[1] as RunningNode).address
    expect(text).toMatch(/fisherman_build_info\{version="[^"]+",verdict_version="\d+",network="local",mode="dry-run"\} 1/)
    expect(shown(`fisherman_orchestrator_verdicts{orchestrator="${cheat}",outcome="fail"}`)).toBeGreaterThan(0)
    expect(shown(`fisherman_orchestrator_evidence_score{orchestrator="${cheat}"}`)).toBeGreaterThan(0)
    expect(text).toMatch(/^fisherman_transactions_total\{action="[a-z]+",status="simulated"\} [1-9]/m)
    for (const name of [
      'ready',
      'log_writable',
      'feeds',
      'chain_head_number',
      'members',
      'samples_drawn_total',
      'disk_free_bytes',
    ])
      expect(shown(`fisherman_${name}`), name).toBeGreaterThan(0)
    expect(shown('fisherman_gas_spent_day_coins')).toBe(0)
  })

  it('tells gateways whom to send work to: not the node whose signatures prove a fault', async () => {
    const [honest, cheat] = nodes as [RunningNode, RunningNode]
    const ask = async (path: string) => await httpGetJson(`${simulator.url}${path}`, { maxBytes: 1 << 20, timeoutMs: 5000 })
    const gateway = createGateway('GLOBAL')
    await until('scores of both', async () => {
      const found = await ask(`/api/aggregated_stats?since=${systemClock.nowMs() % 1000}`).catch(() => ({}))
      return gateway.readStats(JSON.stringify(found)) && [honest, cheat].every(({ address }) => gateway.scores.has(address))
    })
    expect(gateway.filter([honest.address, cheat.address], 0.9)).toEqual([honest.address])
    expect(await ask('/webhook/orchestrators')).toEqual([{ address: honest.url, score: 1 }])
    const raw = (await ask(`/api/raw_stats?orchestrator=${cheat.address}`)) as { GLOBAL: { errors: unknown[] }[] }
    expect(raw.GLOBAL.some(({ errors }) => errors.length > 0)).toBe(true)
  })

  it('explains why it looked at a receipt, from the beacon to the verdict; not one that it does not know', async () => {
    const program = fileURLToPath(new URL('../../bin/fisherman.mjs', import.meta.url))
    const explain = (digest: string, ...flags: string[]) =>
      spawnSync(process.execPath, [program, 'sample', 'explain', digest, '--data-dir', simulating.dataDir, ...flags], {
        encoding: 'utf8',
      })
    const bundles = join(simulating.dataDir, 'bundles')
    const bundle = readFileSync(join(bundles, readdirSync(bundles)[0] ?? ''), 'latin1')
    const [, digest = ''] = /"receiptDigest":\s*"(0x[0-9a-f]{64})"/.exec(bundle) ?? []
    const { status, stdout, stderr } = explain(digest)
    expect([status, stderr]).toEqual([0, ''])
    expect(stdout).toMatch(
      new RegExp(`^receipt {4}${digest}\nof {9}${(nodes[1] as RunningNode).address}, segment \\d+ of stream 0x`),
    )
    expect(stdout).toMatch(/\nwe {9}are a member: our ticket decides\n/)
    expect(stdout).toMatch(/\n {2}selected {3}0\.\d+ is below infinity\n {2}ticket {5}0\.\d+ (is below|draws tranche)/)
    const told = JSON.parse(explain(digest, '--json').stdout)
    expect(told).toMatchObject({ receiptDigest: digest, we: 'drawn', members: 2 })
    expect(told.renditions.some(({ verdict }: { verdict?: string }) => verdict === 'fail')).toBe(true)
    const unknown = explain(`0x${'12'.repeat(32)}`)
    expect([unknown.status, unknown.stdout]).toEqual([2, ''])
    expect(unknown.stderr).toMatch(/^fisherman sample explain: no feed that this fisherman follows has shown the receipt 0x/)
    expect(explain('0x12').stderr).toMatch(/'0x12' is no receipt digest: 0x and 64 hex digits/)
  })

  it('in observe watches without a key and says nothing of its own', async () => {
    await until('receipts', async () => {
      const summary = await httpGetJson(`${watcher.url}/api/v1/summary`, { maxBytes: 1 << 20, timeoutMs: 5000 })
      return Object.values((summary as { orchestrators: Record<string, { receipts: number }> }).orchestrators).some(
        ({ receipts }) => receipts > 1,
      )
    })
    expect(await readSummary(watcher.url, signal)).toMatchObject({ checked: 0 })
    expect(logOf(watching)).toContain('"Fault found"')
    expect(logOf(watching)).not.toContain('Chain action')
  })

  it('answers for its health, its metrics and its bundles, and gives nothing else away', async () => {
    const options = { maxBytes: 64 << 20, timeoutMs: 5000 }
    expect(await httpGetJson(`${simulator.url}/healthz`, options)).toEqual({ ok: true })
    expect(await httpGetJson(`${simulator.url}/readyz`, options)).toEqual({ ready: true })
    expect(String(await httpGet(`${simulator.url}/metrics`, options))).toMatch(
      /fisherman_transactions_total\{action="reveal",status="simulated"\} [1-9]/,
    )
    const folder = join(simulating.dataDir, 'bundles')
    const bundles = readdirSync(folder).filter((name) => name.endsWith('.fishbundle'))
    const { bundles: count } = (await httpGetJson(`${simulator.url}/api/v1/summary`, options)) as { bundles: number }
    expect(count).toBe(bundles.length)
    const name = bundles.find((one) => readFileSync(join(folder, one), 'latin1').includes('"O3"')) ?? 'none of class O3'
    const address = `${simulator.url}/fisherman/v1/bundles/${name.replace('.fishbundle', '')}`
    expect((await httpGet(address, options)).length).toBe(statSync(join(folder, name)).size)
    // Nothing was sent to the chain: the accused, which a proxy may bring, is not told that there is evidence.
    await expect(httpGet(address, { ...options, headers: { via: '1.1 elsewhere' } })).rejects.toMatchObject({ code: 'http-404' })
    for (const path of ['..%2f..%2fsimulating.key.json', `0x${'0'.repeat(64)}`, 'x'])
      await expect(httpGet(`${simulator.url}/fisherman/v1/bundles/${path}`, options), path).rejects.toMatchObject({
        code: /http-40[04]/,
      })
  })

  it('never lets its key out: not into a log, an intent or a bundle', async () => {
    await processes.stop()
    for (const party of [active, simulating]) {
      const secret = party.signer.wallet().privateKey.slice(2).toLowerCase()
      const { entries } = await entriesOf(party)
      expect(JSON.stringify(entries).toLowerCase()).not.toContain(secret)
      expect(logOf(party).toLowerCase()).not.toContain(secret)
    }
    expect(
      (await entriesOf(watching, 'observer')).entries
        .filter(({ kind }) => kind !== 'statement-sent' && kind !== 'statement-received')
        .map(({ kind }) => kind),
    ).toEqual(expect.not.arrayContaining(['sample', 'verdict', 'tx-intent']))
  })
})
