import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createKeystore, loadKeystore } from '../../src/attest/keys.ts'
import { serialiseDeployment } from '../../src/chain/deployment.ts'
import { createWorld, type World } from '../chain/world.ts'
import { fisherman } from '../monitor/watch-world.ts'
import { until } from '../node/net.ts'

// A real daemon on a real chain, told by a real signal.

/** Under load a start takes its time. */
const LONG_MS = 60_000
const folder = mkdtempSync(join(tmpdir(), 'fisherman-test-reload-'))
const file = join(folder, 'fisherman.yaml')
const A = `0x${'1'.repeat(40)}`
const B = `0x${'2'.repeat(40)}`
let world: World
let feed: Server
let run: ReturnType<typeof fisherman>
/** Paths that somebody asked the feed server for: `/a/…` and `/b/…`. */
let asked: string[] = []
const PASSWORD = 'correct-horse-battery'
let privateKey: string

function write(more: string): void {
  writeFileSync(
    file,
    `dataDir: data\nrpc: [${world.anvil.rpcUrl}]\ndeployment: deployment.json\nhardware: 'off'\nhttp: { port: 0 }\nmode: attest\nkey: { file: key.json, passwordFile: password }\n${more}`,
  )
}

const url = (name: string) => `http://127.0.0.1:${(feed.address() as AddressInfo).port}/${name}`
const feedsOf = (...list: [string, string][]) =>
  `feeds: [${list.map(([transcoder, name]) => `{ transcoder: "${transcoder}", url: "${url(name)}" }`).join(', ')}]\n`
const asks = (name: string) => asked.some((path) => path.startsWith(`/${name}/`))

/** Sends the signal and returns the line that answers it. */
async function reload(): Promise<Record<string, unknown>> {
  const before = run.err.length
  run.child.kill('SIGHUP')
  const lines = () =>
    run.err
      .slice(before)
      .split('\n')
      .slice(0, -1)
      .filter((line) => /configuration was (not )?read again/.test(line))
  await until(() => lines().length > 0, LONG_MS)
  return JSON.parse(lines()[0] as string)
}

beforeAll(async () => {
  world = await createWorld()
  writeFileSync(join(folder, 'deployment.json'), serialiseDeployment(world.deployment))
  feed = createServer((request, response) => {
    asked.push(request.url ?? '')
    response.writeHead(404).end()
  })
  await new Promise<void>((resolve) => feed.listen(0, '127.0.0.1', resolve))
  const key = { file: join(folder, 'key.json'), passwordFile: join(folder, 'password') }
  writeFileSync(key.passwordFile, PASSWORD, { mode: 0o600 })
  await createKeystore({ ...key, light: true })
  privateKey = (await loadKeystore(key.file, key.passwordFile)).wallet().privateKey.slice(2)
  write(`${feedsOf([A, 'a'])}log: { level: debug }\n`)
  run = fisherman(['run', '--config', file])
  await until(() => run.err.includes('Fisherman is running'), LONG_MS)
})
afterAll(async () => {
  run?.child.kill('SIGKILL')
  await run?.done
  feed?.close()
  await world?.stop()
  rmSync(folder, { recursive: true, force: true })
})

describe('a running daemon on SIGHUP', { timeout: 180_000 }, () => {
  it('follows other feeds, takes other limits, budget, peers and log level, and names what waits for a restart', async () => {
    await until(() => asks('a'), LONG_MS)
    write(
      `${feedsOf([B, 'b'])}limits: { bond: 1, maxFeeGwei: 2 }\nbudget: { secondsPerDay: 5 }\nmaxWaiting: 5\ngossip: { bootstrap: [/ip4/127.0.0.1/tcp/9] }\nlog: { level: warn }\n`,
    )
    expect(await reload()).toMatchObject({
      msg: 'The configuration was read again; some of it waits for a restart',
      changed: 'feeds, gossip.bootstrap, log.level, limits.maxFeeGwei, limits.bond, budget.secondsPerDay',
      needRestart: 'maxWaiting',
    })
    asked = []
    await until(() => asked.filter((path) => path.startsWith('/b/')).length >= 2, LONG_MS)
    expect(asks('a')).toBe(false)
  })

  it.each([
    [
      'a mistake',
      'log: { level: loud }\nfeedz: []\n',
      /2 mistakes.*:8: log\.level: must be one of.*; .*:9: feedz: is not known; did you mean feeds\?$/,
    ],
    ['no YAML', 'a: [', /is no YAML/],
    ['an address that is none', 'gossip: { bootstrap: [nonsense] }\n', /"nonsense" is no multiaddr/],
  ])('keeps what it has where the file has %s, and says so in one line', async (_, more, reason) => {
    write(more)
    const line = await reload()
    expect(line).toMatchObject({ level: 50, msg: 'The configuration was not read again and the old one stays' })
    expect(line.reason).toMatch(reason)
    asked = []
    await until(() => asks('b'), LONG_MS)
  })

  it('stops on SIGTERM as ever', async () => {
    write(feedsOf([B, 'b']))
    // Level info again, or the last line is not seen.
    const line = await reload()
    expect(line).toMatchObject({ level: 30, msg: 'The configuration was read again' })
    expect(line).not.toHaveProperty('needRestart')
    run.child.kill('SIGTERM')
    expect(await run.done).toBe(0)
    expect(run.err).toContain('Fisherman stops')
    expect(run.out + run.err).toContain('"level":20')
    for (const secret of [PASSWORD, privateKey]) expect((run.out + run.err).toLowerCase()).not.toContain(secret)
  })
})
