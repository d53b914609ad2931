import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { bond, createParty, grantsFor, type LocalChain, register, startLocalChain } from '../../src/devnet/demo-network.ts'
import { runGateway } from '../../src/devnet/gateway-process.ts'
import { runOrchestrator } from '../../src/devnet/orchestrator-process.ts'
import { encodeAuth } from '../../src/feed/auth.ts'
import { readReceiptLine, readWindowLine } from '../../src/receipt/row.ts'
import { drawVideo } from './clips.ts'

const signal = new AbortController().signal
let folder: string
let chain: LocalChain
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fisherman-process-'))
  chain = await startLocalChain(folder, signal)
})
afterAll(async () => {
  await chain?.stop()
  await rm(folder, { recursive: true, force: true })
})

const linesOf = async (url: string) =>
  (await (await fetch(url)).text())
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as unknown)

describe('orchestrator and gateway on a real chain', () => {
  it('trade, publish by chain time, and serve members of the registry', async () => {
    const [node, gateway, fisherman, stranger] = await Promise.all(
      ['node', 'gateway', 'fisherman', 'stranger'].map((name) => createParty(folder, name)),
    )
    if (!node || !gateway || !fisherman || !stranger) throw new Error('no parties')
    await chain.fund(grantsFor([node], [fisherman]))
    const common = { rpc: [chain.anvil.rpcUrl], deployment: chain.deploymentFile, log: { level: 'error' } }
    const nodeConfig = join(folder, 'node.yaml')
    await writeFile(
      nodeConfig,
      JSON.stringify({ ...common, dataDir: node.dataDir, key: node.key, requesters: [gateway.signer.address] }),
    )
    const stop = new AbortController()
    const running = runOrchestrator({ config: nodeConfig, behaviour: 'honest' }, stop.signal)
    await expect.poll(() => existsSync(join(node.dataDir, 'daemon.json')), { timeout: 10_000 }).toBe(true)
    const { http, address } = JSON.parse(await readFile(join(node.dataDir, 'daemon.json'), 'utf8')) as {
      http: string
      address: string
    }
    expect(address).toBe(node.signer.address)
    await Promise.all([bond(chain, node, http, signal), register(chain, fisherman, signal)])

    const video = join(folder, 'video.mp4')
    await drawVideo(video, { seconds: 2, size: '160x90' })
    const config = join(folder, 'gateway.json')
    const orchestrators = [{ transcoder: node.signer.address, url: http }]
    await writeFile(
      config,
      JSON.stringify({ ...common, dataDir: gateway.dataDir, key: gateway.key, video, orchestrators, everyMs: 200 }),
    )
    expect(await runGateway({ config, segments: 2 }, signal)).toBe(true)

    const domain = { chainId: chain.deployment.chainId, anchor: chain.deployment.anchor }
    const receipts = async () => {
      const windows = (await linesOf(`${http}/fisherman/v1/windows`)).map(readWindowLine)
      const pages = await Promise.all(
        windows
          .filter(({ window }) => window.count > 0)
          .map(({ window }) => linesOf(`${http}/fisherman/v1/receipts?window=${window.windowId}`)),
      )
      return pages.flat().map((line) => readReceiptLine(domain, line))
    }
    await expect.poll(async () => (await receipts()).length, { timeout: 10_000 }).toBe(2)
    const [first] = await receipts()
    const contentHash = first!.renditions[0]!.contentHash
    const expiresAt = first!.receipt.completedAt + 60n
    const request = { transcoder: node.signer.address, contentHash, expiresAt }
    const ask = async ({ signer }: typeof fisherman) => {
      const auth = encodeAuth(signer.address, expiresAt, await signer.signStruct(domain, 'BlobRequest', request))
      return (await fetch(`${http}/fisherman/v1/blobs/${contentHash}`, { headers: { 'fisherman-auth': auth } })).status
    }
    expect(await ask(fisherman)).toBe(200)
    expect(await ask(gateway)).toBe(200)
    // Its own, for a self-check.
    expect(await ask(node)).toBe(200)
    expect(await ask(stranger)).toBe(403)
    stop.abort(new Error('over'))
    await running
  })

  it.each<[string, unknown, RegExp]>([
    ['no file', undefined, /cannot read the configuration .*bad\.yaml .*pass its path with --config/],
    ['no YAML', '{', /cannot read the configuration/],
    ['a misspelt key', { dataDirectory: 'x' }, /bad\.yaml: .*/],
    [
      'no RPC',
      { dataDir: 'x', rpc: ['ftp://x'], deployment: 'x', key: { file: 'x', passwordFile: 'x' } },
      /rpc\.0: must be an http or https URL/,
    ],
    ['no key file', 'FILES', /cannot read the keystore .*none\.json/],
  ])('say in one line what is wrong with a configuration: %s', async (_name, config, reason) => {
    const file = join(folder, 'bad.yaml')
    const files = { dataDir: join(folder, 'bad'), rpc: [chain.anvil.rpcUrl], deployment: chain.deploymentFile }
    const value = config === 'FILES' ? { ...files, key: { file: 'none.json', passwordFile: 'none' } } : config
    await rm(file, { force: true })
    if (value !== undefined) await writeFile(file, typeof value === 'string' ? value : JSON.stringify(value))
    const running = runOrchestrator({ config: file, behaviour: 'honest' }, signal)
    await expect(running).rejects.toThrow(reason)
    await running.catch((error: Error) => expect(error.message).not.toContain('\n'))
  })
})
