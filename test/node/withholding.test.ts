import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { systemClock } from '../../src/base/clock.ts'
import { SILENT } from '../../src/base/log.ts'
import { createChain } from '../../src/chain/chain.ts'
import type { Chain } from '../../src/chain/types.ts'
import { createParty, grantsFor, type LocalChain, type Party, register, startLocalChain } from '../../src/devnet/demo-network.ts'
import { createProcesses, type Processes } from '../../src/devnet/demo-processes.ts'
import { freePorts } from '../../src/devnet/ports.ts'
import { cutSegments } from '../../src/devnet/segments.ts'

// A node shows its bytes to the first who asks, and to nobody after that. Real processes on a real chain; what stands before the node is the test's own.

const home = mkdtempSync(join(tmpdir(), 'fisherman-test-withholding-'))
const stop = new AbortController()
const { signal } = stop
let local: LocalChain
let processes: Processes
let chain: Chain
let parties: Party[]
let withholder: Server
let refused = 0

beforeAll(async () => {
  mkdirSync(join(home, 'logs'))
  mkdirSync(join(home, 'segments'))
  const cutting = cutSegments({ video: 'dist/demo.mp4', folder: join(home, 'segments'), count: 5, signal })
  local = await startLocalChain(home, signal)
  processes = createProcesses({ folder: home, chain: local, signal })
  parties = await Promise.all(['cheat', 'gateway', 'ann', 'bob', 'cid'].map((name) => createParty(home, name)))
  const [node, gateway, ...crew] = parties as [Party, Party, ...Party[]]
  await local.fund(grantsFor([node], crew))
  const [running] = await Promise.all([
    processes.orchestrator('replay', node, gateway.signer.address),
    ...crew.map((party) => register(local, party, signal)),
  ])
  const hidden = { ...running, url: await withholding(running.url) }
  const ports = await freePorts(crew.length)
  await Promise.all(crew.map((party, i) => processes.fisherman(party, [i === 0 ? running : hidden], ports[i]!, ports)))
  chain = await createChain(
    { rpcUrls: [local.anvil.rpcUrl], deployment: local.deployment, signal },
    { clock: systemClock, log: SILENT },
  )
  await processes.gateway(gateway, [running], (await cutting).files, 4_500)
}, 100_000)

afterAll(async () => {
  await processes?.stop()
  await chain?.close()
  stop.abort()
  withholder?.close()
  withholder?.closeAllConnections()
  await local?.stop()
  rmSync(home, { recursive: true, force: true })
})

/** The same feed, without bytes. */
async function withholding(url: string): Promise<string> {
  withholder = createServer((request, response) => {
    if (request.url?.startsWith('/fisherman/v1/blobs/')) {
      refused++
      response.writeHead(404).end()
      return
    }
    fetch(`${url}${request.url}`)
      .then(async (answer) => response.writeHead(answer.status).end(Buffer.from(await answer.arrayBuffer())))
      .catch(() => response.destroy())
  }).listen(0, '127.0.0.1')
  await new Promise((resolve) => withholder.once('listening', resolve))
  return `http://127.0.0.1:${(withholder.address() as AddressInfo).port}`
}

interface Line {
  msg: string
  outcome?: string
}

function logOf({ name }: Party): Line[] {
  const lines = readFileSync(join(home, 'logs', `${name}.log`), 'utf8').split('\n')
  return lines.filter((line) => line.startsWith('{') && line.endsWith('}')).map((line) => JSON.parse(line))
}

async function until(what: string, condition: () => boolean): Promise<void> {
  for (let i = 0; i < 900; i++) {
    if (condition()) return
    await new Promise((resolve) => setTimeout(resolve, 200))
  }
  throw new Error(`never happened: ${what}`)
}

describe('a node that gives its bytes to one fisherman only', { timeout: 200_000 }, () => {
  it('is convicted all the same: the others replay the evidence of the one, fetched from it', async () => {
    await until('a conviction', () => chain.cases().some(({ state }) => state === 'convicted' || state === 'settled'))
    expect(refused).toBeGreaterThan(0)
    for (const party of parties.slice(3)) {
      const lines = logOf(party)
      const fetched = lines.filter(({ msg }) => msg === 'Replaying from the evidence of another member')
      // Two segments convict, and of neither this one ever got a byte from the node.
      expect(fetched.length).toBeGreaterThanOrEqual(2)
      expect(lines.filter(({ msg }) => msg === 'Voted')).toMatchObject([{ outcome: 'convict' }])
    }
  })
})
