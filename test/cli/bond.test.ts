import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { serialiseDeployment } from '../../src/chain/deployment.ts'
import { tokens } from '../../src/chain/presets.ts'
import { localWallet, randomMnemonic } from '../../src/chain/setup.ts'
import type { World } from '../chain/world.ts'
import { type CliFolder, createCliWorld, refused, withLimits } from './site.ts'

let world: World
let folder: CliFolder
let at: string[]
let member: string[]
let node: string[]
let fresh: string[]
let clean: string
beforeAll(async () => {
  ;({ world, folder, at } = await createCliWorld())
  member = [...at, ...(await folder.key(world.fishermen[0] as never, 'member'))]
  node = [...at, ...(await folder.key(world.orchestrators[0] as never, 'node'))]
  fresh = [...at, ...(await folder.key(world.stranger, 'fresh'))]
  await world.send(world.wallets[0] as never, 'token', 'mint', [world.stranger.address, tokens(300)])
  clean = await world.snapshot()
})
afterAll(async () => {
  await folder?.remove()
  await world?.stop()
})
beforeEach(async () => {
  await world.revert(clean)
  clean = await world.snapshot()
})

const bond = (...args: string[]) => folder.fisherman('bond', ...args)
const balance = async (address: string) => (await world.view('token', 'balanceOf', [address])) as bigint

describe("a fisherman's bond", () => {
  it('goes in, counts, leaves, waits and comes out, each step with its amounts and dates', async () => {
    const dry = await bond('deposit', '250.5', ...fresh, '--dry-run')
    expect(dry).toMatchObject({ code: 0 })
    expect(dry.out).toMatch(
      /This bonds 250\.5 LPT of 0x.*, and lets the verifier take 25 LPT for each case.*\nNothing was sent\./,
    )
    expect(await balance(world.stranger.address)).toBe(tokens(300))

    const put = await bond('deposit', '250.5', ...fresh, '--yes')
    expect(put).toMatchObject({ code: 0, err: '' })
    expect(put.out).toMatch(/approve +0x.*\napprove +0x.*\nregister +0x/)
    expect(put.out).toMatch(/funds +49\.5 LPT free, .* ETH for gas\nbond +250\.5 LPT, counts in \d s, on 20\d\d-/)
    await world.pass(9)
    expect((await bond('status', ...fresh)).out).toMatch(/bond +250\.5 LPT, counts for 250\.5 LPT; leaving takes 20 s\n/)
    const list = (await world.view('registry', 'members', [])) as { member: string }[]
    expect(list.at(-1)?.member).toBe(world.stranger.address)

    expect(refused(await bond('withdraw', ...fresh, '--yes'))).toMatch(/did not ask to leave; type fisherman bond exit first/)
    const exit = await bond('exit', ...fresh, '--yes')
    expect(exit.out).toMatch(
      /asks for 250\.5 LPT .* votes no more.*\nexit +0x.*\n(.*\n)*bond +250\.5 LPT, leaving: can be withdrawn in (20|1\d) s, on/,
    )
    expect(refused(await bond('exit', ...fresh, '--yes'))).toMatch(/is leaving already/)
    expect(refused(await bond('withdraw', ...fresh, '--yes'))).toMatch(
      /250\.5 LPT can be withdrawn in \d+ s, on 20\d\d-\d\d-\d\d \d\d:\d\d UTC/,
    )
    await world.pass(21)
    expect((await bond('withdraw', ...fresh, '--yes')).out).toMatch(/pays 250\.5 LPT out.*\nwithdraw +0x.*\n(.*\n)*bond +none/)
    expect(await balance(world.stranger.address)).toBe(tokens(300))
  })

  it('costs no more than the limits of the configuration that is named', async () => {
    const limited = async (limits: Record<string, number>) => {
      const key = await folder.key(world.stranger, 'fresh')
      return await bond('deposit', '250', ...(await withLimits({ world, folder }, limits)), ...key, '--yes')
    }
    const nonce = async () => Number(await world.provider.send('eth_getTransactionCount', [world.stranger.address, 'latest']))
    const before = await nonce()
    expect(refused(await limited({ maxFeeGwei: 0.05 }))).toMatch(
      /"approve" was not sent: gas costs .* gwei now, more than limits\.maxFeeGwei \(0\.05 gwei\)/,
    )
    expect(refused(await limited({ gasPerDay: 1e-9 }))).toMatch(
      /"approve" was not sent: gas of this command may cost 0\.0.*, more than limits\.gasPerDay/,
    )
    expect(await nonce()).toBe(before)
    expect(await limited({})).toMatchObject({ code: 0, err: '' })
    expect(await nonce()).toBeGreaterThan(before)
  })

  it('is refused before anything is sent where the chain would refuse it', async () => {
    const nonce = async () => Number(await world.provider.send('eth_getTransactionCount', [world.stranger.address, 'latest']))
    const before = await nonce()
    expect(refused(await bond('deposit', '249.999999999999999999', ...fresh, '--yes'))).toMatch(
      /is too little: a fisherman bonds at least 250 LPT/,
    )
    expect(refused(await bond('deposit', '301', ...fresh, '--yes'))).toMatch(/has 300 LPT, 1 LPT less than needed/)
    expect(refused(await bond('deposit', '2,5', ...fresh, '--yes'))).toMatch(/'2,5' is no amount of tokens/)
    expect(refused(await bond('exit', ...fresh, '--yes'))).toMatch(/has no bond/)
    expect(refused(await bond('exit', '5', ...fresh, '--yes'))).toMatch(/leaves with its whole bond/)
    expect(await nonce()).toBe(before)
    expect(refused(await bond('deposit', '250', ...member, '--yes'))).toMatch(
      /is bonded with 250 LPT already, and a bond cannot be raised/,
    )
    // Somebody must say yes.
    const unasked = await bond('deposit', '250', ...fresh)
    expect(refused(unasked)).toMatch(/nothing was sent: there is no terminal to ask at; add --yes/)
    expect(await nonce()).toBe(before)
  })
})

