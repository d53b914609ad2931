import { existsSync } from 'node:fs'
import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { localWallet, randomMnemonic } from '../../src/chain/setup.ts'
import { type Anvil, startAnvil } from '../../src/devnet/anvil.ts'
import { signal } from '../chain/world.ts'
import { type CliFolder, createCliFolder, refused } from './site.ts'

const mnemonic = randomMnemonic()
let anvil: Anvil
let folder: CliFolder
let key: string[]
beforeAll(async () => {
  anvil = await startAnvil({ mnemonic, accounts: 4, signal })
  folder = await createCliFolder()
  key = await folder.key(localWallet(mnemonic, 0), 'deployer')
})
afterAll(async () => {
  await folder?.remove()
  await anvil?.stop()
})

const local = () => ['--network', 'local', '--rpc', anvil.rpcUrl]
const deploy = (...args: string[]) => folder.fisherman('deploy', ...args)

describe('fisherman deploy', () => {
  it('shows, asks, deploys, looks at what came of it, and writes where it lies', async () => {
    const dry = await deploy(...local(), ...key, '--dry-run')
    expect(dry).toMatchObject({ code: 0, err: '' })
    for (const line of [/^deployer +0x/m, /^governor +0x/m, /^oracle +1 of 1: 0x/m, /^creates +FishermanVerifier +0x/m])
      expect(dry.out).toMatch(line)
    expect(dry.out).toMatch(
      /gas +about \d{8}, 0\.\d+ ETH at today's price; at most 0\.\d+ ETH, the deployer has 10000 ETH\nNothing was sent\./,
    )
    expect(refused(await deploy(...local(), ...key))).toMatch(/there is no terminal to ask at; add --yes/)
    expect(existsSync(join(folder.path, 'deployment.json'))).toBe(false)
    expect(existsSync(join(folder.path, 'deployment.json.partial'))).toBe(false)

    const done = await deploy(...local(), ...key, '--yes', '--set', 'openBond=30')
    expect(done).toMatchObject({ code: 0, err: '' })
    expect(done.out).toMatch(/deployment\.json says where the contracts lie; (\d+) of \1 checks on the chain hold\./)
    expect(existsSync(join(folder.path, 'deployment.json.partial'))).toBe(false)
    expect(refused(await deploy(...local(), ...key, '--yes'))).toMatch(/deployment\.json exists already/)

    const check = (...args: string[]) => deploy(...local(), '--check', 'deployment.json', ...args)
    expect(await check('--set', 'openBond=30')).toMatchObject({ code: 0, err: '' })
    const other = await check('--guardian', localWallet(mnemonic, 1).address)
    expect(other.code).toBe(1)
    expect(other.out.split('\n').filter((line) => line.startsWith('NO'))).toEqual([
      expect.stringMatching(/^NO +verifier\.guardian +0x.*, and should be 0x/),
      'NO  verifier.openBond          30 LPT, and should be 25 LPT',
    ])
    const file = join(folder.path, 'deployment.json')
    const text = await readFile(file, 'utf8')
    const { registry, deposit } = JSON.parse(text) as Record<string, string>
    await writeFile(file, text.replace(`"registry": "${registry}"`, `"registry": "${deposit}"`))
    expect((await check()).out).toMatch(/^NO +registry code +the code at 0x.* is not this program's FishermanRegistry$/m)
    await rm(file)
  })

  it('killed at any moment goes on when it is typed again', async () => {
    // Blocks come later than the kill: what was sent waits, or was lost.
    const slow = await startAnvil({ mnemonic, accounts: 1, blockTimeSec: 2, signal })
    const args = ['deploy', '--network', 'local', '--rpc', slow.rpcUrl, ...key, '--yes', '--out', 'slow.json', '--json']
    const deployer = localWallet(mnemonic, 0).address
    const sent = async (tag: string) => {
      const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'eth_getTransactionCount', params: [deployer, tag] })
      const answer = await fetch(slow.rpcUrl, { method: 'POST', body, headers: { 'content-type': 'application/json' } })
      return Number(((await answer.json()) as { result: string }).result)
    }
    await folder.killed(async () => (await sent('pending')) >= 3, ...args)
    expect(existsSync(join(folder.path, 'slow.json'))).toBe(false)
    const ran = await folder.fisherman(...args)
    expect(ran.code).toBe(0)
    expect(JSON.parse(ran.out)).toMatchObject({ ok: true })
    expect(existsSync(join(folder.path, 'slow.json'))).toBe(true)
    expect(await sent('latest')).toBe(11)
    await slow.stop()
  })

  it('tells all rules that parameters break, each in a line', async () => {
    const ran = await deploy('--network', 'arbitrum-one', '--rpc', anvil.rpcUrl, ...key, '--set', 'dailyCap=60', 'thawSec=1d')
    expect(ran.code).toBe(2)
    expect(ran.err.trim().split('\n')).toEqual([
      expect.stringMatching(/^fisherman deploy: thaw-statute: thawSec \(86400 s\) must not be below/),
      expect.stringMatching(/^fisherman deploy: quorum-money: 14 of dailyCap \(840 LPT\) must not be above .* \(750 LPT\)/),
    ])
  })

  const someone = localWallet(mnemonic, 3).address
  const roles = ['--governor', someone, '--guardian', someone, '--treasury', someone, '--oracle-member', someone]
  it.each<[string, () => string[], RegExp]>([
    [
      'an unknown network',
      () => ['--network', 'mars', '--rpc', anvil.rpcUrl, ...key],
      /no chain preset is called "mars"; use one of local/,
    ],
    ['no key', () => local(), /--key and --password-file are needed/],
    [
      'roles that nobody has',
      () => ['--network', 'arbitrum-one', '--rpc', anvil.rpcUrl, ...key],
      /arbitrum-one needs --governor, --guardian, --treasury, --oracle-member/,
    ],
    [
      'another chain',
      () => ['--network', 'arbitrum-one', '--rpc', anvil.rpcUrl, ...key, ...roles],
      /the RPC serves chain 31337, but arbitrum-one is chain 42161/,
    ],
    [
      'an RPC that nobody serves',
      () => ['--network', 'local', '--rpc', 'http://127.0.0.1:1', ...key],
      /RPC 127\.0\.0\.1:1 cannot be reached/,
    ],
    ['a role that is no address', () => [...local(), ...key, '--governor', '0x1'], /--governor '0x1': must be an address/],
    [
      'an oracle of too few',
      () => [...local(), ...key, '--oracle-member', someone, '--oracle-threshold', '2'],
      /of 1 members 1 to 1 can decide/,
    ],
    [
      'an oracle that names one twice',
      () => [...local(), ...key, '--oracle-member', someone, someone],
      /names the same address twice/,
    ],
    ['an unknown parameter', () => [...local(), ...key, '--set', 'bond=3'], /there is no parameter bond; there are/],
    ['no deployment file', () => [...local(), '--check', 'nowhere.json'], /cannot read the deployment file nowhere\.json/],
  ])('refuses %s in one line', async (_, args, says) => {
    expect(refused(await deploy(...args()))).toMatch(says)
  })

  it('refuses a key without funds', async () => {
    const poor = await folder.key(localWallet(mnemonic, 20), 'poor')
    expect(refused(await deploy(...local(), ...poor, '--yes'))).toMatch(
      /has 0\.0 of the native coin, the deployment may cost 0\.\d+; send it some/,
    )
  })
})
