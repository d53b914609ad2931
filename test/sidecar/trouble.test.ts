import { rmSync } from 'node:fs'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { request as httpRequest, type IncomingMessage } from 'node:http'
import { type AddressInfo, connect as connectNet, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type Guard, openGuard } from '../../src/attest/guard.ts'
import { SILENT } from '../../src/base/log.ts'
import { DEFAULT_LADDER } from '../../src/devnet/ladder.ts'
import { makeRenditions } from '../../src/devnet/work.ts'
import { listen } from '../../src/sidecar/listener.ts'
import { createSegmentDesk } from '../../src/sidecar/segments.ts'
import { type Sidecar, type SidecarInit, startSidecar } from '../../src/sidecar/sidecar.ts'
import { createSpool } from '../../src/sidecar/spool.ts'
import { createUpstream } from '../../src/sidecar/upstream.ts'
import { type Clips, drawSegments } from '../devnet/clips.ts'
import { testLedger } from '../devnet/orchestrators.ts'
import { type FakeNode, fakeNode } from './node.ts'
import { buildThread } from './thread-file.ts'
import { headersOf, NODE, PATHS, PUBLIC, push as pushTo, until, work } from './world.ts'

// What may go wrong around the sidecar, and must not cost its operator a segment.

let clips: Clips
let folder: string
let made: Buffer[]
let threadFile: URL
beforeAll(async () => {
  clips = await drawSegments(1)
  folder = await mkdtemp(join(tmpdir(), 'fisherman-test-trouble-'))
  threadFile = await buildThread(folder)
  const source = clips.files[0] as string
  const signal = new AbortController().signal
  const files = await makeRenditions('honest', { source, profiles: DEFAULT_LADDER, folder, signal })
  made = await Promise.all(files.map(({ file }) => readFile(file)))
}, 60_000)
afterAll(async () => {
  await clips?.clean()
  await rm(folder, { recursive: true, force: true })
})

const ends: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end()
})

async function open(
  changes: Partial<SidecarInit> = {},
): Promise<{ node: FakeNode; sidecar: Sidecar; dataDir: string; guard: Guard }> {
  const node = await fakeNode()
  ends.push(() => node.close())
  const dataDir = await mkdtemp(join(folder, 'data-'))
  const guard = await openGuard(join(dataDir, 'guard'), 'test')
  ends.push(() => guard.close())
  work(node, made)
  const sidecar = await startSidecar(
    {
      ...{ upstream: new URL(node.origin), publicUrl: PUBLIC, dataDir, threadFile },
      ...{ listen: { host: '127.0.0.1', port: 0 }, transcoder: NODE.address, mediaBytes: 1e9, windows: 100, fetchAfterMs: 300 },
      ...changes,
    },
    { ledger: testLedger(), signer: NODE, guard, log: SILENT },
  )
  ends.push(() => sidecar.stop())
  return { node, sidecar, dataDir, guard }
}

const push = (sidecar: Sidecar, seq?: bigint) => pushTo(sidecar, clips.segments[0] as Buffer, seq === undefined ? {} : { seq })

