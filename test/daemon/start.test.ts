import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { createPasswordFile, importKeystore } from '../../src/attest/keys.ts'
import { systemClock } from '../../src/base/clock.ts'
import { serialiseDeployment } from '../../src/chain/deployment.ts'
import { pauseCommand } from '../../src/cli/pause.ts'
import { configSchema } from '../../src/config/schema.ts'
import { type Daemon, startDaemon } from '../../src/daemon.ts'
import { readPeers } from '../../src/monitor/net/ask.ts'
import { openProofLog, type ProofLog } from '../../src/prooflog/log.ts'
import { createWorld, silent, type World } from '../chain/world.ts'

const folder = mkdtempSync(join(tmpdir(), 'fisherman-test-daemon-'))
const at = (...parts: string[]) => join(folder, ...parts)
let world: World
let running: Daemon | undefined
let dataDir: string
let count = 0

beforeAll(async () => {
  world = await createWorld()
  writeFileSync(at('deployment.json'), serialiseDeployment(world.deployment))
  const key = { file: at('key.json'), passwordFile: at('password') }
  await createPasswordFile(key.passwordFile)
  await importKeystore({ ...key, privateKey: world.fishermen[0]!.privateKey, light: true })
})
beforeEach(() => {
  dataDir = at(`data-${count++}`)
})
afterEach(async () => {
  await running?.stop()
  running = undefined
})
afterAll(async () => {
  await world?.stop()
  rmSync(folder, { recursive: true, force: true })
})

/** The daemon of a member, which may send. */
async function start(port = 0, http: Record<string, unknown> = {}): Promise<Daemon> {
  const config = configSchema.parse({
    ...{ mode: 'active', dataDir, rpc: [world.anvil.rpcUrl], deployment: at('deployment.json'), hardware: 'off' },
    ...{ key: { file: at('key.json'), passwordFile: at('password') }, http: { port, ...http } },
    gossip: { listen: ['/ip4/127.0.0.1/tcp/0'] },
  })
  running = await startDaemon(config, silent, { firstStart: true })
  return running
}

describe('a start', () => {
  it('that fails at its last step leaves nothing open: the same folder starts at once', async () => {
    const other = createServer()
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve))
    const { port } = other.address() as AddressInfo
    await expect(start(port)).rejects.toThrow(/in use/)
    expect(existsSync(join(dataDir, 'daemon.json'))).toBe(false)
    await new Promise((resolve) => other.close(resolve))
    // Log and guard can be opened by one at a time, and the port of the page is free again.
    const { url } = await start(port)
    expect(new URL(url).port).toBe(String(port))
    expect(existsSync(join(dataDir, 'daemon.json'))).toBe(true)
  })

  it.each<[string, number | undefined, RegExp]>([
    ['that others can read', 0o644, /^http\.tokenFile .*token: others can read it: chmod 600$/],
    ['that is not there', undefined, /^http\.tokenFile .*no such file/],
  ])('with a token %s ends before log, guard or network are opened', async (_, mode, says) => {
    const tokenFile = at(`${count}-token`)
    if (mode !== undefined) writeFileSync(tokenFile, 'sixteen-characters-and-more', { mode })
    await expect(start(0, { tokenFile })).rejects.toThrow(says)
    expect(readdirSync(dataDir)).toEqual([])
  })

  it('that ended in order can be repeated, and left no word that it runs', async () => {
    await (await start()).stop()
    expect(existsSync(join(dataDir, 'daemon.json'))).toBe(false)
    const { url } = await start()
    expect((await fetch(`${url}/healthz`)).status).toBe(200)
  })
})

describe('what was counted', () => {
  const node = `0x${'ab'.repeat(20)}`
  const DAY_MS = 86_400_000

  /** Works on the log of a daemon that does not run, at a time so long ago. */
  async function withLog(agoMs: number, work: (log: ProofLog) => Promise<unknown>): Promise<void> {
    const { chainId, anchor } = world.deployment
    const identity = `${chainId}:${anchor}:${world.fishermen[0]!.address.toLowerCase()}`
    const clock = { ...systemClock, nowMs: () => systemClock.nowMs() - agoMs }
    const log = await openProofLog({ folder: join(dataDir, 'proofs'), identity }, { clock })
    await work(log).finally(() => log.close())
  }
  const verdict = (outcome: string, stream: string) => ({
    ...{ sampleId: `0x${stream.repeat(64)}`, transcoder: node, streamId: `0x${stream.repeat(64)}`, requester: node, outcome },
    ...{ completedAt: 1_700_000_000, faultClass: null, answer: null, verdict: null },
  })
  const told = async (url: string) => {
    const ask = async (path: string) => await (await fetch(`${url}/api/v1${path}`)).json()
    const { checked, today } = await ask('/summary')
    const { pass, fail, evidenceScore } = await ask(`/orchestrators/${node}`)
    return { checked, today: today.checked, pass, fail, evidenceScore: Number(evidenceScore.toFixed(5)) }
  }

  it('is of the whole log, and neither a restart nor pruning changes it', async () => {
    await withLog(20 * DAY_MS, (log) => log.append('verdict', verdict('pass', '1')))
    const first = await start()
    expect(await told(first.url)).toEqual({ checked: 1, today: 0, pass: 1, fail: 0, evidenceScore: 0 })
    await first.stop()
    await withLog(2 * DAY_MS, async (log) => {
      for (const [outcome, stream] of [
        ['fail', '2'],
        ['pass', '3'],
        ['inconclusive', '4'],
      ] as const)
        await log.append('verdict', verdict(outcome, stream))
    })
    const expected = { checked: 4, today: 0, pass: 2, fail: 1, evidenceScore: 3.50025 }
    const second = await start()
    expect(await told(second.url)).toEqual(expected)
    await second.stop()
    const nowMs = systemClock.nowMs()
    await withLog(0, (log) => log.prune({ beforeMs: nowMs, forgetIdsBeforeMs: nowMs }))
    expect(await told((await start()).url)).toEqual(expected)
  })
})

describe('a pause', () => {
  it('of a daemon that runs is told without a doubt', async () => {
    await start()
    const [out, err] = [vi.spyOn(console, 'log').mockReturnValue(), vi.spyOn(console, 'error').mockReturnValue()]
    expect(await pauseCommand({ dataDir }, new AbortController().signal)).toBe(0)
    expect([out.mock.calls, err.mock.calls]).toEqual([[['Paused: nothing new is checked until fisherman resume.']], []])
    vi.restoreAllMocks()
  })
})

it('a daemon that wants its token from this machine too is still told of by its commands', async () => {
  writeFileSync(at('token'), 'a-token-of-the-test', { mode: 0o600 })
  const { url } = await start(0, { trustLocal: false, tokenFile: at('token') })
  expect((await fetch(`${url}/api/v1/peers`)).status).toBe(401)
  expect(await readPeers(dataDir, { signal: AbortSignal.timeout(30_000) })).toEqual([])
})

describe('the kill switch', () => {
  it('is a file: while it is there the daemon says that it sends nothing', async () => {
    const { url } = await start()
    const ready = async () => await (await fetch(`${url}/readyz`)).text()
    expect(await ready()).toContain('"ready":true')
    writeFileSync(join(dataDir, 'STOP'), '')
    expect(await ready()).toMatch(/nothing is sent to the chain while .*STOP is there; remove it to go on/)
    rmSync(join(dataDir, 'STOP'))
    expect(await ready()).toContain('"ready":true')
  })
})