describe("an orchestrator's deposit", () => {
  it('goes in, thaws and comes out', async () => {
    const own = (...args: string[]) => bond(...args, ...node, '--orchestrator', '--yes')
    expect((await own('deposit', '10.25')).out).toMatch(/adds 10\.25 LPT .*\n(.*\n)*deposit +1010\.25 LPT; leaving takes 1 min/)
    expect(refused(await own('withdraw'))).toMatch(
      /nothing of the deposit .* thaws; type fisherman bond exit --orchestrator first/,
    )
    expect((await own('exit', '10')).out).toMatch(/thawing +10 LPT, can be withdrawn in (1 min|59 s), on/)
    expect(refused(await own('withdraw'))).toMatch(/10 LPT can be withdrawn in/)
    // What is on its way out is no security.
    const halfway = await bond('status', ...at, '--address', (world.orchestrators[0] as { address: string }).address)
    expect(halfway.out).toMatch(/deposit +1000\.25 LPT; .*\nthawing +10 LPT, .*, until \d{4}-\d\d-\d\d \d\d:\d\d UTC$/m)
    expect(refused(await own('exit', '1001'))).toMatch(
      /1001 LPT cannot be asked back: 1000\.25 LPT of .* are deposited and not thawing/,
    )
    await world.pass(61)
    const all = await own('exit')
    expect(all.out).toMatch(/asks for 1000\.25 LPT .* back; the 10 LPT that thaw already wait anew with it/)
    await world.pass(61)
    const beforeLapse = await world.snapshot()
    await world.pass(3 * 86_400)
    expect(refused(await own('withdraw'))).toMatch(
      /nothing of the deposit .* thaws; .* \(what thawed before was not withdrawn in time\)/,
    )
    expect((await own('exit', '10.25')).out).toMatch(/deposit +1000 LPT; .*\nthawing +10\.25 LPT/)
    await world.revert(beforeLapse)
    expect((await own('withdraw')).out).toMatch(/pays 1010\.25 LPT out.*\n(.*\n)*deposit +none/)
    const status = await bond('status', ...at, '--address', (world.orchestrators[0] as { address: string }).address, '--json')
    expect(JSON.parse(status.out)).toMatchObject({
      deposit: { amount: '0' },
      bond: { registered: false },
      purse: { tokens: `${tokens(2000)}` },
    })
  })
})

