import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { JsonRpcProvider } from 'ethers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { renditionLeaf } from '../../proofs/digest.ts'
import { merkleTree } from '../../proofs/merkle.ts'
import { type Hex, VERDICT_VERSION } from '../../proofs/types.ts'
import { systemClock } from '../../src/base/clock.ts'
import { SILENT } from '../../src/base/log.ts'
import { createChain } from '../../src/chain/chain.ts'
import { tokenInterface } from '../../src/chain/contracts.ts'
import { tokens } from '../../src/chain/presets.ts'
import type { Chain } from '../../src/chain/types.ts'
import { createParty, grantsFor, type LocalChain, type Party, register, startLocalChain } from '../../src/devnet/demo-network.ts'
import { createProcesses, type Processes, type RunningFisherman } from '../../src/devnet/demo-processes.ts'
import { readSummary } from '../../src/devnet/demo-watch.ts'
import { freePorts } from '../../src/devnet/ports.ts'
import { cutSegments } from '../../src/devnet/segments.ts'
import { followFeed } from '../../src/receipt/feed.ts'
import type { SegmentReceipt } from '../../src/receipt/row.ts'
import { LOCAL_DRAW } from '../../src/sample/params.ts'

// A bonded fisherman accuses an honest orchestrator of what it did not do. Real processes on a real chain; only the liar is the test's own.

const home = mkdtempSync(join(tmpdir(), 'fisherman-test-sham-'))
const stop = new AbortController()
const { signal } = stop
let local: LocalChain
let processes: Processes
let liar: Chain
let crew: RunningFisherman[]
let parties: Party[]
const receipts: SegmentReceipt[] = []

beforeAll(async () => {
  mkdirSync(join(home, 'logs'))
  mkdirSync(join(home, 'segments'))
  const cutting = cutSegments({ video: 'dist/demo.mp4', folder: join(home, 'segments'), count: 1, signal })
  local = await startLocalChain(home, signal)
  processes = createProcesses({ folder: home, chain: local, signal })
  parties = await Promise.all(['honest', 'gateway', 'sham', 'ann', 'bob', 'cid'].map((name) => createParty(home, name)))
  const [node, gateway, sham, ...others] = parties as [Party, Party, Party, ...Party[]]
  await local.fund(grantsFor([node], [sham, ...others]))
  const [running] = await Promise.all([
    processes.orchestrator('honest', node, gateway.signer.address),
    ...[sham, ...others].map((party) => register(local, party, signal)),
  ])
  const ports = await freePorts(others.length)
  crew = await Promise.all(others.map((party, i) => processes.fisherman(party, [running], ports[i]!, ports)))
  liar = await createChain(
    { rpcUrls: [local.anvil.rpcUrl], deployment: local.deployment, signal },
    { clock: systemClock, log: SILENT, signer: sham.signer.wallet() as never },
  )
  const feed = { transcoder: running.address, url: running.url }
  void followFeed(
    { domain: liar.domain, feed, windowSeconds: LOCAL_DRAW.windowSeconds, pollMs: 500 },
    {
      ...{ clock: systemClock, log: SILENT, nowSec: liar.nowSec, round: liar.round, isSigner: liar.isSigner, onBad() {} },
      onWindow: async (window) => void receipts.push(...window.receipts),
    },
    signal,
  )
  await until('all know each other', async () => {
    const summaries = await Promise.all(crew.map(({ url }) => readSummary(url, signal)))
    const members = await liar.members()
    return summaries.every((one) => (one?.peers ?? 0) >= 2) && members.every((one) => one.activeFromSec <= liar.nowSec())
  })
  await processes.gateway(gateway, [running], (await cutting).files, 1000)
}, 100_000)

afterAll(async () => {
  await processes?.stop()
  await liar?.close()
  stop.abort()
  await local?.stop()
  rmSync(home, { recursive: true, force: true })
})

interface Line {
  msg: string
  replay?: boolean
  outcome?: string
  action?: string
  status?: string
}
const isRejection = ({ action, status }: Line) => action === 'reject' && status === 'mined'
const crewLogs = (): Line[][] =>
  parties.slice(3).map(({ name }) => {
    const lines = readFileSync(join(home, 'logs', `${name}.log`), 'utf8').split('\n')
    return lines.filter((line) => line.startsWith('{') && line.endsWith('}')).map((line) => JSON.parse(line))
  })

async function balance(who: Hex): Promise<bigint> {
  const provider = new JsonRpcProvider(local.anvil.rpcUrl, undefined, { cacheTimeout: -1 })
  const data = tokenInterface.encodeFunctionData('balanceOf', [who])
  const result = await provider.call({ to: local.deployment.token, data })
  provider.destroy()
  return tokenInterface.decodeFunctionResult('balanceOf', result)[0] as bigint
}

async function until(what: string, condition: () => boolean | Promise<boolean>): Promise<void> {
  for (let i = 0; i < 400; i++) {
    if (await condition()) return
    await new Promise((resolve) => setTimeout(resolve, 200))
  }
  throw new Error(`never happened: ${what}`)
}

describe('a bonded fisherman that lies', { timeout: 120_000 }, () => {
  it('is rejected by three daemons that replay what it accuses: its bond is gone, and the deposit is free again', async () => {
    await until('a receipt', () => receipts.length > 0)
    const { receipt, signature, renditions } = receipts[0]!
    // Everyday checks come first: who was drawn has passed it already, and must look deeper for the case; the others have not looked.
    await until('everyday checks', async () => {
      const summaries = await Promise.all(crew.map(({ url }) => readSummary(url, signal)))
      return summaries.reduce((sum, one) => sum + (one?.checked ?? 0), 0) >= renditions.length
    })
    const path = merkleTree(renditions.map(renditionLeaf)).proof(0)
    const accusation = {
      faultClass: 'D2' as const,
      receipt,
      signature,
      rendition: renditions[0]!,
      path,
      verdictVersion: VERDICT_VERSION,
    }
    const sham = parties[2]!
    const before = await balance(sham.signer.address)
    const opened = await liar.openCase(accusation, { signal })
    expect(opened.status).toBe('mined')
    expect(await liar.deposit(receipt.transcoder)).toEqual({ amount: tokens(1000), frozen: true })
    await until('a rejection', () => liar.cases()[0]?.state === 'rejected')
    expect(await liar.deposit(receipt.transcoder)).toEqual({ amount: tokens(1000), frozen: false })
    // A fifth of the bond is the accused's, whose own tokens are all in its deposit; the liar gets nothing back.
    expect(await Promise.all([balance(receipt.transcoder), balance(sham.signer.address)])).toEqual([
      tokens(5),
      before - tokens(25),
    ])
    await until('it is written down', () => crewLogs().some((lines) => lines.some(isRejection)))
    for (const lines of crewLogs())
      expect(lines.filter(({ msg }) => msg === 'Voted')).toMatchObject([{ outcome: 'reject', transcoder: receipt.transcoder }])
    const looks = crewLogs().flat()
    // Each looked at it in depth: again where it had passed it before, or for the first time.
    const deep = ({ msg, replay }: Line) => msg === 'Looked again for a case' || (msg === 'Checked' && replay === true)
    expect(looks.filter(deep).length).toBeGreaterThanOrEqual(3)
    expect(new Set(looks.flatMap(({ outcome, msg }) => (msg === 'Checked' ? [outcome] : [])))).toEqual(new Set(['pass']))
    // One pays the gas.
    expect(crewLogs().filter((lines) => lines.some(isRejection))).toHaveLength(1)
  })
})
