import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { type AddressInfo, createServer, type Server } from 'node:net'

/** Where ports are taken from: below those that systems give to outgoing connections (Linux from 32768, others from 49152), above the well-known ones. */
const PORTS = { from: 20_000, count: 10_000 }

/**
 * Ports of 127.0.0.1 that nobody listens on now; held all at once, so that they differ. They are none that the system hands out by itself: between
 * this and the listening of their owner hundreds of connections are made, and one of those would sooner or later have the port.
 *
 * @throws of `listen` where none is left.
 */
export async function freePorts(count: number): Promise<number[]> {
  const servers: Server[] = []
  const start = randomInt(PORTS.count)
  try {
    for (let i = 0; servers.length < count; i++) {
      const server = createServer()
      try {
        await once(server.listen(PORTS.from + ((start + i) % PORTS.count), '127.0.0.1'), 'listening')
        servers.push(server)
      } catch (error) {
        if (i >= PORTS.count) throw error
      }
    }
    return servers.map((server) => (server.address() as AddressInfo).port)
  } finally {
    await Promise.all(servers.map((server) => new Promise((done) => server.close(done))))
  }
}
