import fastify from 'fastify'
import { afterAll, expect, it } from 'vitest'
import { createMetrics } from '../../src/observe/metrics.ts'
import { daemonRoutes } from '../../src/observe/routes.ts'

const app = fastify()
daemonRoutes({
  ...{ bundleDir: '/nowhere', metrics: createMetrics(), ready: () => undefined, summary: () => ({}) },
  ...{
    peers: () => [{ id: 'me' }],
    explain: async (digest) => (digest === `0x${'1'.repeat(64)}` ? { me: digest } : undefined),
    network: () => ({ peer: 'me' }),
  },
})(app)
afterAll(() => app.close())

it.each(['/api/v1/peers', '/api/v1/network', `/api/v1/receipts/0x${'1'.repeat(64)}/draws`])(
  '%s is told on the machine itself only',
  async (url) => {
    for (const remoteAddress of ['127.0.0.1', '::1', '::ffff:127.0.0.1'])
      expect((await app.inject({ url, remoteAddress })).body).toMatch(/me|0x1/)
    for (const remoteAddress of ['192.0.2.1', '10.0.0.127', '::ffff:10.0.0.1']) {
      const { statusCode, body } = await app.inject({ url, remoteAddress, headers: { 'x-forwarded-for': '127.0.0.1' } })
      expect([statusCode, body]).toEqual([403, '{"error":"this is told on the machine itself only"}'])
    }
    expect((await app.inject({ url: '/healthz', remoteAddress: '192.0.2.1' })).statusCode).toBe(200)
  },
)

it('a receipt is asked for by its digest, and one that is not known is not there', async () => {
  const ask = async (digest: string) => {
    const { statusCode, body } = await app.inject({ url: `/api/v1/receipts/${digest}/draws`, remoteAddress: '127.0.0.1' })
    return [statusCode, body]
  }
  expect(await ask('0x12')).toEqual([400, '{"error":"a receipt digest is 0x and 64 lower-case hex digits"}'])
  expect(await ask(`0x${'2'.repeat(64)}`)).toEqual([
    404,
    '{"error":"no feed that is followed here has shown this receipt lately"}',
  ])
})
