import { spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { encryptKeystoreJson } from 'ethers'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { serialiseDeployment } from '../../src/chain/deployment.ts'
import { tokens } from '../../src/chain/presets.ts'
import { addressOf } from '../../src/chain/setup.ts'
import type { Deployment } from '../../src/chain/types.ts'
import { amount, columns, progressBar } from '../../src/cli/chain-view.ts'
import { type RpcProxy, startProxy } from '../chain/proxy.ts'
import { createWorld, type World } from '../chain/world.ts'
import { scratchFolder } from '../helpers/scratch.ts'

let world: World
let proxy: RpcProxy
const folder = scratchFolder('chain-cli')
const keyFile = join(folder, 'key.json')

beforeAll(async () => {
  world = await createWorld({ roundSec: 60 })
  proxy = await startProxy(world.anvil.rpcUrl)
  const { address, privateKey } = world.fishermen[0]!
  writeFileSync(keyFile, await encryptKeystoreJson({ address, privateKey }, 'x', { scrypt: { N: 4096, r: 8, p: 1 } }))
  writeFileSync(join(folder, 'password'), 'x')
})
afterAll(async () => {
  proxy?.close()
  await world?.stop()
})
afterEach(() => {
  proxy.trick = undefined
  proxy.body = undefined
})

let runs = 0
function config(change: Record<string, unknown> = {}, deployment: Partial<Deployment> = {}): string {
  const own = join(folder, String(++runs))
  writeFileSync(`${own}.deployment.json`, serialiseDeployment({ ...world.deployment, ...deployment }))
  const value = { dataDir: own, rpc: [world.anvil.rpcUrl], deployment: `${own}.deployment.json`, ...change }
  writeFileSync(`${own}.json`, JSON.stringify(value))
  return `${own}.json`
}

/** The program as it is built and shipped. */
function fisherman(args: string[], env: Record<string, string> = {}): Promise<{ code: number | null; out: string; err: string }> {
  const program = fileURLToPath(new URL('../../bin/fisherman.mjs', import.meta.url))
  const child = spawn(process.execPath, [program, 'chain', ...args], { env: { ...process.env, ...env } })
  let [out, err] = ['', '']
  child.stdout.on('data', (chunk) => {
    out += chunk
  })
  child.stderr.on('data', (chunk) => {
    err += chunk
  })
  return new Promise((resolve) => child.once('close', (code) => resolve({ code, out, err })))
}
const withKey = { mode: 'active', key: { file: keyFile, passwordFile: join(folder, 'password') } }

describe('fisherman chain status', () => {
  it('tells endpoints, head, levels, contracts, parameters and our account, and that all is well', async () => {
    const { code, out, err } = await fisherman([
      'status',
      '--config',
      config({ ...withKey, rpc: [world.anvil.rpcUrl, proxy.url] }),
    ])
    expect(err).toBe('')
    expect(code).toBe(0)
    expect(out).toMatch(/^network {4}local, chain 31337$/m)
    expect(out.match(/^rpc {8}127\.0\.0\.1:\d+ {2}ok {2}block \d+, \d+ s old$/gm)?.length).toBe(2)
    expect(out).toMatch(/^agreement {2}yes$/m)
    expect(out).toMatch(/^confirmed {2}safe up to \d+, final up to \d+ \(by block tags\)$/m)
    expect(out).toMatch(new RegExp(`^contract   verifier +${world.deployment.verifier}  \\d+ bytes$`, 'm'))
    expect(out).toMatch(/^paused {5}no$/m)
    expect(out).toMatch(/^fishermen {2}4, weight that counts 1000 LPT$/m)
    expect(out).toMatch(/^parameter {2}openBond +25 LPT$/m)
    expect(out).toMatch(/^account {4}0x[0-9a-f]{40}$/m)
    expect(out).toMatch(/^tokens {5}1750 LPT free, 250 LPT bonded$/m)
    expect(out).toMatch(/^weight {5}250 LPT, active$/m)
  })

  it('prints one JSON object, and takes flags and variables before the file', async () => {
    const file = config({ rpc: ['http://127.0.0.1:1'] })
    for (const [args, env] of [
      [['--rpc', world.anvil.rpcUrl], {}],
      [[], { FISHERMAN_RPC: world.anvil.rpcUrl }],
    ] as [string[], Record<string, string>][]) {
      const { code, out } = await fisherman(['status', '--config', file, '--json', ...args], env)
      expect(code).toBe(0)
      const status = JSON.parse(out)
      expect(status).toMatchObject({ network: 'local', chainId: '31337', agree: true, wrong: [], attention: [] })
      expect(status.contracts.find((one: { name: string }) => one.name === 'registry').codeBytes).toBeGreaterThan(1000)
      expect(status.values).toMatchObject({ paused: false, members: 4, totalWeight: tokens(1000).toString() })
    }
  })

  it('asks for attention: paused, no funds, no bond, one endpoint down', async () => {
    const id = await world.snapshot()
    await world.send(world.wallets[0]!, 'verifier', 'setPaused', [true])
    const poor = join(folder, 'poor.json')
    const { address, privateKey } = world.stranger
    await world.provider.send('anvil_setBalance', [address, '0x0'])
    writeFileSync(poor, await encryptKeystoreJson({ address, privateKey }, 'x', { scrypt: { N: 4096, r: 8, p: 1 } }))
    const { code, err } = await fisherman([
      'status',
      '--config',
      config({ ...withKey, key: { ...withKey.key, file: poor }, rpc: [world.anvil.rpcUrl, 'http://127.0.0.1:1'] }),
    ])
    await world.revert(id)
    expect(code).toBe(1)
    expect(err.trim().split('\n')).toEqual([
      expect.stringMatching(/RPC 127\.0\.0\.1:1 cannot be reached/),
      expect.stringMatching(/paused by the guardian/),
      expect.stringMatching(/0x[0-9a-f]{40} can pay for 0 proofs only; send some of the native coin/),
      expect.stringMatching(/no registered fisherman/),
    ])
  })

  it.each<[string, () => string | Promise<string>, RegExp]>([
    ['a wrong RPC URL', () => config({ rpc: ['http://127.0.0.1:1'] }), /RPC 127\.0\.0\.1:1 cannot be reached; check the URL/],
    ['no URL at all', () => config({ rpc: ['nonsense'] }), /rpc\.0: must be an http or https URL/],
    [
      'the wrong chain',
      () => config({}, { chainId: 42_161n }),
      /serves chain 31337, but the deployment is on chain 42161; set another/,
    ],
    [
      'a missing contract',
      () => config({}, { registry: `0x${'77'.repeat(20)}` }),
      /no contract at 0x7777.*\(registry\).*check the deployment file/,
    ],
    ['no deployment file', () => config({ deployment: 'nowhere.json' }), /cannot read the deployment .*nowhere\.json/],
    [
      'a key file that is none',
      () => config({ ...withKey, key: { ...withKey.key, file: join(folder, 'password') } }),
      /is not a Web3 v3 keystore/,
    ],
    ['no configuration', () => join(folder, 'nothing.yaml'), /cannot read the configuration/],
    [
      'a web page',
      () => {
        proxy.body = '<html>'
        return config({ rpc: [proxy.url] })
      },
      /something that is not JSON-RPC; is the URL a web page/,
    ],
    [
      'endpoints that disagree',
      () => {
        proxy.trick = async ({ method }, pass) => {
          const block = (await pass()) as object
          return method === 'eth_getBlockByNumber' ? { ...block, hash: `0x${'66'.repeat(32)}` } : block
        }
        return config({ rpc: [world.anvil.rpcUrl, proxy.url] })
      },
      /RPC 127\.0\.0\.1:\d+ and RPC 127\.0\.0\.1:\d+ disagree about block \d+/,
    ],
  ])('%s: one line, exit code 2', async (_, make, line) => {
    const { code, err } = await fisherman(['status', '--config', await make()])
    expect(err).toMatch(line)
    expect(err.trim().split('\n').length).toBe(1)
    expect(code).toBe(2)
  })
})

describe('fisherman chain orchestrators', () => {
  it('prints the table, largest stake first, columns aligned, and the same as JSON', async () => {
    await world.send(world.orchestrators[2]!, 'deposit', 'thaw', [tokens(400)])
    await world.send(world.wallets[0]!, 'token', 'mint', [addressOf(world.orchestrators[1]!), tokens(500)])
    await world.send(world.orchestrators[1]!, 'token', 'approve', [world.deployment.deposit, tokens(500)])
    await world.send(world.orchestrators[1]!, 'deposit', 'deposit', [tokens(500)])
    const file = config()
    const { code, out, err } = await fisherman(['orchestrators', '--config', file])
    expect({ code, err }).toEqual({ code: 0, err: '' })
    const lines = out.split('\n')
    expect(lines[0]).toBe(
      'orchestrator                                stake  own bond  deposit  slashable  rewards  tickets  service URI            note',
    )
    expect(lines[1]).toBe(
      `${addressOf(world.orchestrators[1]!)}   1500         -     1500       1500        -        -  http://127.0.0.1:9001`,
    )
    expect(out).toMatch(/http:\/\/127\.0\.0\.1:9002 {2}400 thawing$/m)
    expect(out).toMatch(
      /^4 orchestrators with a security deposit \(no Livepeer on this chain\) at block \d+\. Amounts in LPT\.$/m,
    )
    const json = JSON.parse((await fisherman(['orchestrators', '--config', file, '--json'])).out)
    expect(json.source).toBe('deposits')
    expect(json.rows.map((row: { totalStake: string }) => row.totalStake)).toEqual(
      [1500, 1000, 1000, 600].map((n) => tokens(n).toString()),
    )
  })

  it('says in one line what is wrong, with exit code 2', async () => {
    const wrong = await fisherman(['orchestrators', '--config', config(), '--rounds', 'many'])
    expect(wrong).toMatchObject({
      code: 2,
      err: "fisherman chain orchestrators: --rounds 'many': must be a number from 1 to 9999\n",
    })
    const down = await fisherman(['orchestrators', '--config', config({ rpc: ['http://127.0.0.1:1'] })])
    expect(down).toMatchObject({
      code: 2,
      err: expect.stringMatching(/^fisherman chain orchestrators: RPC .* cannot be reached.*\n$/),
    })
  })
})

describe('what people see', () => {
  it('amounts, columns and the bar', () => {
    expect([0n, 1n, tokens(3), tokens(3) + 5n * 10n ** 16n, tokens(2) - 1n].map((wei) => amount(wei))).toEqual([
      '0',
      '<0.01',
      '3',
      '3.05',
      '1.99',
    ])
    expect(amount(undefined, 'LPT')).toBe('-')
    expect(
      columns(
        [
          ['a', '1'],
          ['bb', '22'],
        ],
        new Set([1]),
      ),
    ).toEqual(['a    1', 'bb  22'])
    const written: string[] = []
    const bar = progressBar({ write: (text) => written.push(text) })
    bar.show({ from: 11n, at: 20n, to: 30n })
    bar.clear()
    expect(written).toEqual([`\r[${'#'.repeat(15)}${'.'.repeat(15)}] 50 %  block 20 of 30 `, '\r\u001b[K'])
  })
})
