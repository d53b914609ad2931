import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { brotliCompressSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { httpGet } from '../../src/base/http-get.ts'

const PLAIN = Buffer.alloc(1_000_000, '[],')
const asked: (string | undefined)[] = []
const server = createServer((request, response) => {
  asked.push(request.headers['accept-encoding'] as string | undefined)
  if (request.url === '/busy') response.statusCode = 429
  if (request.url !== '/plain') response.setHeader('content-encoding', 'br').end(brotliCompressSync(PLAIN))
  else response.end(PLAIN)
})
const options = { maxBytes: 2_000_000, timeoutMs: 10_000 }

beforeAll(async () => {
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready))
})
afterAll(() => void server.close())

describe('an answer over HTTP', () => {
  const url = (path: string): string => `http://127.0.0.1:${(server.address() as AddressInfo).port}/${path}`

  it('is taken as it is, and what comes compressed without being asked for is refused', async () => {
    expect((await httpGet(url('plain'), options)).length).toBe(PLAIN.length)
    await expect(httpGet(url('packed'), options)).rejects.toMatchObject({ code: 'http-encoded', blame: 'theirs' })
    expect(asked).toEqual(['identity', 'identity'])
  })

  it('is what its status says, however its page comes', async () => {
    await expect(httpGet(url('busy'), options)).rejects.toMatchObject({ code: 'http-429' })
  })

  it('is cut off where it is longer than it may be', async () => {
    await expect(httpGet(url('plain'), { ...options, maxBytes: 1000 })).rejects.toMatchObject({ code: 'http-too-long' })
  })
})
