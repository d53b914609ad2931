import { createServer } from 'node:http'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { systemClock } from '../../src/base/clock.ts'
import { createGateway, type GatewayInit } from '../../src/devnet/gateway.ts'
import { DEFAULT_LADDER } from '../../src/devnet/ladder.ts'
import { DOMAIN } from '../helpers/fixtures.ts'
import { type Clips, drawSegments } from './clips.ts'
import { type Bench, bench, GATEWAY, SILENT } from './orchestrators.ts'

let clips: Clips
let node: Bench
beforeAll(async () => {
  clips = await drawSegments(2, '160x90')
  node = await bench('honest', { requesters: [GATEWAY.address] })
})
afterAll(async () => {
  await node?.stop()
  await clips?.clean()
})

const signal = new AbortController().signal
const readers = (count?: number) => clips.segments.slice(0, count).map((segment) => async () => segment)

function gateway(url: string, changes: Partial<GatewayInit> = {}) {
  const orchestrators = [{ transcoder: node.signer.address, url }]
  const profiles = [{ ...DEFAULT_LADDER[1]!, width: 160, height: 90 }]
  return createGateway(
    { domain: DOMAIN, orchestrators, profiles, everyMs: 100, patienceMs: 10_000, ...changes },
    { signer: GATEWAY, clock: systemClock, log: SILENT, nowSec: () => Number(node.ledger.now()) },
  )
}

/** Passes requests on, after it answered the first ones with these statuses; 0 breaks the connection. */
async function flaky(
  statuses: number[],
  run: (url: string, headers: string[]) => Promise<void>,
  change = (answer: string) => answer,
): Promise<void> {
  const headers: string[] = []
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', async () => {
      headers.push(String(request.headers['fisherman-order']))
      const status = statuses.shift()
      if (status === 0) return void request.socket.destroy()
      if (status) return response.writeHead(status).end('{"error":"no"}')
      const { 'fisherman-order': order = '' } = request.headers
      const answer = await fetch(`${node.node.url}/segment`, {
        method: 'POST',
        headers: { 'fisherman-order': String(order), 'content-type': 'video/mp2t' },
        body: Buffer.concat(chunks),
      })
      response.writeHead(answer.status).end(change(await answer.text()))
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  try {
    await run(`http://127.0.0.1:${port}`, headers)
  } finally {
    server.closeAllConnections()
    server.close()
  }
}

describe('test gateway', () => {
  it('sends each segment once, in order, one stream and session a node, each order with its own nonce', async () => {
    expect(await gateway(node.node.url).run(readers(), signal)).toEqual({ answered: 2, failed: 0 })
    const { window } = await node.closeWindow()
    const orders = (await node.lines(window.windowId)).map(({ order }) => order).sort((a, b) => Number(a.seq - b.seq))
    expect(orders.map(({ seq }) => seq)).toEqual([0n, 1n])
    for (const name of ['streamId', 'sessionId'] as const) expect(new Set(orders.map((order) => order[name])).size).toBe(1)
    expect(new Set(orders.map(({ nonce }) => nonce)).size).toBe(2)
  })

  it('tries again with the same order while the node is busy or out of reach', () =>
    flaky([503, 0], async (url, headers) => {
      expect(await gateway(url).run(readers(1), signal)).toEqual({ answered: 1, failed: 0 })
      expect(headers.length).toBe(3)
      expect(new Set(headers).size).toBe(1)
    }))

  it('gives up when an order is refused, and when its patience ends', () =>
    flaky([400, 503, 503, 503, 503], async (url, headers) => {
      expect(await gateway(url, { patienceMs: 1000 }).run(readers(2), signal)).toEqual({ answered: 0, failed: 2 })
      expect(headers.length).toBeGreaterThan(1)
      expect(headers[1]).not.toBe(headers[0])
    }))

  it('does not take any paper for a receipt', () =>
    flaky(
      [],
      async (url) => {
        expect(await gateway(url).run(readers(1), signal)).toEqual({ answered: 0, failed: 1 })
      },
      // The signature of something else, by the right key.
      (answer) => answer.replace(/"sig":"0x[0-9a-f]{64}/, `"sig":"0x${'1'.repeat(64)}`),
    ))

  it('stops when told to', async () => {
    const stop = new AbortController()
    const running = gateway('http://127.0.0.1:1').run(readers(), stop.signal)
    setTimeout(() => stop.abort(new Error('enough')), 50)
    await expect(running).rejects.toThrow('enough')
  })
})
