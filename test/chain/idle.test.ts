import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { createKeystore } from '../../src/attest/keys.ts'
import { startHttp } from '../../src/base/http.ts'
import { serialiseDeployment } from '../../src/chain/deployment.ts'
import { idleCommand, idleVerifyCommand } from '../../src/cli/idle.ts'
import * as schema from '../../src/observe/api/schemas.ts'
import { readIdle } from '../../src/operator/idle.ts'
import { verifyIdle } from '../../src/operator/idle-verify.ts'
import { openSite } from '../observe/site.ts'
import { createLivepeerDoubles, node } from './doubles.ts'
import { createWorld, signal, type World } from './world.ts'

// From events on a real chain, and a real daemon's API, to a dataset that a stranger derives again.

let world: World
let flags: { rpc: string[]; deployment: string; network: string; rounds: number }
let key: { key: string; passwordFile: string }
const home = mkdtempSync(join(tmpdir(), 'fisherman-test-idle-'))
vi.setConfig({ testTimeout: 60_000 })
beforeAll(async () => {
  vi.stubEnv('XDG_CACHE_HOME', join(home, 'cache'))
  vi.stubEnv('XDG_CONFIG_HOME', join(home, 'config'))
  world = await createWorld({ roundSec: 60 })
  const livepeer = await createLivepeerDoubles(world)
  const deployment = join(home, 'deployment.json')
  writeFileSync(deployment, serialiseDeployment(livepeer.deployment))
  flags = { rpc: [world.anvil.rpcUrl], deployment, network: 'local', rounds: 90 }
  for (let i = 1; i <= 3; i++) await livepeer.call('add', [node(i), 10n ** 21n, 10n ** 19n, 0n, `https://node-${i}.example:8935`])
  // Rewards for all, tickets for the third, from one that bonded to it.
  await livepeer.call('bondTo', [node(9), node(3), 10n ** 18n])
  for (let round = 0; round < 32; round++) {
    await livepeer.call('newRound')
    for (let i = 1; i <= 3; i++) await livepeer.call('reward', [node(i)])
  }
  await livepeer.call('bondTo', [node(9), node(3), 10n ** 18n])
  for (let i = 0; i < 4; i++) await livepeer.call('redeemFrom', [node(9), node(3), 10n ** 15n])
  await livepeer.call('newRound')
  await world.provider.send('anvil_mine', ['0x60'])
  key = { key: join(home, 'key.json'), passwordFile: join(home, 'password') }
  writeFileSync(key.passwordFile, 'a password\n', { mode: 0o600 })
  await createKeystore({ file: key.key, passwordFile: key.passwordFile, light: true })
}, 90_000)
afterAll(async () => {
  vi.unstubAllEnvs()
  await world?.stop()
  rmSync(home, { recursive: true, force: true })
})

const classes = (results: readonly { address: string; class: string }[]) =>
  Object.fromEntries(results.map(({ address, class: name }) => [address, name]))

