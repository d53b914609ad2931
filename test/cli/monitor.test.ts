import { type ChildProcess, spawn } from 'node:child_process'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import type { Wallet } from 'ethers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Hex } from '../../proofs/types.ts'
import { accuse, type World } from '../chain/world.ts'
import { until } from '../node/net.ts'
import { type CliFolder, createCliWorld, refused } from './site.ts'

// The program against a real chain with real cases, two servers that play daemons, and one that is the webhook.

let world: World
let folder: CliFolder
let at: string[]
let faultId: Hex
let daemon: Server
let token: string | undefined
let readiness: { code: number; body: object } = { code: 200, body: { ready: true } }
const urlOf = (server: Server) => `http://127.0.0.1:${(server.address() as AddressInfo).port}`
const listening = (server: Server) => new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))

beforeAll(async () => {
  ;({ world, folder, at } = await createCliWorld())
  daemon = createServer((request, response) => {
    const mayAsk = token === undefined || request.headers.authorization === `Bearer ${token}`
    const [code, body] =
      request.url === '/readyz'
        ? [readiness.code, readiness.body]
        : request.url === '/api/v1/summary' && !mayAsk
          ? [401, {}]
          : [200, { ok: true, checked: 3, orchestrators: { '0x1': { receipts: 4 } } }]
    response.writeHead(code, { 'content-type': 'application/json' }).end(JSON.stringify(body))
  })
  await listening(daemon)
  const chain = await world.chain({ signer: world.fishermen[0] as Wallet })
  await accuse(world, chain)
  await until(() => chain.cases().length === 1)
  faultId = chain.cases()[0]?.faultId as Hex
  await chain.close()
})
afterAll(async () => {
  daemon?.close()
  await folder?.remove()
  await world?.stop()
})
const once = (...args: string[]) => folder.fisherman('monitor', ...at, '--once', ...args)