describe('a gateway', () => {
  it('that fetches renditions with the first byte of the answer gets them, and the node is asked once for each', async () => {
    const { node, sidecar } = await open()
    const source = clips.segments[0] as Buffer
    const headers = await headersOf(source)
    const fetched = await new Promise<Promise<Buffer>[]>((resolve, reject) => {
      const sent = httpRequest(`${sidecar.url}/segment`, { method: 'POST', headers }, (answer: IncomingMessage) => {
        answer.once('data', () => {
          resolve(PATHS.map(async (path) => Buffer.from(await (await fetch(`${sidecar.url}${path}`)).arrayBuffer())))
        })
        answer.resume()
      })
      sent.on('error', reject)
      sent.end(source)
    })
    const got = await Promise.all(fetched)
    expect(got.map((bytes, i) => bytes.equals(made[i] as Buffer))).toEqual([true, true])
    await until(() => sidecar.counters().receipts === 1, sidecar.counters)
    expect([...node.fetched].sort()).toEqual(PATHS)
  })

  it('that could not come sooner is expected: the renditions of an answer are, before its first byte goes out', async () => {
    const { node, sidecar } = await open()
    const spool = await createSpool(
      { folder: join(folder, 'spool-early'), maxBytes: 1 << 30, maxWaitingBytes: 1 << 20 },
      { onLost: () => undefined },
    )
    const { signal } = new AbortController()
    const desk = createSegmentDesk(
      { fetchAfterMs: 300, most: 1, maxBytes: 1 << 30, signal },
      { upstream: createUpstream(new URL(node.origin)), spool, move: (url) => url, onServed: async () => {}, onNone: () => {} },
    )
    const headers = await headersOf(clips.segments[0] as Buffer)
    const hooks = desk.segment({ method: 'POST', url: '/segment', headers } as never)
    const comes = () => desk.rendition({ method: 'GET', url: PATHS[0], headers: {} } as never).answer
    expect(comes()).toBeUndefined()
    hooks.rewrite?.(node.result)
    const copy = comes()
    expect(copy).toBeDefined()
    copy?.abort()
    hooks.request?.abort()
    expect(sidecar.counters()).toEqual({})
  })

  it('that says more than it sends, or leaves half way, costs nothing but its own segment', async () => {
    const { node, sidecar, dataDir } = await open()
    const source = clips.segments[0] as Buffer
    const headers = { ...(await headersOf(source)), 'content-length': String(source.length + 1_000) }
    const sent = httpRequest(`${sidecar.url}/segment`, { method: 'POST', headers })
    sent.on('error', () => undefined)
    sent.write(source)
    await wait(100)
    sent.destroy()
    await until(() => sidecar.counters()['unreceipted.not-answered'] === 1, sidecar.counters)
    await until(async () => (await readdir(join(dataDir, 'spool'))).length === 0)
    expect(node.segments).toHaveLength(0)
    await push(sidecar)
    await until(() => sidecar.counters().receipts === 1, sidecar.counters)
  })

  it('that reads slowly holds the node back instead of growing our memory', async () => {
    const { node, sidecar } = await open()
    let [sentBytes, isHeld] = [0, false]
    const chunk = Buffer.alloc(1 << 20)
    const big = createServer((socket) => {
      socket.on('error', () => undefined)
      socket.once('data', () => {
        socket.write('HTTP/1.1 200 OK\r\ncontent-length: 268435456\r\n\r\n')
        const more = () => {
          while (sentBytes < 256 << 20 && !socket.destroyed) {
            sentBytes += chunk.length
            if (!socket.write(chunk)) {
              isHeld = true
              return void socket.once('drain', more)
            }
          }
        }
        more()
      })
    })
    await new Promise<void>((resolve) => big.listen(0, '127.0.0.1', resolve))
    ends.push(async () => void big.close())
    const slow = await open({ upstream: new URL(`http://127.0.0.1:${(big.address() as AddressInfo).port}`) })
    const { port } = new URL(slow.sidecar.url)
    const client = connectNet(Number(port), '127.0.0.1')
    client.on('error', () => undefined)
    client.pause()
    client.write('GET /stream/x HTTP/1.1\r\nhost: x\r\n\r\n')
    await until(() => isHeld)
    await wait(500)
    // What kernels and streams of three sockets hold; all of it would be 256 MiB.
    expect(sentBytes).toBeLessThan(48 << 20)
    client.destroy()
    await push(sidecar)
    expect(node.segments).toHaveLength(1)
  })
})

describe('the node', () => {
  it('that closes half way through an answer leaves the gateway with a broken answer, and the next segment is fine', async () => {
    const half = createServer((socket: Socket) => {
      socket.on('error', () => undefined)
      socket.once('data', () => {
        socket.write('HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf')
        setTimeout(() => socket.destroy(), 50)
      })
    })
    await new Promise<void>((resolve) => half.listen(0, '127.0.0.1', resolve))
    ends.push(async () => void half.close())
    const { sidecar } = await open({ upstream: new URL(`http://127.0.0.1:${(half.address() as AddressInfo).port}`) })
    const got = fetch(`${sidecar.url}/stream/x`).then((response) => response.arrayBuffer())
    await expect(got).rejects.toThrow()
    await expect(push(sidecar)).rejects.toThrow()
    await until(() => sidecar.counters()['unreceipted.not-answered'] === 1, sidecar.counters)
    expect((await fetch(`${sidecar.url}/fisherman/v1/windows`)).status).toBe(200)
  })
})