describe('who earns without working', () => {
  it('follows from the events alone where no daemon says what it saw', async () => {
    const { results, span, evidenceFrom } = await readIdle(flags, {}, signal)
    expect(classes(results)).toMatchObject({ [node(1)]: 'idle', [node(2)]: 'idle', [node(3)]: 'self-dealt' })
    expect(results.find(({ address }) => address === node(1))).toMatchObject({ mintedLpt: 32n * 10n ** 18n, rewardedRounds: 32 })
    expect([span.rounds, evidenceFrom]).toEqual([32, null])
  })

  it('counts what a daemon saw, and is published so that anybody derives it again', async () => {
    const tally = {
      receipts: 50,
      checked: 40,
      pass: 40,
      fail: 0,
      inconclusive: 0,
      withheld: 0,
      withheldAgreed: 0,
      evidenceScore: 0,
    }
    const site = await openSite({ orchestrators: () => ({ [node(1)]: tally }) })
    const dataDir = mkdtempSync(join(home, 'data-'))
    writeFileSync(join(dataDir, 'daemon.json'), JSON.stringify({ pid: process.pid, address: null, http: site.url, gossip: [] }))
    try {
      const out = join(home, 'published')
      const report = await readIdle({ ...flags, ...key, dataDir, out }, {}, signal)
      expect(classes(report.results)).toMatchObject({ [node(1)]: 'works', [node(2)]: 'idle' })
      expect(report.evidenceFrom).toContain(site.url)
      const folder = report.folder as string
      expect(await verifyIdle(folder, signal)).toMatchObject({ problems: [], publisher: report.publisher })
      // On the daemon's own page, in its API, and as files for strangers.
      const shown = await readIdle({ ...flags, ...key, dataDir, publish: true }, {}, signal)
      expect(shown.folder).toBe(join(dataDir, 'idle', 'round-33'))
      const own = await openSite({ idleDir: join(dataDir, 'idle') })
      const told = schema.idle.parse(await (await fetch(`${own.url}/api/v1/idle`)).json()).dataset
      expect(told).toMatchObject({ round: '33', rounds: 32, publisher: report.publisher, problems: [] })
      expect(classes(told?.items ?? [])).toEqual(classes(report.results))
      expect(await verifyIdle(`${own.url}${told?.files}`, signal)).toMatchObject({ problems: [], publisher: report.publisher })
      await own.stop()
      await expect(readIdle({ ...flags, publish: true }, {}, signal)).rejects.toThrow(/say whose page shows it/)
      await expect(readIdle({ ...flags, dataDir, out, publish: true }, {}, signal)).rejects.toThrow(/--publish and --out/)
      // As files on somebody's server.
      const http = await startHttp({
        host: '127.0.0.1',
        port: 0,
        routes: (app) =>
          void app.get('/data/:name', async (request, reply) => {
            const { name } = request.params as { name: string }
            return readdirSync(folder).includes(name) ? readFileSync(join(folder, name)) : reply.code(404).send()
          }),
      })
      expect(await verifyIdle(`${http.url}/data/manifest.json`, signal)).toMatchObject({
        problems: [],
        publisher: report.publisher,
      })
      const lines: string[] = []
      const log = vi.spyOn(console, 'log').mockImplementation((line) => void lines.push(String(line)))
      expect(await idleVerifyCommand(folder, {})).toBe(0)
      const events = readdirSync(folder).find((name) => readFileSync(join(folder, name), 'utf8').includes('"reward"')) as string
      writeFileSync(join(folder, events), readFileSync(join(folder, events), 'utf8').replace('"amount":"1', '"amount":"2'))
      expect(await idleVerifyCommand(folder, {})).toBe(1)
      log.mockRestore()
      expect(lines[0]).toMatch(/^ok: 3 orchestrators of round 33/)
      expect(lines.join('\n')).toMatch(/WRONG {2}events: the file 0x\w+ has another hash/)
      await http.stop()
    } finally {
      await site.stop()
    }
  })

  it('is told in words, and errors say what to do', async () => {
    const lines: string[] = []
    const log = vi.spyOn(console, 'log').mockImplementation((line) => void lines.push(String(line)))
    const error = vi.spyOn(console, 'error').mockImplementation((line) => void lines.push(String(line)))
    expect(await idleCommand({ ...flags, rounds: '90' })).toBe(0)
    expect(await idleCommand({ ...flags, rounds: 'many' })).toBe(2)
    expect(await idleVerifyCommand(join(home, 'nowhere'), {})).toBe(2)
    log.mockRestore()
    error.mockRestore()
    const text = lines.join('\n')
    for (const part of [
      'idle                  2   64 LPT minted',
      'rewarded in 32 of 32 rounds',
      'fisherman idle: --rounds',
      'manifest.json',
    ])
      expect(text).toContain(part)
  })
})