describe('fisherman monitor', () => {
  it('forecasts the open case, and finds nothing the matter with it, a daemon that is well and an account that has coins', async () => {
    const ran = await once('--daemon', urlOf(daemon), '--account', (world.fishermen[0] as Wallet).address)
    expect(ran).toMatchObject({ code: 0, err: '' })
    expect(ran.out).toMatch(
      new RegExp(`^fault .*waits for +time\\n${faultId} +D\\d +0x[0-9a-f]{40} +open +an answer, or votes +.* left, until 20`),
    )
    expect(ran.out).toMatch(/\nNothing is the matter\.\n$/)
  })

  it('says what is the matter with daemons and accounts, and what to do', async () => {
    readiness = { code: 503, body: { ready: false, reason: 'no bond in the registry' } }
    const ran = await once('--daemon', urlOf(daemon), 'http://127.0.0.1:9', '--account', `0x${'77'.repeat(20)}`)
    readiness = { code: 200, body: { ready: true } }
    expect(ran.code).toBe(1)
    expect(ran.out).toMatch(/^warning {2}http:\/\/127\.0\.0\.1:\d+ is not ready: no bond in the registry\./m)
    expect(ran.out).toMatch(/^critical http:\/\/127\.0\.0\.1:9 does not answer: .*start it again with the same data folder/m)
    expect(ran.out).toMatch(/^warning {2}0x7{40} has 0 ETH left for gas, less than 0\.005 ETH\. send it some/m)
  })

  it('asks a daemon on another machine with its token, and says so where it has none', async () => {
    token = 'a-token-of-sixteen'
    const file = await folder.file('token', `${token}\n`)
    const [refusedUs, asked, typed] = [
      await once('--daemon', urlOf(daemon)),
      await once('--daemon', urlOf(daemon), '--token-file', file),
      await once('--daemon', urlOf(daemon).replace('://', `://${token}@`)),
    ]
    token = undefined
    expect(refusedUs.code).toBe(1)
    expect(refusedUs.out).toMatch(/^warning {2}http:\/\/127\.0\.0\.1:\d+ does not let us ask \(401\).*--token-file\.$/m)
    for (const ran of [asked, typed]) expect(ran.out).toMatch(/\nNothing is the matter\.\n$/)
  })

  it('sends after a restart what the webhook did not take before it', async () => {
    const got: string[] = []
    let [tries, status] = [0, 503]
    const hook = createServer((request, response) => {
      let body = ''
      request.on('data', (chunk) => {
        body += chunk
      })
      request.on('end', () => {
        tries++
        if (status === 200) got.push((JSON.parse(body) as { id: string }).id)
        response.writeHead(status).end()
      })
    })
    await listening(hook)
    const flags = [...at, '--every', '1', '--webhook', urlOf(hook), '--state', `${folder.path}/away.json`]
    await folder.killed(async () => tries > 0, 'monitor', ...flags)
    status = 200
    await folder.killed(async () => got.length > 0, 'monitor', ...flags)
    hook.close()
    expect(got[0]).toBe(`case-new:${faultId}`)
  })

  it('runs on: tells the webhook of a case that nobody ends, of a pause, and that both are over', async () => {
    const got: { id: string; state: string; text: string }[] = []
    const hook = createServer((request, response) => {
      let body = ''
      request.on('data', (chunk) => {
        body += chunk
      })
      request.on('end', () => {
        got.push(JSON.parse(body))
        response.end()
      })
    })
    await listening(hook)
    const file = await folder.file('webhook', `${urlOf(hook)}/hook\n`)
    const program = fileURLToPath(new URL('../../bin/fisherman.mjs', import.meta.url))
    const flags = [
      'monitor',
      ...at,
      '--every',
      '1',
      '--idle',
      '0.01',
      '--webhook-file',
      file,
      '--state',
      `${folder.path}/state.json`,
    ]
    const child: ChildProcess = spawn(process.execPath, [program, ...flags], { cwd: folder.path, stdio: 'pipe' })
    let out = ''
    child.stdout?.on('data', (chunk) => {
      out += chunk
    })
    const ended = new Promise<number | null>((resolve) => child.once('close', resolve))
    const has = (state: string, id: string) => got.some((one) => one.state === state && one.id === id)
    try {
      await until(() => has('news', `case-new:${faultId}`), 30_000)
      const [expiresAt] = [(await world.view('verifier', 'caseOf', [faultId])) as { expiresAt: bigint }]
      await world.pass(Number(expiresAt.expiresAt) - (await world.now()) + 60)
      await until(() => has('raised', `case-idle:${faultId}`), 30_000)
      expect(got.find(({ id }) => id === `case-idle:${faultId}`)?.text).toContain(`type fisherman case expire ${faultId}`)
      await world.send(world.stranger, 'verifier', 'expire', [faultId])
      await until(() => has('over', `case-idle:${faultId}`), 30_000)
      await world.send(world.wallets[0] as Wallet, 'verifier', 'setPaused', [true])
      await until(() => has('raised', 'paused'), 30_000)
      expect(out).toMatch(/UTC ALERT \(critical\) new proofs are paused by the guardian/)
    } finally {
      child.kill('SIGINT')
      expect(await ended).toBe(0)
      hook.close()
    }
  })

  it('refuses what it cannot work with in one line', async () => {
    expect(refused(await folder.fisherman('monitor', '--once'))).toMatch(/say where to work: --config FILE, or --rpc URL/)
    expect(refused(await once('--daemon', 'localhost'))).toMatch(/--daemon 'localhost': must be an http or https URL/)
    expect(refused(await once('--daemon', 'ftp://any:SECRET@host'))).toBe(
      'fisherman monitor: --daemon: must be an http or https URL',
    )
    const open = await folder.file('open', 'a-token-of-sixteen\n', 0o644)
    expect(refused(await once('--daemon', 'http://a', '--token-file', open))).toMatch(
      /--token-file .*open: others can read it: chmod 600/,
    )
    expect(refused(await once('--daemon', 'http://a', '--token-file', 'x', 'y'))).toMatch(
      /--token-file: name one for all daemons, or/,
    )
    expect(refused(await once('--webhook', 'http://any:SECRET@host'))).toMatch(/--webhook: must be without user and password/)
    expect(refused(await once('--account', '0x12'))).toMatch(/--account '0x12': must be an address/)
    expect(refused(await once('--every', 'x'))).toMatch(/--every 'x': must be a number from 1 to 86400/)
    expect(refused(await once('--webhook', 'http://a', '--webhook-file', 'b'))).toMatch(/--webhook or --webhook-file, not both/)
    expect(refused(await once('--webhook-file', 'none'))).toMatch(/--webhook-file none cannot be read/)
  })
})
