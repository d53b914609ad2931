import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { Wallet } from 'ethers'
import type { Hex } from '../../proofs/types.ts'
import { openGuard } from '../../src/attest/guard.ts'
import { createSigner } from '../../src/attest/keys.ts'
import { readSegData } from '../../src/livepeer/read.ts'
import { writeTranscodeResult } from '../../src/livepeer/write.ts'
import { startSidecar } from '../../src/sidecar/sidecar.ts'
import { createYoungCollector } from '../../src/sidecar/young.ts'
import { listenAsNode } from '../livepeer/listener.ts'

// One of two processes of the benchmark: the node, that answers with bytes made before, or the sidecar in front of it.

export type Start = { role: 'node'; renditions: readonly string[] } | { role: 'sidecar'; upstream: string; folder: string }
export interface Usage {
  cpuMs: number
  rssMb: number
  counters: Readonly<Record<string, number>>
}

const SILENT = { debug() {}, info() {}, warn() {}, error() {} }
const THREAD = pathToFileURL('dist/bench/sidecar-thread.mjs')
let counters: () => Readonly<Record<string, number>> = () => ({})

async function startNode(files: readonly string[]): Promise<string> {
  const { passed } = createYoungCollector()
  const bytes = await Promise.all(files.map((file) => readFile(file)))
  const listener = await listenAsNode(
    {
      call: async () => new Uint8Array(),
      async http(request, response) {
        if (request.method !== 'POST') {
          const rung = Number(/\/(\d)\/\d+\.ts$/.exec(request.url ?? '')?.[1])
          const file = bytes[rung] as Buffer
          return void response.writeHead(200, { 'content-type': 'video/mp2t', 'content-length': file.length }).end(file)
        }
        const { manifestId, seq } = readSegData(Buffer.from(String(request.headers['livepeer-segment']), 'base64'))
        for await (const part of request) passed(part.length)
        const urlOf = (rung: number) => `${listener.origin}/stream/${Buffer.from(manifestId)}/${rung}/${seq}.ts`
        const segments = bytes.map((_, rung) => ({ url: urlOf(rung), pixels: 1n, perceptualHashUrl: '' }))
        const data = { segments, sig: new Uint8Array(65) }
        response.writeHead(200).end(writeTranscodeResult({ seq, error: undefined, data, info: undefined }))
      },
    },
    { tls: false },
  )
  return listener.origin
}

async function startProxy(upstream: string, folder: string): Promise<string> {
  const signer = createSigner(new Wallet(`0x${'46'.repeat(32)}`))
  await mkdir(folder, { recursive: true })
  const began = Date.now()
  const sidecar = await startSidecar(
    {
      ...{ upstream: new URL(upstream), publicUrl: new URL('http://node.example:8935'), listen: { host: '127.0.0.1', port: 0 } },
      ...{ dataDir: folder, transcoder: signer.address, mediaBytes: 1e9, windows: 100, threadFile: THREAD },
    },
    {
      ledger: {
        domain: { chainId: 31_337n, anchor: `0x${'ab'.repeat(20)}` as Hex },
        ...{ windowSeconds: 60, now: () => 1_800_000_000n + BigInt(Math.floor((Date.now() - began) / 1_000)), round: () => 7n },
        isMember: () => false,
      },
      ...{ signer, guard: await openGuard(join(folder, 'guard'), 'bench'), log: SILENT },
    },
  )
  counters = sidecar.counters
  return sidecar.url
}

process.on('message', async (message: Start | 'usage') => {
  if (message === 'usage') {
    const { user, system } = process.cpuUsage()
    const usage: Usage = { cpuMs: (user + system) / 1_000, rssMb: process.memoryUsage.rss() / 1e6, counters: counters() }
    process.send?.(usage)
  } else
    process.send?.(
      message.role === 'node' ? await startNode(message.renditions) : await startProxy(message.upstream, message.folder),
    )
})
