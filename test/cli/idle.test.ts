import { spawn } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { encryptKeystoreJson } from 'ethers'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { FILES, fileOf } from '../../proofs/dataset.ts'
import { serialiseDeployment } from '../../src/chain/deployment.ts'
import { createLivepeerDoubles, type LivepeerDoubles, node } from '../chain/doubles.ts'
import { createWorld, type World } from '../chain/world.ts'
import { openSite } from '../observe/site.ts'

// Events of a real chain, the program as it is shipped, the dataset that it writes, and a stranger who checks it.

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 })
let world: World
let livepeer: LivepeerDoubles
let server: Server
const folder = mkdtempSync(join(tmpdir(), 'fisherman-idle-cli-'))
const signed = join(folder, 'signed')
const program = fileURLToPath(new URL('../../bin/fisherman.mjs', import.meta.url))

interface Ended {
  code: number | null
  out: string
  err: string
}
function fisherman(...args: string[]): Promise<Ended> {
  const child = spawn(process.execPath, [program, 'idle', ...args])
  let [out, err] = ['', '']
  child.stdout.on('data', (chunk) => {
    out += chunk
  })
  child.stderr.on('data', (chunk) => {
    err += chunk
  })
  return new Promise((resolve) => child.once('close', (code) => resolve({ code, out, err })))
}

function config(name: string, change: Record<string, unknown> = {}, deployment = livepeer.deployment): string {
  const own = join(folder, name)
  writeFileSync(`${own}.deployment.json`, serialiseDeployment(deployment))
  const value = { dataDir: `${own}.data`, rpc: [world.anvil.rpcUrl], deployment: `${own}.deployment.json`, ...change }
  writeFileSync(`${own}.json`, JSON.stringify(value))
  return `${own}.json`
}
function withKey() {
  return { key: { file: join(folder, 'key.json'), passwordFile: join(folder, 'password') } }
}

