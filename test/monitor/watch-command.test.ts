import { execFileSync, spawn } from 'node:child_process'
import { copyFileSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { encodeStatement } from '../../proofs/codec.ts'
import { MEMBERS } from '../gossip/world.ts'
import { DOMAIN, wallet } from '../helpers/fixtures.ts'
import { createAttacker, serving, topics } from '../node/attacker.ts'
import { createNet, type Member, type Net, until } from '../node/net.ts'
import { fisherman, forged, fresh } from './watch-world.ts'

// The program and the package as they are shipped, in processes of their own, over TCP.

const root = fileURLToPath(new URL('../..', import.meta.url))
let net: Net
let a: Member
beforeEach(async () => {
  net = await createNet()
  a = await net.start({ deps: { nowSec: () => Math.floor(Date.now() / 1000) } })
})
afterEach(async () => net.close())

const run = (...args: string[]) =>
  fisherman(['watch', '--chain-id', '31337', '--anchor', DOMAIN.anchor, ...args], { XDG_STATE_HOME: net.folder })
const peer = () => ['--peer', a.gossip.addresses()[0]!]
const jsonOf = (out: string) =>
  out
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>)

describe('fisherman watch', () => {
  it('prints one line a proof for people, and says what it saw', async () => {
    a.store.add(await fresh(1))
    a.store.add(await fresh(2, MEMBERS[1]!, { key: wallet(60) }))
    const watcher = run(...peer(), '--once', '--no-state')
    expect(await watcher.done).toBe(0)
    expect(watcher.out.trim().split('\n')).toEqual([
      expect.stringMatching(
        /^O1 {2}0x[0-9a-f]{40} {2}fault 0x[0-9a-f]{8}… {2}by 0x7e5f4552… {2}\d+ s ago +verified: the node signed it itself$/,
      ),
      expect.stringMatching(
        /^O1 {2}.* unconfirmed: signed by 0x[0-9a-f]{40}; only the chain says whether that is a key of this node$/,
      ),
    ])
    expect(watcher.err).toContain(`following the fraud proofs of chain 31337, anchor ${DOMAIN.anchor}`)
    expect(watcher.err).toMatch(/2 proofs: 1 verified, 1 unconfirmed\n$/)
  })

  it('prints NDJSON with --once --json, and a restart goes on where it was', async () => {
    a.store.add(await fresh(1))
    const first = run(...peer(), '--once', '--json')
    expect(await first.done).toBe(0)
    expect(first.err).toBe('')
    const lines = jsonOf(first.out)
    expect(lines.filter(({ type }) => type === 'proof')).toEqual([
      expect.objectContaining({ faultClass: 'O1', verified: 'yes', cursor: 1, payload: expect.stringMatching(/^0x[0-9a-f]+$/) }),
    ])
    expect(lines.at(-1)).toMatchObject({ type: 'end', proofs: 1, false: 0 })
    a.store.add(await fresh(2))
    const second = run(...peer(), '--once', '--json')
    expect(await second.done).toBe(0)
    expect(jsonOf(second.out).flatMap(({ type, cursor }) => (type === 'proof' ? [cursor] : []))).toEqual([2])
    const again = run(...peer(), '--once', '--json', '--since', 'all')
    expect(await again.done).toBe(0)
    expect(jsonOf(again.out).filter(({ type }) => type === 'proof')).toHaveLength(2)
  })

  it('runs until Ctrl-C, tells lies as lies, and ends with 1 for them', async () => {
    const liar = await createAttacker([])
    await liar.node.handle(
      [topics.stablePullProtocol],
      serving([{ seq: 1n, kind: 'fraud-proof', bytes: encodeStatement(await forged(3)) }]),
    )
    const watcher = run('--peer', a.gossip.addresses()[0]!, liar.node.getMultiaddrs()[0]!.toString())
    await until(() => watcher.err.includes('FALSE'))
    await a.publish(await fresh(4))
    await until(() => watcher.out.includes('verified'))
    watcher.child.kill('SIGINT')
    expect(await watcher.done).toBe(1)
    expect(watcher.err).toMatch(
      /FALSE, no proof: the fault id is not the one of this evidence \(claims O1 of 0x[0-9a-f]{40}, by 0x2b5ad5c4…\)/,
    )
    expect(watcher.err).toMatch(/1 proof: 1 verified, 0 unconfirmed; 1 FALSE\n$/)
    await liar.node.stop()
  })

  it.each<[string, string[], RegExp]>([
    ['no network', ['--peer', '/ip4/127.0.0.1/tcp/9'], /say which network/],
    ['a network without contracts', ['--peer', 'x', '--network', 'arbitrum-one'], /no contracts are known on arbitrum-one/],
    ['an unknown one', ['--peer', 'x', '--network', 'mainnet'], /known are local, arbitrum-one/],
    ['no peer', ['--network', 'local'], /--peer/],
    ['a bad peer', ['--peer', 'x', '--chain-id', '1', '--anchor', DOMAIN.anchor], /"x" is no multiaddr/],
    ['a bad age', ['--peer', 'x', '--chain-id', '1', '--anchor', DOMAIN.anchor, '--since', 'soon'], /--since 'soon'/],
    ['no bundles', ['--peer', 'x', '--chain-id', '1', '--anchor', DOMAIN.anchor, '--fetch'], /need --bundles URL/],
  ])('says in one line what is wrong: %s', async (_, args, reason) => {
    const watcher = fisherman(['watch', ...args], { XDG_STATE_HOME: net.folder })
    expect(await watcher.done).toBe(2)
    expect(watcher.err).toMatch(reason)
    expect(watcher.err).not.toMatch(/\n {4}at /)
  })
})

describe("import { watch } from 'fisherman'", () => {
  function project(): string {
    const folder = join(net.folder, 'project')
    mkdirSync(join(folder, 'node_modules'), { recursive: true })
    symlinkSync(root, join(folder, 'node_modules/fisherman'))
    writeFileSync(join(folder, 'package.json'), '{"type":"module"}')
    return folder
  }

  it('runs the example of the README', async () => {
    const folder = project()
    copyFileSync(join(root, 'examples/watch.mjs'), join(folder, 'watch.mjs'))
    expect(readFileSync(join(root, 'README.md'), 'utf8')).toContain(
      readFileSync(join(root, 'examples/watch.mjs'), 'utf8').split('\n').slice(2).join('\n').trim(),
    )
    await a.publish(await fresh(1))
    const child = spawn(process.execPath, ['watch.mjs', a.gossip.addresses()[0]!, '31337', DOMAIN.anchor], { cwd: folder })
    let out = ''
    child.stdout.on('data', (chunk) => {
      out += chunk
    })
    await until(() => out.includes('\n'))
    child.kill('SIGKILL')
    expect(out).toMatch(/^O1 0x[0-9a-f]{40} yes the node signed it itself\n/)
  })

  it('costs next to nothing to load, and ends by its signal', () => {
    const folder = project()
    const code = `
      import { watch } from 'fisherman'
      console.log(process.uptime() < 2)
      const signal = AbortSignal.timeout(500)
      for await (const _ of watch({ peers: ['/ip4/127.0.0.1/tcp/9'], chainId: 1, anchor: '${DOMAIN.anchor}', signal })) console.log('?')
      console.log('ended')`
    writeFileSync(join(folder, 'main.js'), code)
    expect(execFileSync(process.execPath, [join(folder, 'main.js')], { encoding: 'utf8' })).toBe('true\nended\n')
  })
})
