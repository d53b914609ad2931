import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createPasswordFile, importKeystore } from '../../src/attest/keys.ts'
import { serialiseDeployment } from '../../src/chain/deployment.ts'
import { configSchema } from '../../src/config/schema.ts'
import { type Daemon, startDaemon } from '../../src/daemon.ts'
import { readPeers } from '../../src/monitor/net/ask.ts'
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

  it('that ended in order can be repeated, and left no word that it runs', async () => {
    await (await start()).stop()
    expect(existsSync(join(dataDir, 'daemon.json'))).toBe(false)
    const { url } = await start()
    expect((await fetch(`${url}/healthz`)).status).toBe(200)
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
