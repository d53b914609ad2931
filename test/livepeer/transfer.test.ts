import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createServer as createTlsServer } from 'node:tls'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type AddressRule, isPublicAddress } from '../../src/livepeer/reach.ts'
import { downloadRendition, HTTP_TIMEOUTS, postSegment } from '../../src/livepeer/transfer.ts'
import { certificate } from './listener.ts'

// Nodes that answer as no honest one does, byte by byte: real sockets, nothing of HTTP on their side.

let folder: string
let file: string
const open: { server: Server; sockets: Set<Socket> }[] = []
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fisherman-test-transfer-'))
  file = join(folder, 'segment.ts')
  await writeFile(file, Buffer.alloc(8_000_000, 7))
})
afterEach(async () => {
  for (const { server, sockets } of open.splice(0)) {
    for (const socket of sockets) socket.destroy()
    await new Promise((resolve) => server.close(resolve))
  }
})
afterAll(() => rm(folder, { recursive: true, force: true }))

/** What a node does when the first bytes of a request are there. */
async function node(act: (socket: Socket) => void, { tls = false } = {}) {
  const sockets = new Set<Socket>()
  const take = (socket: Socket): void => {
    sockets.add(socket)
    socket.on('error', () => undefined).once('data', () => act(socket))
  }
  const server = tls ? createTlsServer(await certificate(), take) : createServer(take)
  open.push({ server, sockets })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const origin = `http${tls ? 's' : ''}://127.0.0.1:${(server.address() as AddressInfo).port}`
  return { origin, sockets }
}
const post = (origin: string) =>
  codeOf(postSegment({ url: `${origin}/segment`, headers: {}, file, durationMs: 2_000 }, { mayConnect }))
const get = (url: string, rule: AddressRule = mayConnect) =>
  codeOf(downloadRendition(url, join(folder, 'rendition'), { mayConnect: rule, maxBytes: 100_000 }))
const mayConnect = (ip: string) => ip === '127.0.0.1'
const codeOf = async (work: Promise<unknown>) =>
  await work.then(
    () => 'none',
    ({ code }: { code: string }) => code,
  )

const REFUSAL = 'HTTP/1.1 403 Forbidden\r\ncontent-length: 18\r\nconnection: close\r\n\r\nOrchestratorCapped'
/** For ever, as fast as it is taken. */
function pour(socket: Socket, head: string): void {
  socket.write(head)
  const more = (): void => {
    while (!socket.destroyed && socket.write(Buffer.alloc(65_536, 'x')));
  }
  socket.on('drain', more)
  more()
}

describe('a node', () => {
  // Many times: which of its answer and its reset is noticed first is a matter of microseconds.
  it.each([[false], [true]])('that refuses and closes at once while we send is a refusal (TLS: %s)', async (tls) => {
    const { origin } = await node((socket) => socket.pause().write(REFUSAL, () => socket.destroy()), { tls })
    const codes = new Set<string>()
    for (let i = 0; i < 30; i++) codes.add(await post(origin))
    expect([...codes]).toEqual(['livepeer-capped'])
  })

  it('that closes while we send and says nothing is out of reach, soon', async () => {
    const { origin } = await node((socket) => void socket.destroy())
    const start = performance.now()
    expect(await post(origin)).toBe('livepeer-unreachable')
    expect(performance.now() - start).toBeLessThan(2_000)
  })

  it('that answers without end is cut off', async () => {
    const { origin, sockets } = await node((socket) => pour(socket.resume(), 'HTTP/1.1 200 OK\r\n\r\n'))
    expect(await post(origin)).toBe('livepeer-answer')
    await expect.poll(() => [...sockets].every(({ destroyed }) => destroyed)).toBe(true)
  })

  it('that refuses without end is a refusal, of its first words', async () => {
    const { origin } = await node((socket) => pour(socket.resume(), 'HTTP/1.1 403 Forbidden\r\n\r\nOrchestratorCapped '))
    expect(await post(origin)).toBe('livepeer-capped')
  })

  it('that takes nothing of the segment and says nothing is too slow, before its time to answer is over', async () => {
    const { origin } = await node((socket) => void socket.pause())
    const start = performance.now()
    expect(await post(origin)).toBe('livepeer-timeout')
    expect(performance.now() - start).toBeLessThan(HTTP_TIMEOUTS.segmentMs(2_000) - 2_000)
  })

  it('that speaks no HTTP gave no answer', async () => {
    const { origin } = await node((socket) => socket.resume().end('220 mail.example ESMTP\r\n'))
    expect(await post(origin)).toBe('livepeer-unreachable')
  })
})

describe('a rendition', () => {
  it('that is longer than any may be leaves nothing on disk, whatever length it names', async () => {
    for (const length of ['', 'content-length: 10\r\n', 'content-length: 99999999999999\r\n']) {
      const { origin } = await node((socket) => pour(socket, `HTTP/1.1 200 OK\r\n${length}\r\n`))
      const code = await get(`${origin}/rendition`)
      expect(code).toBe(length.includes(': 10') ? 'none' : 'livepeer-answer')
      await rm(join(folder, 'rendition'), { force: true })
      expect(await readdir(folder)).toEqual(['segment.ts'])
    }
  })

  it('that breaks off is none, and leaves nothing on disk', async () => {
    const { origin } = await node((socket) => void socket.end('HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf'))
    expect(await get(`${origin}/rendition`)).toBe('livepeer-unreachable')
    expect(await readdir(folder)).toEqual(['segment.ts'])
  })

  it('at an address where we may not connect is not asked for, and nobody sends us on to one', async () => {
    const inner = await node((socket) => void socket.end('HTTP/1.1 200 OK\r\n\r\nsecret'))
    for (const host of ['127.0.0.1', 'localhost', '[::ffff:127.0.0.1]', '2130706433'])
      expect(await get(`${inner.origin.replace('127.0.0.1', host)}/rendition`, isPublicAddress), host).toBe('livepeer-address')
    const outer = await node((socket) => void socket.end(`HTTP/1.1 302 Found\r\nlocation: ${inner.origin}/\r\n\r\n`))
    expect(await get(`${outer.origin}/rendition`)).toBe('livepeer-answer')
    expect(inner.sockets.size).toBe(0)
  })
})
