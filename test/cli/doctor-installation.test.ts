import { chmodSync, mkdirSync, readdirSync } from 'node:fs'
import { createServer, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { Wallet } from 'ethers'
import { Level } from 'level'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { timeOfRound } from '../../src/attest/drand.ts'
import { systemClock } from '../../src/base/clock.ts'
import { serialiseDeployment } from '../../src/chain/deployment.ts'
import { readConfig } from '../../src/config/load.ts'
import { examineInstallation, INSTALLATION } from '../../src/doctor/installation.ts'
import { clockOf, contractFindings } from '../../src/doctor/on-chain.ts'
import { openProofLog } from '../../src/prooflog/log.ts'
import { createWorld, type World } from '../chain/world.ts'
import { ROUNDS } from '../helpers/drand.ts'
import { createNet, type Net } from '../node/net.ts'
import { type CliFolder, createCliFolder } from './site.ts'

const NODE = `0x${'11'.repeat(20)}`
let world: World
let deployment: string
let folder: CliFolder
let net: Net
let feed: Server
let feedUrl: string
let count = 0

beforeAll(async () => {
  // As the preset says: what differs is told.
  world = await createWorld()
  folder = await createCliFolder()
  deployment = await folder.file('deployment.json', serialiseDeployment(world.deployment))
  net = await createNet()
  feed = createServer((_, response) => response.writeHead(200).end('')).listen(0, '127.0.0.1')
  await new Promise((resolve) => feed.once('listening', resolve))
  feedUrl = `http://127.0.0.1:${(feed.address() as AddressInfo).port}`
}, 60_000)
afterAll(async () => {
  feed?.close()
  await net?.close()
  await world?.stop()
  await folder?.remove()
})

/** A configuration of a member that attests, and what is changed in it. */
async function installed(changes: Record<string, unknown> = {}): Promise<{ file: string; dataDir: string }> {
  const dataDir = join(folder.path, `data-${++count}`)
  mkdirSync(dataDir, { mode: 0o700 })
  const [, key, , password] = await folder.key(Wallet.createRandom() as unknown as Wallet, `key-${count}`)
  const config = {
    ...{ network: 'local', mode: 'attest', dataDir, rpc: [world.anvil.rpcUrl], deployment },
    ...{ key: { file: key, passwordFile: password }, feeds: [{ transcoder: NODE, url: feedUrl }] },
    ...{ cacheBytes: 1_000_000, evidenceBytes: 1_000_000, http: { port: 0 } },
    ...changes,
  }
  return { file: await folder.file(`config-${count}.json`, JSON.stringify(config)), dataDir }
}

async function look(changes: Record<string, unknown> = {}, prepare: (dataDir: string) => unknown = () => undefined) {
  const { file, dataDir } = await installed(changes)
  await prepare(dataDir)
  const { config } = readConfig({ file, env: {} })
  const signal = new AbortController().signal
  const findings = await examineInstallation({ config, file, clock: systemClock, signal })
  return { findings, of: (name: string) => findings.find((finding) => finding.name === name), dataDir }
}

describe('the doctor of an installation', () => {
  it('finds nothing wrong with one that works, and leaves nothing behind', { timeout: 60_000 }, async () => {
    const peer = await net.start({ init: { domain: { chainId: 31_337n, anchor: world.deployment.anchor } } })
    const { findings, dataDir } = await look({
      gossip: { listen: ['/ip4/127.0.0.1/tcp/47935'], bootstrap: peer.gossip.addresses() },
    })
    expect(findings.filter(({ state }) => state !== 'ok')).toEqual([])
    expect([...new Set(findings.map(({ name }) => name))]).toEqual([
      ...['configuration', 'key', 'data folder', 'log', 'http port', 'gossip port', 'rpc', 'clock', 'funds', 'contracts'],
      ...['feeds', 'peers'],
    ])
    expect(findings.at(-1)?.says).toBe('1 of 1 bootstrap peers answer and are of this network')
    expect(readdirSync(dataDir)).toEqual([])
  })

  it('says of a newcomer what is missing, and that nothing is broken', async () => {
    const { findings, of } = await look({ feeds: [], gossip: {} })
    expect(findings.filter(({ state }) => state === 'failed')).toEqual([])
    expect(of('configuration')).toMatchObject({ state: 'warning', says: expect.stringMatching(/nothing is checked/) })
    expect(of('gossip port')).toMatchObject({ state: 'warning', mend: 'give it a fixed port in gossip.listen' })
    expect(of('peers')).toMatchObject({ state: 'warning', says: 'no other fisherman is known' })
    expect(of('log')).toEqual({ name: 'log', state: 'ok', says: 'none yet' })
  })

  it('names what does not answer: feeds, peers, ports', async () => {
    const { of, findings } = await look({
      feeds: [{ transcoder: NODE, url: 'http://127.0.0.1:9' }],
      gossip: { listen: [`/ip4/127.0.0.1/tcp/${feedUrl.split(':')[2]}`], bootstrap: ['/ip4/127.0.0.1/tcp/9'] },
    })
    expect(of('gossip port')).toMatchObject({ state: 'failed', mend: expect.stringMatching(/choose another in gossip\.listen/) })
    expect(findings.filter(({ name }) => name === 'feeds')).toEqual([
      expect.objectContaining({ state: 'warning', says: expect.stringContaining(NODE) }),
      { name: 'feeds', state: 'failed', says: '0 of 1 answer' },
    ])
    expect(of('peers')).toMatchObject({ state: 'warning', says: expect.stringMatching(/^0 of 1 bootstrap peers answer/) })
  })

  it('knows a key that others can read, and a log that was changed', async () => {
    const { of } = await look({}, async (dataDir) => {
      chmodSync(join(folder.path, `key-${count}.json`), 0o644)
      const log = await openProofLog({ folder: join(dataDir, 'proofs'), identity: 'somebody' }, { clock: systemClock })
      for (let n = 0; n < 5; n++) await log.append('note' as never, { n })
      await log.close()
      const db = new Level<string, string>(join(dataDir, 'proofs'))
      const entries = db.sublevel<string, string>('entry', {})
      const key = '3'.padStart(14, '0')
      await entries.put(key, ((await entries.get(key)) ?? '').replace('"n":3', '"n":4'))
      await db.close()
    })
    expect(of('key')).toMatchObject({ state: 'failed', says: expect.stringMatching(/chmod 600/) })
    expect(of('log')).toEqual({
      ...{ name: 'log', state: 'failed', says: expect.stringMatching(/damaged at entry 3 \(is not the one that was written\)/) },
      mend: expect.stringMatching(/^cp -a .* && fisherman log repair$/),
    })
  })

  it('opens each file that a start reads, and says what mends it', async () => {
    const open = await folder.file('open-token', 'sixteen-characters-and-more', 0o644)
    const missing = join(folder.path, 'no-secret')
    const weights = await folder.file('weights.yaml', 'presets: { sport: { speed: 2 } }')
    const { findings } = await look({
      ...{ http: { port: 0, tokenFile: open }, scores: { weightsFile: weights, postSecretFile: missing } },
      probe: { perDay: 1, keys: [{ file: join(folder.path, 'no-key.json'), passwordFile: join(folder.path, 'password') }] },
    })
    expect(findings.filter(({ name }) => name === 'files')).toEqual([
      {
        ...{ name: 'files', state: 'failed', mend: `chmod 600 ${open}` },
        says: `http.tokenFile ${open}: others can read it: chmod 600`,
      },
      {
        ...{ name: 'files', state: 'failed', says: expect.stringMatching(/sport: success must weigh more than 0/) },
        mend: 'correct it, or take scores.weightsFile out of the configuration',
      },
      {
        ...{ name: 'files', state: 'failed', says: expect.stringMatching(/^scores\.postSecretFile .*no such file/) },
        mend: `(umask 077; openssl rand -hex 24 > ${missing})`,
      },
    ])
    expect(findings.find(({ name }) => name === 'probe key')).toMatchObject({
      ...{ state: 'failed', says: expect.stringMatching(/no-key\.json/) },
    })
    const good = await look({ http: { port: 0, tokenFile: await folder.file('token', 'sixteen-characters-and-more') } })
    expect(good.of('files')).toMatchObject({ state: 'ok', says: expect.stringMatching(/^http\.tokenFile .*token can be read$/) })
  })

  it('does not trust other contracts, nor an RPC that is not there', async () => {
    const text = serialiseDeployment({ ...world.deployment, verifier: world.deployment.anchor })
    const { findings } = await look({ deployment: await folder.file('strange.json', text) })
    expect(findings.find(({ name, state }) => name === 'contracts' && state === 'failed')).toMatchObject({
      says: expect.stringMatching(/^verifier code: .*is not this program's FishermanVerifier/),
      mend: expect.stringMatching(/do not bond/),
    })
    const { of } = await look({ rpc: ['http://127.0.0.1:9'] })
    expect(of('rpc')).toMatchObject({ state: 'failed', says: expect.stringMatching(/127\.0\.0\.1:9/) })
  })

  it('as a command: one JSON object, and exit code 1 for a configuration that cannot be read', { timeout: 90_000 }, async () => {
    const bad = await folder.file('bad.yaml', 'netwrok: local\n')
    const ran = await folder.fisherman('doctor', '--json', '--config', bad)
    const { ok, checks } = JSON.parse(ran.out)
    expect([ran.code, ok]).toEqual([1, false])
    expect(checks.at(-1)).toMatchObject({
      ...{ name: 'configuration', state: 'failed', mend: 'fisherman config reference names every key' },
      says: expect.stringMatching(/netwrok.*did you mean network\?/),
    })
  })
})

describe('the beacon', () => {
  const [round] = ROUNDS
  const relays: Server[] = []
  afterAll(() => {
    for (const relay of relays) relay.close().closeAllConnections()
  })

  /** What the doctor says half a minute after a round that drand published, of relays that answer so. */
  async function ask(...answers: ((response: ServerResponse) => unknown)[]) {
    const urls: string[] = []
    for (const answer of answers) {
      const relay = createServer((request, response) =>
        request.url?.endsWith(`/public/${round?.round}`) ? answer(response) : response.writeHead(404).end(),
      )
      relays.push(relay.listen(0, '127.0.0.1'))
      await new Promise((resolve) => relay.once('listening', resolve))
      urls.push(`http://127.0.0.1:${(relay.address() as AddressInfo).port}`)
    }
    const { config } = readConfig({ file: (await installed({ network: 'arbitrum-one', beacon: { urls } })).file, env: {} })
    const clock = { ...systemClock, nowMs: () => (timeOfRound(round?.round ?? 0) + 30) * 1_000 }
    const signal = new AbortController().signal
    const checkUps = INSTALLATION.filter(({ name }) => name === 'beacon')
    return await examineInstallation({ config, file: undefined, clock, signal }, { checkUps })
  }
  const honest = (response: ServerResponse) => response.end(JSON.stringify({ signature: round?.signature.slice(2) }))
  const away = (response: ServerResponse) => response.writeHead(503).end()

  it('is there where a relay gives a round that was signed', async () => {
    const says = '2 of 2 relays give a round that drand signed'
    expect(await ask(honest, honest)).toEqual([{ name: 'beacon', state: 'ok', says }])
  })

  it('warns of a relay that is away, and of one that lies', async () => {
    const lie = (response: ServerResponse) => response.end(JSON.stringify({ signature: ROUNDS[1]?.signature.slice(2) }))
    const found = await ask(honest, away, lie)
    expect(found.map(({ state, says }) => [state, says])).toEqual([
      ['warning', expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+\S* answered 503$/)],
      ['warning', expect.stringMatching(/ gave what drand never signed as round 657413$/)],
      ['warning', '1 of 3 relays give a round that drand signed'],
    ])
    expect(found[0]?.mend).toBe('replace it in beacon.urls')
  })

  it('fails where no relay answers: nothing can be drawn', async () => {
    expect((await ask(away, (response) => response.destroy())).at(-1)).toEqual({
      ...{ name: 'beacon', state: 'failed', says: '0 of 2 relays give a round that drand signed: nothing can be drawn' },
      mend: 'open the way out to them in the firewall, or name relays that can be reached in beacon.urls',
    })
  })
})

describe('the clock', () => {
  it.each([
    [0, 'local', 'ok'],
    [16, 'local', 'warning'],
    [61, 'arbitrum-one', 'failed'],
    [-61, 'arbitrum-one', 'warning'],
    [-9_000, 'local', 'ok'],
  ])('%i s ahead of ours on %s is %s', (ahead, network, state) => {
    expect(clockOf(1_800_000_000 + ahead, 1_800_000_000, network).state).toBe(state)
  })
})

describe('contracts', () => {
  it('other values are told, broken rules fail', () => {
    const states = contractFindings([
      { what: 'verifier code', ok: true, says: '' },
      { what: 'registry.minBond', ok: false, says: '1 LPT, and should be 250 LPT' },
      { what: 'rule quorum-money', ok: false, says: 'it pays to corrupt three' },
    ]).map(({ state, says }) => [state, says])
    expect(states).toEqual([
      ['warning', 'registry.minBond is 1 LPT, and should be 250 LPT'],
      ['failed', 'rule quorum-money: it pays to corrupt three'],
    ])
  })
})
