import { type ChildProcess, spawn } from 'node:child_process'
import { readdir, readFile } from 'node:fs/promises'
import { get } from 'node:https'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Wallet } from 'ethers'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { systemClock } from '../../src/base/clock.ts'
import { freePorts } from '../../src/devnet/ports.ts'
import { createLivepeerClient } from '../../src/livepeer/client.ts'
import { createPayerFactory } from '../../src/livepeer/payment.ts'
import { openSpending } from '../../src/livepeer/spending.ts'
import { readReceiptLine } from '../../src/receipt/row.ts'
import type { World } from '../chain/world.ts'
import { type Clips, drawSegments } from '../devnet/clips.ts'
import { GATEWAY, personalSigner, profile } from '../livepeer/fixtures.ts'
import { certificate } from '../livepeer/listener.ts'
import { createOrchestrator, type Orchestrator } from '../livepeer/orchestrator.ts'
import { type CliFolder, createCliWorld, refused } from './site.ts'

// The built program in front of the double of a node: TLS on both sides, gRPC and HTTP/1.1 on one port, and the thread's file as the build makes it.

const PROGRAM = fileURLToPath(new URL('../../bin/fisherman.mjs', import.meta.url))
const signal = new AbortController().signal

let world: World
let folder: CliFolder
let at: string[]
let clips: Clips
let node: Orchestrator
let child: ChildProcess | undefined
beforeAll(async () => {
  clips = await drawSegments(1)
  ;({ world, folder, at } = await createCliWorld())
  node = await createOrchestrator({ tls: true })
}, 120_000)
afterAll(async () => {
  child?.kill('SIGKILL')
  await node?.close()
  await clips?.clean()
  await folder?.remove()
  await world?.stop()
})

async function until<T>(what: string, look: () => Promise<T | undefined>): Promise<T> {
  for (const end = Date.now() + 30_000; ; await new Promise((resolve) => setTimeout(resolve, 100))) {
    const found = await look()
    if (found !== undefined) return found
    if (Date.now() > end) throw new Error(`did not come: ${what}`)
  }
}

const textAt = (url: string) =>
  new Promise<string>((resolve, reject) => {
    get(url, { rejectUnauthorized: false }, async (answer) => {
      const parts: Buffer[] = []
      for await (const part of answer) parts.push(part as Buffer)
      resolve(Buffer.concat(parts).toString())
    }).on('error', reject)
  })

it('fisherman sidecar serves a gateway over TLS, signs receipts, keeps its store to itself, and ends with 0', async () => {
  const { key, cert } = await certificate()
  const tls = [
    '--tls-key',
    await folder.file('tls-key.pem', String(key)),
    '--tls-cert',
    await folder.file('tls.pem', String(cert)),
  ]
  const [port] = await freePorts(1)
  const publicUrl = `https://127.0.0.1:${port}`
  const orchestrator = world.orchestrators[0] as Wallet
  const dataDir = join(folder.path, 'sidecar')
  const args = [
    'sidecar',
    '--upstream',
    node.origin,
    '--public-url',
    publicUrl,
    '--listen',
    `127.0.0.1:${port}`,
    '--data-dir',
    dataDir,
    '--fingerprints',
  ]
  const all = [...args, ...tls, ...at, ...(await folder.key(orchestrator, 'node'))]
  const running = spawn(process.execPath, [PROGRAM, ...all], { cwd: folder.path, stdio: ['ignore', 'pipe', 'pipe'] })
  child = running
  let said = ''
  running.stderr.on('data', (data) => (said += data))
  const ended = new Promise<number | null>((resolve) => running.once('close', resolve))
  await until('the start', async () => {
    if (running.exitCode !== null) throw new Error(said)
    return said.includes('Sidecar is running') ? true : undefined
  })

  const signer = personalSigner(GATEWAY)
  const ledger = await openSpending({ file: join(folder.path, 'spending'), capPerDayWei: 10n ** 18n }, { clock: systemClock })
  const limits = { maxPrice: { wei: 10n, pixels: 1n }, maxTicketEvWei: 10n ** 15n, maxFaceValueWei: 10n ** 18n }
  const createPayer = createPayerFactory(limits, { signer, ledger, l1Block: async () => 20_000_000n })
  const client = createLivepeerClient({ mayConnect: () => true, signer, createPayer }, { clock: systemClock })
  const profiles = [profile('144p0', { width: 256, height: 144, bitrate: 200_000 })]
  const session = await client.openSession(publicUrl, { manifestId: 'stream-1', profiles }, { signal })
  expect(session.info().transcoder).toBe(publicUrl)
  const segment = { seq: 0n, file: clips.files[0] as string, durationMs: 2_000, pixels: 2_300_000n }
  const answer = await session.submit(segment, { signal })
  expect(answer.renditions.map(({ url }) => new URL(url).origin)).toEqual([publicUrl])
  const got = join(folder.path, 'got.ts')
  await session.download(answer.renditions[0] as never, got, { signal })
  await session.end({ signal })
  await ledger.close()

  const windowId = await until('a closed window with the receipt', async () => {
    for (const name of await readdir(join(dataDir, 'receipts'))) {
      if (!name.endsWith('.root.json')) continue
      const { window } = JSON.parse(await readFile(join(dataDir, 'receipts', name), 'utf8'))
      if (Number(window.count) === 1) return String(window.windowId)
    }
    return undefined
  })
  // The root is on disk a moment before the window is served.
  const line = await until('the receipt of the window', async () => {
    const text = await textAt(`${publicUrl}/fisherman/v1/receipts?window=${windowId}`)
    return text.includes('"receipt"') ? text : undefined
  })
  const row = readReceiptLine(world.domain, JSON.parse(line))
  expect([row.signer, row.receipt.requester]).toEqual([orchestrator.address.toLowerCase(), signer.address])
  expect(row.fingerprints?.length).toBeGreaterThan(4)
  expect(row.renditions[0]?.byteLength).toBe(BigInt((await readFile(got)).length))

  expect(refused(await folder.fisherman(...all, '--private'))).toMatch(/--fingerprints .*not with --private/)
  // A second one of the same store would sign twice.
  expect(refused(await folder.fisherman(...all))).toMatch(/another|in use|process|lock/i)
  running.kill('SIGTERM')
  expect(await ended).toBe(0)

  // What was taken elsewhere goes on there: here the key would contradict itself.
  const moved = await folder.fisherman('guard', 'export', join(folder.path, 'guard.jsonl'), '--data-dir', dataDir)
  expect([moved.code, moved.out]).toEqual([0, expect.stringMatching(/[1-9]\d* /)])
  expect(refused(await folder.fisherman(...all))).toMatch(/signs nothing here any more .*fisherman guard import/)
}, 120_000)
