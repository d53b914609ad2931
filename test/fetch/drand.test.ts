import { createServer, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { QUICKNET, randomnessOf, roundAt, timeOfRound, verifyRound } from '../../src/attest/drand.ts'
import { createDrand } from '../../src/fetch/drand.ts'
import { ROUNDS } from '../helpers/drand.ts'

const [ROUND, OTHER] = [ROUNDS[0]!, ROUNDS[1]!]
const TIME = timeOfRound(ROUND.round)
let servers: Server[] = []
let bad: string[] = []
let stop: AbortController
beforeEach(() => {
  ;[servers, bad, stop] = [[], [], new AbortController()]
})
afterEach(() => {
  stop.abort(new Error('the test is over'))
  for (const server of servers) server.closeAllConnections()
  for (const server of servers) server.close()
})

/** A relay that answers as the test says, and what was asked of it. */
async function relay(answer: (response: ServerResponse, asked: number) => void) {
  const asked: string[] = []
  const server = createServer((request, response) => {
    asked.push(request.url ?? '')
    answer(response, asked.length)
  })
  servers.push(server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked }
}
const honest = (response: ServerResponse) =>
  response.end(JSON.stringify({ round: ROUND.round, signature: ROUND.signature.slice(2), randomness: '00' }))

function drand(urls: string[], nowMs = TIME * 1_000) {
  const silent = { debug() {}, info() {}, warn() {}, error() {} }
  return createDrand(
    { urls, chainHash: QUICKNET.chainHash, retryMs: 20 },
    {
      ...{ clock: { nowMs: () => nowMs, monotonicMs: () => 0 }, log: silent, roundAt, timeOfRound },
      ...{ verify: verifyRound, randomness: randomnessOf, onBad: (reason: string) => void bad.push(reason) },
    },
  )
}

describe('a beacon', () => {
  it('is the first round at or after its time, asked for once, its value ours and not the relay’s', async () => {
    const { url, asked } = await relay(honest)
    const beacons = drand([url])
    const both = await Promise.all([beacons.at(TIME, stop), beacons.at(TIME - 2, stop)])
    expect(both).toEqual([ROUND.randomness, ROUND.randomness])
    expect(asked).toEqual([`/${QUICKNET.chainHash}/public/${ROUND.round}`])
    expect(bad).toEqual([])
  })

  it('is waited for until it is out', async () => {
    const { url, asked } = await relay((response, n) =>
      n < 4 ? response.writeHead(n % 2 ? 404 : 425).end('early') : honest(response),
    )
    expect(await drand([`${url}/`]).at(TIME, stop)).toBe(ROUND.randomness)
    expect(asked).toHaveLength(4)
  })

  it.each<[string, (response: ServerResponse) => void, string]>([
    ['another round', (response) => response.end(JSON.stringify({ signature: OTHER.signature.slice(2) })), 'lie'],
    ['a made-up signature', (response) => response.end(JSON.stringify({ signature: 'ab'.repeat(48) })), 'lie'],
    ['no signature', (response) => response.end('{"signature":7}'), 'lie'],
    ['a page', (response) => response.end('<html>'), 'silent'],
    ['an endless answer', (response) => response.end('x'.repeat(1 << 20)), 'silent'],
    ['a way to somewhere else', (response) => response.writeHead(302, { location: 'http://127.0.0.1:9/' }).end(), 'silent'],
    ['nothing at all', (response) => response.destroy(), 'silent'],
  ])('does not come from a relay that gives %s', async (_, answer, reason) => {
    const [liar, friend] = [await relay(answer), await relay(honest)]
    expect(await drand([liar.url, friend.url]).at(TIME, stop)).toBe(ROUND.randomness)
    expect(bad).toEqual([reason])
  })

  it('is waited for no longer than the daemon runs', async () => {
    const { url } = await relay((response) => response.writeHead(404).end())
    const waiting = drand([url]).at(TIME, stop)
    const future = drand([url], 0).at(TIME, stop)
    setTimeout(() => stop.abort(new Error('the daemon stops')), 100)
    await expect(waiting).rejects.toThrow('the daemon stops')
    await expect(future).rejects.toThrow('the daemon stops')
  })
})