describe('the thread of receipts', () => {
  /** The real thread, that does this with the next segment as long as a file lies there. */
  async function faulty(deed: string): Promise<{ entry: URL; heal(): void }> {
    const own = await mkdtemp(join(folder, 'thread-'))
    const flag = join(own, 'flag')
    await writeFile(flag, '')
    const text = `import { existsSync } from 'node:fs'
import { parentPort } from 'node:worker_threads'
import ${JSON.stringify(threadFile.href)}
const broken = () => existsSync(${JSON.stringify(flag)})
parentPort.on('message', () => { ${deed} })
`
    await writeFile(join(own, 'entry.mjs'), text)
    return { entry: pathToFileURL(join(own, 'entry.mjs')), heal: () => rmSync(flag, { force: true }) }
  }

  it.each([
    ['crashes', 'if (broken()) process.exit(7)'],
    ['throws where nobody catches it', "if (broken()) throw new Error('no')"],
    ['hangs', 'while (broken());'],
  ])('that %s costs receipts only, and the next segment has one', async (_, deed) => {
    const { entry, heal } = await faulty(deed)
    const { node, sidecar, dataDir } = await open({ threadFile: entry, draftMs: 2_000 })
    await push(sidecar)
    await until(() => sidecar.counters()['unreceipted.thread'] === 1, sidecar.counters)
    await push(sidecar, 8n)
    await until(() => sidecar.counters()['unreceipted.thread'] === 2, sidecar.counters)
    expect(node.segments).toHaveLength(2)
    heal()
    await push(sidecar, 9n)
    await until(() => sidecar.counters().receipts === 1, sidecar.counters)
    await until(async () => (await readdir(join(dataDir, 'spool'))).length === 0)
  })

  it('that is not there at all leaves the traffic as it was', async () => {
    const { sidecar } = await open({ threadFile: pathToFileURL(join(folder, 'none.mjs')) })
    await push(sidecar)
    await until(() => sidecar.counters()['unreceipted.thread'] === 1, sidecar.counters)
  })
})

describe('what waits for the disk', () => {
  it('is bounded over all copies; the one that would go beyond is given up, the others are whole', async () => {
    const lost: string[] = []
    const init = { folder: join(folder, 'spool-bound'), maxBytes: 1 << 30, maxWaitingBytes: 4 << 20 }
    const spool = await createSpool(init, { onLost: (reason) => void lost.push(reason) })
    const [first, second] = [spool.copy(), spool.copy()]
    for (let i = 0; i < 3; i++) first.push(Buffer.alloc(1 << 20, 1))
    second.push(Buffer.alloc(1 << 20, 2))
    second.push(Buffer.alloc(1 << 20, 3))
    expect([lost, spool.waitingBytes()]).toEqual([['spool-slow'], 4 << 20])
    expect(await second.end()).toBeUndefined()
    expect((await first.end())?.bytes).toBe(3 << 20)
    await until(() => spool.waitingBytes() === 0)
    const third = spool.copy()
    third.push(Buffer.alloc(4 << 20))
    expect((await third.end())?.bytes).toBe(4 << 20)
    await until(async () => (await readdir(init.folder)).length === 2)
  })
})

describe('the listener', () => {
  const answered = (port: number, text: string) =>
    new Promise<{ text: string; ms: number }>((resolve) => {
      const began = Date.now()
      let got = ''
      const socket = connectNet(port, '127.0.0.1', () => socket.write(text))
      socket.on('data', (data) => (got += data))
      socket.on('error', () => undefined)
      socket.on('close', () => resolve({ text: got, ms: Date.now() - began }))
    })

  it('cuts off who is slow with headers, and who sends too many of them', async () => {
    const listener = await listen({
      ...{ host: '127.0.0.1', port: 0, headersMs: 600 },
      onRequest: (_, response) => void (response as { end(text: string): void }).end('fine'),
    })
    ends.push(() => listener.close())
    const slow = await answered(listener.port, 'GET / HTTP/1.1\r\nhost: x\r\nx-a')
    expect(slow.ms).toBeLessThan(3_000)
    expect(slow.text).not.toContain('fine')
    const large = await answered(listener.port, `GET / HTTP/1.1\r\nhost: x\r\nx-a: ${'a'.repeat(300 * 1024)}\r\n\r\n`)
    expect(large.text).not.toContain('fine')
    const allowed = `GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\nx-a: ${'a'.repeat(200 * 1024)}\r\n\r\n`
    expect((await answered(listener.port, allowed)).text).toContain('fine')
  })
})

it('a store belongs to one process', async () => {
  const { dataDir } = await open()
  await expect(openGuard(join(dataDir, 'guard'), 'test')).rejects.toMatchObject({ name: 'FishermanError' })
})
