import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { httpGetJson } from '../../src/base/http-get.ts'
import { serialiseDeployment } from '../../src/chain/deployment.ts'
import { peerLines } from '../../src/cli/net.ts'
import { configSchema } from '../../src/config/schema.ts'
import { type Daemon, startDaemon } from '../../src/daemon.ts'
import type { Network } from '../../src/monitor/net/ask.ts'
import { chainClock, digest, links, nat, peerClock, reachability } from '../../src/monitor/net/doctor.ts'
import { createWorld, silent, type World } from '../chain/world.ts'
import { until } from '../node/net.ts'
import { fisherman } from './watch-world.ts'

// Real daemons on a real chain, asked by the program as it is shipped.

const folder = mkdtempSync(join(tmpdir(), 'fisherman-test-net-'))
let world: World
const daemons: Daemon[] = []
const dirOf = (name: string) => join(folder, name)

async function start(name: string, bootstrap: string[], listen = '/ip4/127.0.0.1/tcp/0') {
  const deployment = join(folder, 'deployment.json')
  writeFileSync(deployment, serialiseDeployment(world.deployment))
  const gossip = { listen: [listen], bootstrap }
  const config = configSchema.parse({
    ...{ dataDir: dirOf(name), rpc: [world.anvil.rpcUrl], deployment, gossip, http: { port: 0 }, hardware: 'off' },
  })
  const daemon = await startDaemon(config, silent)
  daemons.push(daemon)
  return await networkOf(daemon)
}

const networkOf = async ({ url }: Daemon) =>
  (await httpGetJson(`${url}/api/v1/network`, { maxBytes: 1 << 20, timeoutMs: 5_000 })) as Network & { addresses: string[] }

beforeAll(async () => {
  world = await createWorld()
  const first = await start('first', [])
  await start('second', first.addresses)
  let peers = 0
  const look = setInterval(async () => {
    peers = (await networkOf(daemons[0]!)).peers.length
  }, 100)
  await until(() => peers === 1).finally(() => clearInterval(look))
})
afterAll(async () => {
  await Promise.all(daemons.map((daemon) => daemon.stop()))
  await world?.stop()
  rmSync(folder, { recursive: true, force: true })
})

describe('fisherman peers', () => {
  it('tells whom a daemon is connected to', async () => {
    const run = fisherman(['peers', '--data-dir', dirOf('first')])
    expect([await run.done, run.err]).toEqual([0, ''])
    const [header, row, , sum] = run.out.split('\n')
    expect(header).toMatch(/^PEER +ADDRESS +LINK +AGENT +SPEAKS +SCORE +LATENCY +CONNECTED +LAST SEEN$/)
    expect(row).toMatch(
      /^12D3\w{48} {2}\/ip4\/127\.0\.0\.1\/tcp\/\d+ {2}in +fisherman +all +\d+\.\d +(-|\d+ ms) +\d+ s ago +\d+ s ago$/,
    )
    expect(sum).toBe('1 connected: 0 out, 1 in')
    const json = fisherman(['peers', '--data-dir', dirOf('second'), '--json'])
    expect(await json.done).toBe(0)
    expect(JSON.parse(json.out)).toMatchObject({
      peers: [
        { direction: 'outbound', agent: 'fisherman', speaks: 'full', topics: 6, score: 0, connectedAtMs: expect.any(Number) },
      ],
    })
  })

  it('says in one line when nobody runs, or nobody answers', async () => {
    const none = fisherman(['peers', '--data-dir', folder])
    expect(await none.done).toBe(2)
    expect(none.err).toMatch(/^fisherman peers: no fisherman runs in .*; start one: fisherman run\n$/)
    writeFileSync(join(folder, 'daemon.json'), JSON.stringify({ pid: 1, http: 'http://127.0.0.1:9' }))
    const dead = fisherman(['net', 'doctor', '--data-dir', folder])
    expect(await dead.done).toBe(2)
    expect(dead.err).toMatch(/\(process 1\) does not answer at http:\/\/127\.0\.0\.1:9; if it has ended, start it anew\n$/)
    const nowhere = fisherman(['peers'])
    expect(await nowhere.done).toBe(2)
    expect(nowhere.err).toMatch(/--config FILE or --data-dir FOLDER/)
  })

  it('shows bad scores, followers and times in one line each', () => {
    const peer = {
      id: 'x',
      address: '/ip4/192.0.2.1/tcp/1/p2p/x',
      direction: 'inbound',
      topics: 1,
      agent: '',
      speaks: 'fraud-proofs',
    } as const
    const lines = peerLines([{ ...peer, score: -12.34, latencyMs: 5, connectedAtMs: 0, lastSeenMs: 60_000 }], 200_000)
    expect(lines[1]).toBe('x     /ip4/192.0.2.1/tcp/1  in    -      proofs  -12.3     5 ms  3 min ago  2 min ago')
  })
})

