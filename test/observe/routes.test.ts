import fastify from 'fastify'
import { afterAll, expect, it } from 'vitest'
import { createMetrics } from '../../src/observe/metrics.ts'
import { daemonRoutes } from '../../src/observe/routes.ts'

const app = fastify()
daemonRoutes({ bundleDir: '/nowhere', metrics: createMetrics(), ready: () => 'no chain' })(app)
afterAll(() => app.close())

it('monitors and accused nodes need no token', async () => {
  const asked = async (url: string) => await app.inject({ url, remoteAddress: '192.0.2.1' })
  expect((await asked('/healthz')).statusCode).toBe(200)
  expect((await asked('/readyz')).json()).toEqual({ ready: false, reason: 'no chain' })
  expect((await asked('/metrics')).statusCode).toBe(200)
  expect((await asked(`/fisherman/v1/bundles/0x${'0'.repeat(64)}`)).statusCode).toBe(404)
  expect((await asked('/fisherman/v1/bundles/..%2f..%2fetc%2fpasswd')).statusCode).toBe(400)
})
