import fastify from 'fastify'
import { afterAll, expect, it } from 'vitest'
import { createMetrics } from '../../src/observe/metrics.ts'
import { daemonRoutes } from '../../src/observe/routes.ts'

const app = fastify()
daemonRoutes({
  ...{ bundleDir: '/nowhere', metrics: createMetrics(), ready: () => undefined, summary: () => ({}) },
  ...{ peers: () => [{ id: 'me' }], network: () => ({ peer: 'me' }) },
})(app)
afterAll(() => app.close())

it.each(['/api/v1/peers', '/api/v1/network'])('%s is told on the machine itself only', async (url) => {
  for (const remoteAddress of ['127.0.0.1', '::1', '::ffff:127.0.0.1'])
    expect((await app.inject({ url, remoteAddress })).body).toContain('me')
  for (const remoteAddress of ['192.0.2.1', '10.0.0.127', '::ffff:10.0.0.1']) {
    const { statusCode, body } = await app.inject({ url, remoteAddress, headers: { 'x-forwarded-for': '127.0.0.1' } })
    expect([statusCode, body]).toEqual([403, '{"error":"this is told on the machine itself only"}'])
  }
  expect((await app.inject({ url: '/healthz', remoteAddress: '192.0.2.1' })).statusCode).toBe(200)
})