describe('fisherman net doctor', () => {
  it('looks at a healthy local network', async () => {
    const run = fisherman(['net', 'doctor', '--data-dir', dirOf('second')])
    expect([await run.done, run.err]).toEqual([0, ''])
    expect(run.out.trimEnd().split('\n')).toEqual([
      expect.stringMatching(
        /^warning {2}reachability +a fresh node on this machine reaches \/ip4\/127\.0\.0\.1\/tcp\/\d+ within \d+ ms, and no other machine can; to mend it: set gossip.listen/,
      ),
      expect.stringMatching(/^ok +nat +none: peers see this machine as 127\.0\.0\.1$/),
      expect.stringMatching(/^warning {2}links +1 peer: 1 dialled by us, 0 by them; 1 fisherman; few enough/),
      expect.stringMatching(/^ok +digest +[0-9a-f]{8} \(verdict version \d+\) is that of 1 of 1 peer$/),
      expect.stringMatching(/^ok +clock +the newest block is \d+ s old by this machine's clock$/),
      expect.stringMatching(/^ok +peer-clocks +no log head of a peer has come yet$/),
    ])
    const json = fisherman(['net', 'doctor', '--data-dir', dirOf('first'), '--json'])
    expect(await json.done).toBe(0)
    expect(JSON.parse(json.out)).toMatchObject({ ok: true, checks: { length: 6 } })
    // The probe was no intruder to the daemon, and is gone again.
    expect(await networkOf(daemons[0]!)).toMatchObject({ foreign: 0, peers: { length: 1 } })
  })

  it('fails when a daemon is alone', async () => {
    await start('alone', [])
    const run = fisherman(['net', 'doctor', '--data-dir', dirOf('alone')])
    expect(await run.done).toBe(1)
    expect(run.out).toMatch(/^failed +links +no peer is connected; to mend it: name some that run in gossip.bootstrap$/m)
    const peers = fisherman(['peers', '--data-dir', dirOf('alone')])
    expect(await peers.done).toBe(1)
    expect(existsSync(join(dirOf('alone'), 'daemon.json'))).toBe(true)
  })

  const peer = (change: object = {}) =>
    ({
      id: 'p',
      address: '/ip4/198.51.100.9/tcp/1',
      direction: 'outbound',
      topics: 6,
      agent: 'fisherman',
      speaks: 'full',
      score: 0,
      connectedAtMs: 0,
      lastSeenMs: 0,
      ...change,
    }) as Network['peers'][number]
  const [inbound, outbound, other] = [peer({ direction: 'inbound' }), peer(), peer({ speaks: 'fraud-proofs', topics: 1 })]
  const listening = ['/ip4/192.168.1.5/tcp/7935/p2p/me']
  const probed = (change: object = {}) => [
    { address: listening[0]!, peerId: 'me', ours: true, elapsedMs: 3, reason: undefined, ...change },
  ]
  const digests = { full: 'aaaaaaaa', stable: 'bbbbbbbb' }
  const clock = (change: object = {}) => ({
    clock: { systemSec: 1_000, chainSec: 1_000, headAgeSec: 1, peersAhead: [], ...change },
  })
  const ahead = (...seconds: number[]) =>
    clock({ peersAhead: seconds.map((one) => ({ fisherman: '0x1' as const, seconds: one })) })

  it.each([
    [
      'ok',
      reachability({ peer: 'me', addresses: listening }, probed()),
      /reaches \/ip4\/192.168.1.5\/tcp\/7935 within 3 ms; for the view from outside/,
    ],
    [
      'failed',
      reachability({ peer: 'me', addresses: listening }, probed({ peerId: undefined, reason: 'refused' })),
      /does not answer a fresh node \(refused\)/,
    ],
    ['failed', reachability({ peer: 'me', addresses: listening }, probed({ peerId: 'other' })), /another program answers/],
    ['warning', reachability({ peer: 'me', addresses: [] }, []), /listens nowhere/],
    [
      'warning',
      nat({ addresses: listening, seenAs: ['/ip4/203.0.113.7/tcp/50000'], peers: [outbound] }),
      /as 203.0.113.7, .* behind a router, and nobody got through/,
    ],
    ['ok', nat({ addresses: listening, seenAs: ['/ip4/203.0.113.7/tcp/50000'], peers: [inbound] }), /1 peer got through/],
    ['ok', nat({ addresses: listening, seenAs: [], peers: [] }), /no peer has told/],
    ['warning', links({ peers: [inbound, inbound, inbound] }), /0 dialled by us, 3 by them; 3 fishermen; whoever dialled us/],
    ['ok', links({ peers: [outbound, outbound, outbound, inbound] }), /4 peers: 3 dialled by us, 1 by them/],
    ['ok', digest({ peers: [outbound, outbound], digests, verdictVersion: 2, foreign: 0 }), /is that of 2 of 2 peers/],
    [
      'warning',
      digest({ peers: [outbound, outbound, other], digests, verdictVersion: 2, foreign: 0 }),
      /1 judge by another version/,
    ],
    ['failed', digest({ peers: [other, other, outbound], digests, verdictVersion: 2, foreign: 0 }), /2 judge by another version/],
    [
      'warning',
      digest({ peers: [outbound], digests, verdictVersion: 2, foreign: 3 }),
      /3 belonged to another network and were left/,
    ],
    ['failed', digest({ peers: [], digests, verdictVersion: 2, foreign: 3 }), /3 belonged to another network/],
    ['failed', chainClock(clock({ headAgeSec: 600 })), /newest block is 600 s old/],
    ['warning', chainClock(clock({ chainSec: 1_030 })), /clock is 30 s behind the chain/],
    ['failed', chainClock(clock({ chainSec: 1_600 })), /clock is 600 s behind the chain/],
    ['ok', peerClock(ahead(0, 1, -600)), /heads of 3 fishermen are signed 0 s behind/],
    ['warning', peerClock(ahead(30, 31, 29)), /30 s ahead of our chain time/],
    ['failed', peerClock(ahead(600, 601, 0)), /600 s ahead/],
  ])('says %s: %o', (state, finding, says) => {
    expect(finding).toMatchObject({ state, says: expect.stringMatching(says) })
    expect(finding.mend === undefined).toBe(state === 'ok')
  })
})
