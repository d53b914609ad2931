import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { systemClock } from '../../src/base/clock.ts'
import { isFishermanError } from '../../src/base/errors.ts'
import { createChain } from '../../src/chain/chain.ts'
import { parseDeployment, serialiseDeployment } from '../../src/chain/deployment.ts'
import { chainPreset, checkPreset, tokens } from '../../src/chain/presets.ts'
import { createWorld, silent, type World } from './world.ts'

let world: World
const servers: Server[] = []
beforeAll(async () => {
  world = await createWorld()
})
afterAll(() => world?.stop())
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections()
    server.close()
  }
})

/** A hostile RPC node: answers every request with this. */
function serve(answer: (body: string) => { status?: number; body?: string | Buffer; never?: boolean }): Promise<string> {
  const server = createServer((request, response) => {
    let body = ''
    request.on('data', (chunk) => {
      body += chunk
    })
    request.on('end', () => {
      const { status = 200, body: text = '', never } = answer(body)
      if (!never) response.writeHead(status).end(text)
    })
  })
  servers.push(server)
  return new Promise((resolve) =>
    server.listen(0, '127.0.0.1', () => resolve(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)),
  )
}

/** Answers each method of a batch or single call by a function. */
function methods(answers: (method: string) => unknown) {
  return (body: string) => {
    const value = JSON.parse(body)
    const one = (call: { id: number; method: string }) => ({ jsonrpc: '2.0', id: call.id, result: answers(call.method) })
    return { body: JSON.stringify(Array.isArray(value) ? value.map(one) : one(value)) }
  }
}

async function refusal(rpcUrls: string[], deployment = world.deployment): Promise<{ code: string; message: string }> {
  try {
    const chain = await createChain({ rpcUrls, deployment, rpcTimeoutMs: 300 }, { clock: systemClock, log: silent })
    await chain.close()
    return { code: 'none', message: '' }
  } catch (error) {
    if (!isFishermanError(error)) throw error
    expect(error.message).not.toContain('\n')
    return { code: error.code, message: error.message }
  }
}

describe('a wrong RPC gets one line', () => {
  it.each([
    ['a web page', '<html><body>Welcome</body></html>', 200, 'rpc-garbage'],
    ['an error page', '<html>Bad gateway</html>', 502, 'rpc-http'],
    ['an empty body', '', 200, 'rpc-garbage'],
    ['JSON that is no answer', '{"hello":1}', 200, 'rpc-garbage'],
    ['half an answer', '{"jsonrpc":"2.0","id":1,"resu', 200, 'rpc-garbage'],
    ['an answer to another question', '{"jsonrpc":"2.0","id":999,"result":"0x7a69"}', 200, 'rpc-garbage'],
    ['a chain id that is no number', '{"jsonrpc":"2.0","id":1,"result":"latest"}', 200, 'rpc-garbage'],
  ])('%s', async (_, body, status, code) => {
    const url = await serve(() => ({ status, body }))
    expect((await refusal([url])).code).toBe(code)
  })

  it('no answer at all', async () => {
    expect((await refusal([await serve(() => ({ never: true }))])).code).toBe('rpc-timeout')
  })

  it('an answer without end', async () => {
    const url = await serve(() => ({ body: Buffer.alloc(17 * 1024 * 1024, 0x20) }))
    expect((await refusal([url])).code).toMatch(/rpc-too-long|rpc-timeout/)
  })

  it('an answer that is nothing but brackets', async () => {
    const url = await serve(() => ({ body: `{"jsonrpc":"2.0","id":1,"result":[${'[],'.repeat(1_000_000)}[]]}` }))
    expect(await refusal([url])).toMatchObject({ code: 'rpc-too-long', message: expect.stringContaining('parts') })
  })

  it('nobody there, no URL, the wrong kind of URL', async () => {
    expect((await refusal(['http://127.0.0.1:1'])).code).toBe('rpc-unreachable')
    expect((await refusal([])).code).toBe('rpc-missing')
    expect((await refusal(['not a url'])).code).toBe('rpc-url-invalid')
    expect((await refusal(['ws://127.0.0.1:1'])).code).toBe('rpc-url-invalid')
  })

  it('a token in the URL is not told', async () => {
    const { message } = await refusal(['http://127.0.0.1:1/v2/secret-token?key=secret-key'])
    expect(message).not.toMatch(/secret/)
  })

  it('the wrong chain', async () => {
    const { code, message } = await refusal([world.anvil.rpcUrl], { ...world.deployment, chainId: 42_161n })
    expect(code).toBe('rpc-wrong-chain')
    expect(message).toMatch(/31337.*42161/)
  })

  it('a contract that is not there', async () => {
    const { code, message } = await refusal([world.anvil.rpcUrl], { ...world.deployment, registry: `0x${'77'.repeat(20)}` })
    expect(code).toBe('chain-no-contract')
    expect(message).toMatch(/registry/)
  })

  it.each([
    ['no block', (method: string) => (method === 'eth_getBlockByNumber' ? null : '0x7a69')],
    ['a malformed block', (method: string) => (method === 'eth_getBlockByNumber' ? { number: 'seven' } : '0x7a69')],
    [
      'malformed logs',
      (method: string) => (method === 'eth_getLogs' ? 'none' : method === 'eth_getBlockByNumber' ? block : '0x7a69'),
    ],
  ])('%s', async (_, answers) => {
    expect((await refusal([await serve(methods(answers))])).code).toBe('rpc-garbage')
  })
})

