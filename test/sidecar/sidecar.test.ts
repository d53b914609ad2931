import { readdirSync } from 'node:fs'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { connect } from 'node:http2'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { windowLeaf } from '../../proofs/digest.ts'
import { merkleTree } from '../../proofs/merkle.ts'
import { bytesToHex, signerOf } from '../../proofs/signature.ts'
import type { Hex, WindowRoot } from '../../proofs/types.ts'
import { type Guard, openGuard } from '../../src/attest/guard.ts'
import { keccakOf } from '../../src/base/keccak.ts'
import { SILENT } from '../../src/base/log.ts'
import { DEFAULT_LADDER } from '../../src/devnet/ladder.ts'
import { makeRenditions } from '../../src/devnet/work.ts'
import { encodeAuth } from '../../src/feed/auth.ts'
import { readOrchestratorInfo, readTranscodeResult } from '../../src/livepeer/read.ts'
import type { SegData } from '../../src/livepeer/types.ts'
import { writeOrchestratorInfo, writeTranscodeResult } from '../../src/livepeer/write.ts'
import { readReceiptLine } from '../../src/receipt/row.ts'
import { type Sidecar, startSidecar } from '../../src/sidecar/sidecar.ts'
import { type Clips, drawSegments } from '../devnet/clips.ts'
import { GATEWAY, STRANGER, type TestLedger, testLedger } from '../devnet/orchestrators.ts'
import { DOMAIN } from '../helpers/fixtures.ts'
import { type FakeNode, fakeNode } from './node.ts'
import { buildThread } from './thread-file.ts'
import {
  INFO,
  NODE,
  PUBLIC,
  PATHS as paths,
  push as pushTo,
  until as untilTrue,
  firstWindow as windowOf,
  work as workAt,
} from './world.ts'

let clips: Clips
let folder: string
let made: Buffer[]
let threadFile: URL
beforeAll(async () => {
  clips = await drawSegments(1)
  folder = await mkdtemp(join(tmpdir(), 'fisherman-test-sidecar-'))
  threadFile = await buildThread(folder)
  const source = join(folder, 'source.ts')
  await writeFile(source, clips.segments[0] as Buffer)
  const signal = new AbortController().signal
  const files = await makeRenditions('honest', { source, profiles: DEFAULT_LADDER, folder, signal })
  made = await Promise.all(files.map(({ file }) => readFile(file)))
}, 60_000)
afterAll(async () => {
  await clips?.clean()
  await rm(folder, { recursive: true, force: true })
})

let node: FakeNode
let ledger: TestLedger
let guard: Guard
let sidecar: Sidecar
let dataDir: string
const start = (changes: Partial<Parameters<typeof startSidecar>[0]> = {}) =>
  startSidecar(
    {
      ...{ upstream: new URL(node.origin), publicUrl: PUBLIC, listen: { host: '127.0.0.1', port: 0 }, dataDir },
      ...{ transcoder: NODE.address, mediaBytes: 1e9, windows: 100, fetchAfterMs: 400, threadFile },
      ...changes,
    },
    { ledger, signer: NODE, guard, log: SILENT },
  )
beforeEach(async () => {
  node = await fakeNode()
  ledger = testLedger()
  dataDir = await mkdtemp(join(folder, 'data-'))
  guard = await openGuard(join(dataDir, 'guard'), 'test')
  sidecar = await start()
})
afterEach(async () => {
  await sidecar.stop()
  await guard.close()
  await node.close()
})

const push = (source: Buffer, changes?: Partial<SegData>) => pushTo(sidecar, source, changes)
const work = () => workAt(node, made)
const firstWindow = () => windowOf(sidecar, ledger)
const until = (condition: () => boolean) => untilTrue(condition, sidecar.counters)

const get = async (path: string) => await (await fetch(`${sidecar.url}${path}`)).text()