beforeAll(async () => {
  world = await createWorld({ roundSec: 3600 })
  livepeer = await createLivepeerDoubles(world)
  const { address, privateKey } = world.fishermen[0]!
  const work = { scrypt: { N: 4096, r: 8, p: 1 } }
  writeFileSync(join(folder, 'key.json'), await encryptKeystoreJson({ address, privateKey }, 'x', work), { mode: 0o600 })
  writeFileSync(join(folder, 'password'), 'x', { mode: 0o600 })
  await livepeer.call('newRound')
  await livepeer.call('add', [node(1), 500n * 10n ** 18n, 100n * 10n ** 18n, 3n, 'https://one.example:8935'])
  await livepeer.call('reward', [node(1)])
  for (let i = 0; i < 3; i++) await livepeer.call('redeemFrom', [node(2), node(2), 7n * 10n ** 18n])
  await livepeer.call('newRound')
  await world.provider.send('anvil_mine', ['0x50'])
  server = createServer(({ url = '' }, response) => {
    try {
      response.end(readFileSync(join(signed, url.slice(1))))
    } catch {
      response.writeHead(404).end()
    }
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
})
afterAll(async () => {
  server?.close()
  await world?.stop()
  rmSync(folder, { recursive: true, force: true })
})

describe('fisherman idle', () => {
  it('tells the heaviest class first, totals, and that nobody looked where no fisherman runs', async () => {
    const { code, out } = await fisherman('--config', config('look'))
    expect(code).toBe(0)
    const lines = out.split('\n')
    expect(lines[0]).toMatch(/^orchestrator +class +LPT minted +tickets +ETH +own bond +at risk +why$/)
    expect(lines[1]).toMatch(new RegExp(`^${node(2)}  self-dealt +0 +3 +21 +0 +no bond  3 of 3 tickets came from itself`))
    expect(lines[2]).toMatch(new RegExp(`^${node(1)}  unproven +1 +0 +0 +100 +\\d+\\.\\d\\dx  .*1 rounds are too few`))
    expect(out).toMatch(/^self-dealt +1 +0 +21$/m)
    expect(out).toMatch(/^Evidence: NONE, so nobody looked at any work: no fisherman runs in /m)
  })

  it('prints the same as JSON', async () => {
    const { code, out } = await fisherman('--config', config('json'), '--json')
    expect(code).toBe(0)
    const said = JSON.parse(out)
    expect(said.span).toMatchObject({ chainId: '31337', round: '2', rounds: 1 })
    expect(said.results.map((one: { class: string }) => one.class)).toEqual(['self-dealt', 'unproven'])
    expect(said.results[0]).toMatchObject({ redeemedEth: (21n * 10n ** 18n).toString(), relatedTickets: 3 })
    expect(said.noEvidence).toMatch(/no fisherman runs/)
  })

  it('counts what the running fisherman saw', async () => {
    const tally = { receipts: 9, checked: 3, pass: 2, fail: 1, inconclusive: 4, withheld: 0, evidenceScore: 4.5 }
    const site = await openSite({ orchestrators: () => ({ [node(2)]: tally }) })
    try {
      const file = config('seen')
      mkdirSync(join(folder, 'seen.data'), { recursive: true })
      writeFileSync(join(folder, 'seen.data', 'daemon.json'), JSON.stringify({ pid: 1, http: site.url }))
      const { code, out } = await fisherman('--config', file, '--json')
      expect(code).toBe(0)
      const said = JSON.parse(out)
      const counts = { receipts: 9, pass: 2, fail: 1, inconclusive: 4, withheld: 0, unreceipted: 0, faults: 0, trips: 0 }
      expect(said.noEvidence).toBeNull()
      expect(said.evidence).toEqual([{ address: node(2), ...counts }])
      expect(said.results[0]).toMatchObject({ address: node(1), class: 'unproven' })
      expect(said.results[1]).toMatchObject({ address: node(2), class: 'works', why: '2 of 3 samples passed' })
    } finally {
      await site.stop()
    }
  })

  it.each<[string, () => string[], RegExp]>([
    ['no Livepeer', () => ['--config', config('none', {}, world.deployment)], /Livepeer's contracts are not on this chain/],
    ['rounds that are no number', () => ['--rounds', 'many'], /--rounds 'many': must be a number from 1 to 999/],
    ['nobody at the RPC', () => ['--config', config('dead', { rpc: ['http://127.0.0.1:1'] })], /cannot be reached/],
  ])('%s: one line, exit code 2', async (_, args, line) => {
    const { code, err } = await fisherman(...args())
    expect(err).toMatch(line)
    expect(err.trim().split('\n').length).toBe(1)
    expect(code).toBe(2)
  })
})

describe('its dataset', () => {
  it('is signed, and anybody derives the same from the folder or over HTTP', async () => {
    const { code, err } = await fisherman('--config', config('out', withKey()), '--out', signed)
    expect(err).toMatch(/signed by 0x[0-9a-f]{40}; anybody checks it/)
    expect(code).toBe(0)
    expect(readdirSync(signed).length).toBe(FILES.length + 2)
    const { port } = server.address() as AddressInfo
    for (const where of [signed, `http://127.0.0.1:${port}/`, `http://127.0.0.1:${port}/manifest.json`]) {
      const told = await fisherman('verify', where)
      expect(told.out).toMatch(/^it is what it says: round 2 of chain 31337/)
      expect(told.out).toMatch(new RegExp(`^signed by ${world.fishermen[0]!.address.toLowerCase()}$`, 'm'))
      expect(told.code).toBe(0)
    }
    const told = await fisherman('verify', signed, '--json')
    expect(JSON.parse(told.out)).toMatchObject({ problems: [], span: { round: '2' } })
    const again = await fisherman('--config', config('out', withKey()), '--out', signed)
    expect(again.err).toMatch(/is not empty; name a new folder/)
    expect(again.code).toBe(2)
  })

  it('is the same bytes for two who saw the same, and signed by nobody without a key', async () => {
    const [one, two] = [join(folder, 'one'), join(folder, 'two')]
    for (const out of [one, two]) expect((await fisherman('--config', config('out'), '--out', out)).code).toBe(0)
    const texts = (of: string) => readdirSync(of).map((name) => [name, readFileSync(join(of, name), 'utf8')])
    expect(texts(one)).toEqual(texts(two))
    const { code, out } = await fisherman('verify', one)
    expect(out).toMatch(/^signed by nobody/m)
    expect(code).toBe(0)
  })

  const fileNamed = (name: string) => {
    const manifest = JSON.parse(readFileSync(join(signed, 'manifest.json'), 'utf8'))
    return manifest.files.find((one: { name: string }) => one.name === name).hash as string
  }
  it.each<[string, (at: string) => void, RegExp]>([
    ...FILES.map((name): [string, (at: string) => void, RegExp] => [
      `a changed byte in ${name}`,
      (at) => {
        const file = join(at, fileNamed(name))
        const text = readFileSync(file, 'utf8')
        writeFileSync(file, text === '' ? '\n' : text.replace(/[1-8]/, (digit) => String(Number(digit) + 1)))
      },
      new RegExp(`${name}: the file 0x[0-9a-f]{64} has another hash`),
    ]),
    ['a missing file', (at) => rmSync(join(at, fileNamed('events'))), /events: the file 0x[0-9a-f]{64} is missing/],
    ['a further file', (at) => writeFileSync(join(at, 'more'), 'x'), /more does not belong to the dataset/],
    ['no manifest', (at) => rmSync(join(at, 'manifest.json')), /there is no manifest\.json/],
    ['no signature', (at) => rmSync(join(at, 'signature.json')), /signature\.json is missing/],
    [
      'a manifest of another block',
      (at) => edit(at, (text) => text.replace(/"stateBlock":"\d+"/, '"stateBlock":"1"')),
      /the signature is of 0x[0-9a-f]{40}, not of 0x/,
    ],
    ['another root', (at) => edit(at, (text) => text.replace(/"root":"0x../, '"root":"0xff')), /the Merkle root of the files is/],
    ['a field too many', (at) => edit(at, (text) => text.replace('{"anchor"', '{"aa":1,"anchor"')), /fields that do not belong/],
    [
      'another class, with hash and manifest made anew',
      (at) => {
        const old = readFileSync(join(at, fileNamed('results')), 'utf8')
        const text = old.replace('"class":"self-dealt"', '"class":"works"')
        const { hash, bytes } = fileOf('results', text)
        rmSync(join(at, fileNamed('results')))
        writeFileSync(join(at, hash), text)
        edit(at, (manifest) =>
          manifest.replace(fileNamed('results'), hash).replace(`"bytes":${Buffer.byteLength(old)}`, `"bytes":${bytes}`),
        )
      },
      /class is "self-dealt" by the events, "works" was published/,
    ],
  ])('%s is named, exit code 1', async (name, change, line) => {
    const at = join(folder, `tampered ${name}`)
    cpSync(signed, at, { recursive: true })
    change(at)
    const { code, out } = await fisherman('verify', at)
    expect(out).toMatch(/^DIFFERS: /)
    expect(out).toMatch(line)
    expect(code).toBe(1)
  })

  it('that is not there, or no dataset, is our error', async () => {
    const { code, err } = await fisherman('verify', join(folder, 'nowhere'))
    expect(err).toMatch(/cannot read the dataset .*nowhere/)
    expect(code).toBe(2)
    const { port } = server.address() as AddressInfo
    expect((await fisherman('verify', `http://127.0.0.1:${port}/other`)).err).toMatch(/there is no manifest\.json at/)
  })
})

function edit(at: string, change: (text: string) => string): void {
  const file = join(at, 'manifest.json')
  const text = readFileSync(file, 'utf8')
  expect(change(text)).not.toBe(text)
  writeFileSync(file, change(text))
}