const block = { number: '0x64', hash: `0x${'11'.repeat(32)}`, parentHash: `0x${'22'.repeat(32)}`, timestamp: '0x6000' }

describe('several RPCs', () => {
  it('the next one is used when one fails, and a failing chain is told and survived', async () => {
    let broken = false
    const flaky = createServer((request, response) => {
      let body = ''
      request.on('data', (chunk) => {
        body += chunk
      })
      request.on('end', async () => {
        if (broken) return response.writeHead(200).end('<html>')
        const answer = await fetch(world.anvil.rpcUrl, { method: 'POST', body, headers: { 'content-type': 'application/json' } })
        response.writeHead(200).end(await answer.text())
      })
    })
    servers.push(flaky)
    await new Promise<void>((resolve) => flaky.listen(0, '127.0.0.1', resolve))
    const url = `http://127.0.0.1:${(flaky.address() as AddressInfo).port}`
    const both = await world.chain({ rpcUrls: [url, world.anvil.rpcUrl] })
    const single = await world.chain({ rpcUrls: [url] })
    broken = true
    await world.pass(3)
    const target = await world.now()
    const until = async (what: () => boolean) => {
      for (let i = 0; i < 200 && !what(); i++) await new Promise((resolve) => setTimeout(resolve, 25))
      expect(what()).toBe(true)
    }
    await until(() => both.head().timestampSec >= target)
    await until(() => /web page/.test(single.trouble() ?? ''))
    expect(single.head().timestampSec).toBeLessThan(target)
    broken = false
    await until(() => single.head().timestampSec >= target && single.trouble() === undefined)
    await both.close()
    await single.close()
  })
})

describe('files', () => {
  it('a deployment survives being written', () => {
    expect(parseDeployment(serialiseDeployment(world.deployment))).toEqual(world.deployment)
  })

  it.each([
    ['{', /not JSON/],
    ['{}', /chainId/],
    ['[]', /deployment-invalid|expected object/i],
  ])('%s is refused with its first wrong field', (text, message) => {
    expect(() => parseDeployment(text, 'x.json')).toThrow(message)
  })

  it('a wrong or unknown field is named', () => {
    const good = JSON.parse(serialiseDeployment(world.deployment))
    expect(() => parseDeployment({ ...good, anchor: '0x12' }, 'x.json')).toThrow(/x\.json: anchor: must be an address/)
    expect(() => parseDeployment({ ...good, deployBlock: 5 })).toThrow(/deployBlock/)
    expect(() => parseDeployment({ ...good, extra: 1 })).toThrow(/extra/)
  })

  it('presets keep the rules they are built on', () => {
    for (const name of ['local', 'arbitrum-one', 'arbitrum-sepolia']) checkPreset(chainPreset(name))
    expect(() => chainPreset('mars')).toThrow(/local, arbitrum-sepolia, arbitrum-one/)
    const one = chainPreset('arbitrum-one')
    expect(() => checkPreset({ ...one, dailyCap: tokens(60) })).toThrow(/dailyCap/)
    expect(() => checkPreset({ ...one, thawSec: 86_400 })).toThrow(/thawSec/)
    expect(() => checkPreset({ ...one, answerSec: one.caseSec })).toThrow(/caseSec/)
  })
})