describe('a segment that goes through', () => {
  it('reaches the node as it is, comes back with our addresses, and has a receipt that a fisherman takes', async () => {
    work()
    const source = clips.segments[0] as Buffer
    const answer = readTranscodeResult(await push(source))
    expect(node.segments[0]?.body.equals(source)).toBe(true)
    expect(answer.data?.segments.map(({ url }) => url)).toEqual(paths.map((path) => `http://node.example:8935${path}`))
    expect(answer.info?.transcoder).toBe('http://node.example:8935')
    // The gateway comes for one of the two; the other one is fetched for it.
    const first = Buffer.from(await (await fetch(`${sidecar.url}${paths[0]}`)).arrayBuffer())
    expect(first.equals(made[0] as Buffer)).toBe(true)
    await until(() => sidecar.counters().receipts === 1)
    expect(node.fetched).toEqual(paths)

    const { window, signature } = (await firstWindow()) as { window: WindowRoot; signature: Hex }
    expect(signerOf(DOMAIN, 'WindowRoot', window, signature)).toBe(NODE.address)
    const row = readReceiptLine(DOMAIN, JSON.parse(await get(`/fisherman/v1/receipts?window=${window.windowId}`)))
    expect(merkleTree([windowLeaf(0, row.digest)]).root).toBe(window.root)
    expect([row.receipt.requester, row.receipt.seq, row.signer]).toEqual([GATEWAY.address, 7n, NODE.address])
    for (const leaf of row.renditions) {
      expect(leaf.pixels).toBe(BigInt(leaf.width * leaf.height * leaf.frames))
      const request = { transcoder: NODE.address, contentHash: leaf.contentHash, expiresAt: ledger.now() + 60n }
      const ask = async (as = GATEWAY) => {
        const auth = encodeAuth(as.address, request.expiresAt, await as.signStruct(DOMAIN, 'BlobRequest', request))
        return await fetch(`${sidecar.url}/fisherman/v1/blobs/${leaf.contentHash}`, { headers: { 'fisherman-auth': auth } })
      }
      const blob = await ask()
      expect(Buffer.from(await blob.arrayBuffer()).equals(made[leaf.index] as Buffer)).toBe(true)
      expect((await ask(STRANGER)).status).toBe(403)
    }
    await until(() => readdirSync(join(dataDir, 'spool')).length === 0)
  })

  it('is fetched from the node once, however quick its gateway is', async () => {
    await sidecar.stop()
    // Its copies are slow to end: the gateway has its answer long before.
    sidecar = await start({ fetchAfterMs: 5_000 })
    work()
    const source = clips.segments[0] as Buffer
    for (let i = 0; i < 20; i++) {
      const before = node.fetched.length
      await push(source, { seq: BigInt(100 + i) })
      await Promise.all(paths.map(async (path) => await (await fetch(`${sidecar.url}${path}`)).arrayBuffer()))
      await until(() => (sidecar.counters().receipts ?? 0) === i + 1)
      expect(node.fetched.length - before, `segment ${i}`).toBe(2)
    }
  })

  it('of a private stream says so in its receipt', async () => {
    await sidecar.stop()
    sidecar = await start({ isPrivate: true })
    work()
    await push(clips.segments[0] as Buffer)
    await until(() => sidecar.counters().receipts === 1)
    const { window } = await firstWindow()
    const row = readReceiptLine(DOMAIN, JSON.parse(await get(`/fisherman/v1/receipts?window=${window.windowId}`)))
    expect(row.isPrivate).toBe(true)
  })

  it('twice has one receipt, also after a restart, and what was signed is served as it was', async () => {
    work()
    const source = clips.segments[0] as Buffer
    await push(source)
    await until(() => sidecar.counters().receipts === 1)
    const before = await firstWindow()
    const lines = await get(`/fisherman/v1/receipts?window=${before.window.windowId}`)
    await push(source)
    await until(() => sidecar.counters()['unreceipted.retried'] === 1)
    await sidecar.stop()
    sidecar = await start()
    await push(source)
    await until(() => sidecar.counters()['unreceipted.retried'] === 1)
    expect((await firstWindow()).signature).toBe(before.signature)
    expect(await get(`/fisherman/v1/receipts?window=${before.window.windowId}`)).toBe(lines)
    const hash = await keccakOf(source)
    const request = { transcoder: NODE.address, contentHash: hash, expiresAt: ledger.now() + 60n }
    const auth = encodeAuth(NODE.address, request.expiresAt, await NODE.signStruct(DOMAIN, 'BlobRequest', request))
    const blob = await fetch(`${sidecar.url}/fisherman/v1/blobs/${hash}`, { headers: { 'fisherman-auth': auth } })
    expect((await blob.arrayBuffer()).byteLength).toBe(source.length)
  })

  it.each([
    ['unsigned', { sig: new Uint8Array() }, 'unreceipted.no-order'],
    [
      'in a store of its own',
      { storage: [{ type: 's3' as const, s3: { host: 'x', key: '', policy: '', signature: '', credential: '', xAmzDate: '' } }] },
      'unreceipted.storage',
    ],
  ])('that is %s goes through without a receipt, and is counted', async (_, changes, counter) => {
    work()
    expect(readTranscodeResult(await push(clips.segments[0] as Buffer, changes)).data?.segments).toHaveLength(2)
    await until(() => sidecar.counters()[counter] === 1)
    expect(sidecar.counters().receipts).toBeUndefined()
  })

  it('whose answer is garbage, an error, or renditions that are not there, goes through as it is', async () => {
    const source = clips.segments[0] as Buffer
    node.result = Buffer.from('no protobuf \xff\xff\xff', 'latin1')
    expect((await push(source)).equals(node.result)).toBe(true)
    await until(() => sidecar.counters()['unreceipted.no-order'] === 1)
    node.result = Buffer.from(writeTranscodeResult({ seq: 7n, error: 'OrchestratorBusy', data: undefined, info: undefined }))
    expect((await push(source)).equals(node.result)).toBe(true)
    await until(() => sidecar.counters()['unreceipted.not-answered'] === 1)
    work()
    node.files.clear()
    await push(source)
    await until(() => sidecar.counters()['unreceipted.rendition-not-had'] === 1)
    await until(() => readdirSync(join(dataDir, 'spool')).length === 0)
  })

  it('that the node passed through unchanged gets no receipt: it would prove a fault of its signer', async () => {
    work()
    for (const path of paths) node.files.set(path, clips.segments[0] as Buffer)
    await push(clips.segments[0] as Buffer)
    await until(() => sidecar.counters()['unreceipted.passed-through'] === 1)
  })
})