describe('bad input is one clear line and exit code 2', () => {
  const status = (...args: string[]) => bond('status', ...args)

  it.each<[string, () => Promise<string[]>, RegExp]>([
    ['nowhere to work', async () => [], /say where to work: --config FILE, or --rpc URL and --deployment FILE/],
    ['no key', async () => at, /a key is needed: --key FILE and --password-file FILE/],
    [
      'a key file that is not there',
      async () => [...at, '--key', 'nowhere.json', '--password-file', 'password'],
      /cannot read the keystore nowhere\.json/,
    ],
    [
      'a key file that is none',
      async () => [...at, '--key', await folder.file('none.json', '{"a":1}'), '--password-file', 'password'],
      /none\.json is not a Web3 v3 keystore/,
    ],
    [
      'a key file that all can read',
      async () => [...at, '--key', await folder.file('open.json', '{}', 0o644), '--password-file', 'password'],
      /can be read by others; type: chmod 600/,
    ],
    [
      'a wrong password',
      async () => [...member.slice(0, -1), await folder.file('wrong', 'wrong\n')],
      /the password in .*wrong does not open .*member\.json/,
    ],
    ['no password file', async () => [...at, ...member.slice(4, 6)], /--key needs --password-file/],
    [
      'an RPC that nobody serves',
      async () => ['--rpc', 'http://127.0.0.1:1', ...member.slice(2)],
      /RPC 127\.0\.0\.1:1 cannot be reached; check the URL/,
    ],
    [
      'an RPC that is no URL',
      async () => ['--rpc', 'localhost', ...member.slice(2)],
      /"localhost" is no URL; write the RPC as http/,
    ],
    [
      'another chain',
      async () => {
        const text = serialiseDeployment({ ...world.deployment, chainId: 42_161n })
        return [...at.slice(0, 2), '--deployment', await folder.file('other.json', text), ...member.slice(4)]
      },
      /serves chain 31337, but the deployment is on chain 42161; set another RPC URL or network/,
    ],
    [
      'a contract that is not there',
      async () => {
        const text = serialiseDeployment({ ...world.deployment, registry: `0x${'12'.repeat(20)}` })
        return [...at.slice(0, 2), '--deployment', await folder.file('gone.json', text), ...member.slice(4)]
      },
      /there is no contract at 0x1212.* \(registry\) on chain 31337; check the deployment file and the network/,
    ],
    [
      'another contract in its place',
      async () => {
        const text = serialiseDeployment({ ...world.deployment, registry: world.deployment.token })
        return [...at.slice(0, 2), '--deployment', await folder.file('swapped.json', text), ...member.slice(4)]
      },
      /does not answer accounts\(\); is the deployment file the one of this chain\?/,
    ],
    [
      'no deployment file',
      async () => [...at.slice(0, 2), '--deployment', 'nowhere.json'],
      /cannot read the deployment file nowhere\.json/,
    ],
    [
      'a deployment file that is none',
      async () => [...at.slice(0, 2), '--deployment', await folder.file('bad.json', '{"chainId":"1"}')],
      /bad\.json: .*; write it with the deploy command/,
    ],
    ['a mistyped address', async () => [...at, '--address', '0x12'], /--address '0x12': must be an address/],
    [
      'a wrong checksum',
      async () => [...at, '--address', '0x70997970C51812dc3A010C7d01b50e0d17dc79c8'],
      /its checksum is wrong; look for a mistyped digit/,
    ],
  ])('%s', async (_, args, says) => {
    expect(refused(await status(...(await args())))).toMatch(says)
  })

  it('an account without funds', async () => {
    const poor = localWallet(randomMnemonic(), 0)
    await world.send(world.wallets[0] as never, 'token', 'mint', [poor.address, tokens(300)])
    const line = refused(await bond('deposit', '250', ...at, ...(await folder.key(poor, 'poor')), '--yes'))
    expect(line).toMatch(/has 0\.0 of the native coin, "approve" may cost 0\.\d+; send it some/)
  })
})
