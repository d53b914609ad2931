import { closeSync, ftruncateSync, mkdtempSync, openSync, rmSync } from 'node:fs'
import { type IncomingMessage, request } from 'node:http'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { hash } from '../helpers/fixtures.ts'
import { openSite, publish } from './site.ts'

// Strangers that open downloads and do not read them, over real sockets.

const home = mkdtempSync(join(tmpdir(), 'fisherman-test-files-'))
/** More than the buffers of both ends take. */
const SIZE = 64 << 20
const BUNDLE = `/fisherman/v1/bundles/${hash(1)}`
let site: Awaited<ReturnType<typeof openSite>>
const sockets: Socket[] = []

beforeAll(() => {
  const file = openSync(join(home, `${hash(1)}.fishbundle`), 'w')
  ftruncateSync(file, SIZE)
  closeSync(file)
})
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy()
  await site?.stop()
})
afterAll(() => rmSync(home, { recursive: true, force: true }))

/** Asks, and reads nothing of the answer beyond what begins it. */
async function stall(localAddress = '127.0.0.1', times = 1): Promise<Socket> {
  const socket = connect({ port: Number(new URL(site.url).port), host: '127.0.0.1', localAddress })
  sockets.push(socket)
  socket.on('error', () => undefined)
  socket.write(`GET ${BUNDLE} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n`.repeat(times))
  await new Promise((resolve) => socket.once('data', resolve))
  socket.pause()
  return socket
}
const head = async (path = BUNDLE) => {
  const response = await fetch(`${site.url}${path}`)
  await response.body?.cancel()
  return response
}
/** What so many that ask at the same time are told. */
async function places(count: number): Promise<(number | undefined)[]> {
  const answers = await Promise.all(
    Array.from({ length: count }, async () => {
      return await new Promise<IncomingMessage>((resolve, reject) => {
        request(`${site.url}${BUNDLE}`, { agent: false }, resolve).on('error', reject).end()
      })
    }),
  )
  for (const answer of answers) answer.on('error', () => undefined).destroy()
  return answers.map(({ statusCode }) => statusCode)
}
const isAnswered = async () => await expect.poll(async () => (await head()).status, { timeout: 15_000 }).toBe(200)

describe('files on their way', () => {
  it('are a few of one client, and after one that broke off there is room again', async () => {
    site = await openSite({ bundleDir: home, files: { mostOfOne: 2 } })
    const [first] = [await stall(), await stall()]
    const refused = await head()
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '5'])
    // Datasets come out of the same places.
    publish(site.idleDir)
    expect((await head('/fisherman/v1/idle/round-7/manifest.json')).status).toBe(429)
    const other = await stall('127.0.0.2')
    expect(other.bytesRead).toBeGreaterThan(0)
    first?.destroy()
    await isAnswered()
  })
  it('that were asked for in one go and never begun leave their places too', async () => {
    site = await openSite({ bundleDir: home, files: { mostOfOne: 3 } })
    const socket = await stall('127.0.0.1', 3)
    expect((await head()).status).toBe(429)
    socket.destroy()
    await expect.poll(async () => await places(3), { timeout: 15_000 }).toEqual([200, 200, 200])
  })
  it('are bounded for all clients together', async () => {
    site = await openSite({ bundleDir: home, files: { most: 2 } })
    for (const address of ['127.0.0.2', '127.0.0.3']) await stall(address)
    expect((await head()).status).toBe(429)
  })
  it('end where the reader takes nothing, and the reader sees that it is not whole', async () => {
    site = await openSite({ bundleDir: home, files: { mostOfOne: 1, idleMs: 300 } })
    const socket = await stall()
    expect((await head()).status).toBe(429)
    await isAnswered()
    const ended = new Promise((resolve) => socket.once('close', resolve))
    socket.resume()
    await ended
    expect(socket.bytesRead).toBeLessThan(SIZE)
  })
  it('arrive whole at a reader that reads on, whatever time the whole takes', async () => {
    site = await openSite({ bundleDir: home, files: { idleMs: 1_500 } })
    const socket = await stall()
    const ended = new Promise((resolve) => socket.once('end', resolve))
    // Twice as long for the whole as a reader may take nothing.
    let rest = 0
    socket.on('data', ({ length }) => {
      rest += length
      if (socket.bytesRead >= SIZE) socket.end()
      if (rest < 1 << 20) return
      rest = 0
      socket.pause()
      setTimeout(() => socket.resume(), 50)
    })
    socket.resume()
    await ended
    expect(socket.bytesRead).toBeGreaterThan(SIZE)
  })
  it('are not read for who asks for their length alone', async () => {
    site = await openSite({ bundleDir: home, files: { most: 0 } })
    const { status, headers } = await fetch(`${site.url}${BUNDLE}`, { method: 'HEAD' })
    expect([status, headers.get('content-length')]).toEqual([200, String(SIZE)])
  })
})

it.each([BUNDLE, '/fisherman/v1/idle/round-7/manifest.json', '/metrics'])(
  '%s is asked for so often and not more',
  async (path) => {
    site = await openSite({ bundleDir: home, requests: { burst: 2, everyMs: 60_000 } })
    publish(site.idleDir)
    const asked = [await head(path), await head(path), await head(path)]
    expect(asked.map(({ status }) => status)).toEqual([200, 200, 429])
    expect(asked[2]?.headers.get('retry-after')).toBe('1')
  },
)