describe('the proxy', () => {
  /** One unary call over HTTP/2 without TLS. */
  async function call(path: string): Promise<{ status: unknown; message: Buffer; grpc: unknown }> {
    const session = connect(sidecar.url)
    try {
      const stream = session.request({ ':method': 'POST', ':path': path, 'content-type': 'application/grpc', te: 'trailers' })
      let [status, grpc]: [unknown, unknown] = [undefined, undefined]
      stream.on('response', (headers) => {
        status = headers[':status']
        grpc = headers['grpc-status']
      })
      stream.on('trailers', (trailers) => {
        grpc = trailers['grpc-status']
      })
      stream.end(Buffer.from([0, 0, 0, 0, 0]))
      const parts: Buffer[] = []
      for await (const part of stream) parts.push(part as Buffer)
      return { status, message: Buffer.concat(parts).subarray(5), grpc }
    } finally {
      session.close()
    }
  }

  it('changes nothing of what a node says of itself but where it is reached', async () => {
    const strange = Buffer.concat([
      Buffer.from(writeOrchestratorInfo({ ...INFO, transcoder: node.origin })),
      Buffer.from([0xf8, 0x3f, 1]),
    ])
    node.info = strange
    const { status, message, grpc } = await call('/net.Orchestrator/GetOrchestrator')
    expect([status, grpc]).toEqual([200, '0'])
    const { transcoder, nodes, address } = readOrchestratorInfo(message)
    expect([transcoder, nodes, address]).toEqual(['http://node.example:8935', ['http://node.example:8935/x'], NODE.address])
    // A field that nobody knows is still there.
    expect(bytesToHex(message.subarray(-3))).toBe('0xf83f01')
    const other = await call('/net.Orchestrator/Ping')
    expect(other.message.equals(strange)).toBe(true)
  })

  it('says so where the node is not there, and serves its feed all the same', async () => {
    await node.close()
    expect((await fetch(`${sidecar.url}/stream/x`)).status).toBe(502)
    expect((await call('/net.Orchestrator/GetOrchestrator')).grpc).toBe('14')
    expect((await fetch(`${sidecar.url}/fisherman/v1/windows`)).status).toBe(200)
    node = await fakeNode()
  })

  it('passes errors of the node on as they are', async () => {
    const response = await fetch(`${sidecar.url}/stream/none`)
    expect([response.status, await response.text()]).toEqual([404, '404 page not found'])
  })
})
