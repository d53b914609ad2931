import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { expect, it } from 'vitest'
import { freePorts } from '../../src/devnet/ports.ts'

it('gives ports that differ, that can be listened on, and that no outgoing connection gets by itself', async () => {
  const ports = await freePorts(200)
  expect(new Set(ports).size).toBe(200)
  const [lowest = 0] = readFileSync('/proc/sys/net/ipv4/ip_local_port_range', 'utf8').trim().split(/\s+/).map(Number)
  expect(Math.max(...ports)).toBeLessThan(lowest)
  const server = createServer().listen(ports[0], '127.0.0.1')
  await once(server, 'listening')
  server.close()
})

it('passes over those where somebody listens', async () => {
  const first = await freePorts(300)
  const servers = first.map((port) => createServer().listen(port, '127.0.0.1'))
  await Promise.all(servers.map((server) => once(server, 'listening')))
  const taken = new Set(first)
  // Each begins anywhere: of a hundred all but surely some begin there or come there.
  for (let i = 0; i < 100; i++) expect((await freePorts(300)).filter((port) => taken.has(port))).toEqual([])
  for (const server of servers) server.close()
})
