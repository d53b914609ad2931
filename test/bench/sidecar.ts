import { type ChildProcess, fork, spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { Agent, request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { Wallet } from 'ethers'
import { flatten } from '../../proofs/segdata.ts'
import { keccakOf } from '../../src/base/keccak.ts'
import { runFfmpeg } from '../../src/devnet/ffmpeg.ts'
import { freePorts } from '../../src/devnet/ports.ts'
import { signLivepeer } from '../../src/livepeer/signing.ts'
import { writeSegData } from '../../src/livepeer/write.ts'
import { createYoungCollector } from '../../src/sidecar/young.ts'
import { personalSigner, profile } from '../livepeer/fixtures.ts'
import type { Start, Usage } from './sidecar-node.ts'
import { table } from './stats.ts'

const HELP = `npm run bench:sidecar -- [options]

Gateways send segments of 2 s to a node and fetch four renditions of each: in turn straight, and through the sidecar, in the same run. The node
answers with bytes made before, so that what is measured is the way. Gateways, node and sidecar are processes of this machine. Where haproxy is
installed the same traffic goes through it in turn too: what a plain proxy costs here, that keeps no copy and signs nothing.

  --streams N    streams at once (default 20)
  --seconds N    of each turn (default 12)
  --turns N      of each kind (default 4)`

const { values } = parseArgs({
  options: {
    streams: { type: 'string', default: '20' },
    seconds: { type: 'string', default: '12' },
    turns: { type: 'string', default: '4' },
    help: { type: 'boolean', default: false },
  },
})
if (values.help) {
  console.log(HELP)
  process.exit(0)
}

/** Bundled beside this one. */
const CHILD = 'dist/bench/sidecar-node.mjs'
const SEGMENT_MS = 2_000
/** Height and kbit/s of the source, then of each rung. */
const SIZES = [
  [1080, 6_000],
  [720, 3_000],
  [480, 1_500],
  [360, 800],
  [240, 400],
] as const
const RUNGS = SIZES.length - 1
const GATEWAY = personalSigner(new Wallet(`0x${'11'.repeat(32)}`))
const [streams, seconds, turns] = [Number(values.streams), Number(values.seconds), Number(values.turns)]
const folder = mkdtempSync(join(tmpdir(), 'fisherman-bench-sidecar-'))
const agent = new Agent({ keepAlive: true, noDelay: true })
/** Neither of the two ends is measured here: their pauses for garbage would be taken for those of the way. */
const { passed } = createYoungCollector()

async function draw(height: number, kbps: number): Promise<string> {
  const file = join(folder, `${height}.ts`)
  const rate = [
    '-b:v',
    `${kbps}k`,
    '-minrate',
    `${kbps}k`,
    '-maxrate',
    `${kbps}k`,
    '-bufsize',
    `${kbps}k`,
    '-x264-params',
    'nal-hrd=cbr',
  ]
  const picture = `testsrc2=size=${Math.round((height * 16) / 18) * 2}x${height}:rate=30:duration=2`
  const args = [
    '-f',
    'lavfi',
    '-i',
    picture,
    '-c:v',
    'libx264',
    '-preset',
    'ultrafast',
    '-pix_fmt',
    'yuv420p',
    ...rate,
    '-f',
    'mpegts',
    file,
  ]
  await runFfmpeg(args, { signal: new AbortController().signal, timeoutMs: 60_000 })
  return file
}

function tell<T>(child: ChildProcess, message: Start | 'usage'): Promise<T> {
  return new Promise((resolve) => {
    child.once('message', (answer) => resolve(answer as T))
    child.send(message)
  })
}

function ask(origin: string, path: string, headers: Record<string, string>, body?: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    const sent = request(`${origin}${path}`, { agent, headers, method: body ? 'POST' : 'GET' }, (answer) => {
      if (answer.statusCode !== 200) reject(new Error(`${path}: ${answer.statusCode}`))
      answer.on('error', reject)
      answer.on('end', resolve)
      answer.on('data', (part: Buffer) => passed(part.length))
    })
    sent.on('error', reject)
    sent.end(body)
  })
}

interface Times {
  result: number[]
  all: number[]
}

async function order(stream: number, seq: bigint, hash: `0x${string}`): Promise<string> {
  const profiles = SIZES.slice(1).map(([height, kbps], i) =>
    profile(`${i}`, { height, width: Math.round((height * 16) / 18) * 2, bitrate: kbps * 1_000 }),
  )
  const parts = { manifestId: Buffer.from(`stream-${stream}`), seq, hash, profiles }
  const segData = writeSegData({
    ...{ ...parts, sig: await signLivepeer(GATEWAY, flatten(parts)), durationMs: SEGMENT_MS, capabilities: undefined },
    ...{ authToken: undefined, calcPerceptualHash: false, storage: [], slice: undefined, forceSessionReinit: false },
  })
  return Buffer.from(segData).toString('base64')
}

let made = 0n
/** One turn: every stream sends in its own beat. What is signed is signed before. */
async function turn(origin: string, source: Buffer, hash: `0x${string}`, forSeconds: number, times: Times): Promise<number> {
  const count = Math.floor((forSeconds * 1_000) / SEGMENT_MS)
  const orders: string[][] = []
  const firstSeq = made
  for (let stream = 0; stream < streams; stream++) {
    orders.push([])
    for (let i = 0; i < count; i++) orders[stream]?.push(await order(stream, firstSeq + BigInt(i), hash))
  }
  made += BigInt(count)
  const began = performance.now()
  await Promise.all(
    orders.map(async (own, stream) => {
      for (const [i, segData] of own.entries()) {
        await wait(Math.max(0, began + (i + stream / streams) * SEGMENT_MS - performance.now()))
        const at = performance.now()
        await ask(origin, '/segment', { 'livepeer-segment': segData, 'content-length': String(source.length) }, source)
        times.result.push(performance.now() - at)
        const paths = Array.from({ length: RUNGS }, (_, rung) => `/stream/stream-${stream}/${rung}/${firstSeq + BigInt(i)}.ts`)
        await Promise.all(paths.map((path) => ask(origin, path, {})))
        times.all.push(performance.now() - at)
      }
    }),
  )
  return streams * count
}

function at(numbers: readonly number[], share: number): number {
  const sorted = [...numbers].sort((a, b) => a - b)
  return sorted[Math.floor((sorted.length - 1) * share)] ?? Number.NaN
}

/** A plain proxy in front of the node, of one thread as ours; undefined where there is none on this machine. */
async function startPlain(upstream: string): Promise<string | undefined> {
  if (spawnSync('haproxy', ['-v']).status !== 0) return undefined
  const [port] = await freePorts(1)
  const file = join(folder, 'haproxy.cfg')
  const lines = [
    ...['global', ' nbthread 1', 'defaults', ' mode http', ' http-reuse always'],
    ...[' timeout connect 5s', ' timeout client 30s', ' timeout server 30s'],
    ...['frontend front', ` bind 127.0.0.1:${port}`, ' default_backend node'],
    ...['backend node', ` server node ${new URL(upstream).host}`, ''],
  ]
  writeFileSync(file, lines.join('\n'))
  children.push(spawn('haproxy', ['-f', file], { stdio: 'ignore' }))
  await wait(500)
  return `http://127.0.0.1:${port}`
}

const children: ChildProcess[] = []
const start = () => {
  const child = fork(CHILD, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
  children.push(child)
  return child
}
try {
  const files: string[] = []
  for (const [height, kbps] of SIZES) files.push(await draw(height, kbps))
  const source = await readFile(files[0] as string)
  const hash = await keccakOf(source)
  const [node, proxy] = [start(), start()]
  const straight = await tell<string>(node, { role: 'node', renditions: files.slice(1) })
  const through = await tell<string>(proxy, { role: 'sidecar', upstream: straight, folder: join(folder, 'data') })
  const plain = await startPlain(straight)
  const origins = { straight, through, ...(plain === undefined ? {} : { plain }) }
  const kinds = Object.entries(origins) as [keyof typeof times, string][]
  const nowhere: Times = { result: [], all: [] }
  for (const [, origin] of kinds) await turn(origin, source, hash, 4, nowhere)
  const none = (): Times => ({ result: [], all: [] })
  const times = { straight: none(), through: none(), plain: none() }
  const cpu = { straight: 0, through: 0, plain: 0, proxy: 0 }
  let segments = 0
  const memory: number[] = [(await tell<Usage>(proxy, 'usage')).rssMb]
  for (let i = 0; i < turns; i++)
    for (const [kind, origin] of kinds) {
      const before = [await tell<Usage>(node, 'usage'), await tell<Usage>(proxy, 'usage')] as const
      const count = await turn(origin, source, hash, seconds, times[kind])
      // The last receipts are made after the last answer.
      await wait(1_000)
      const after = [await tell<Usage>(node, 'usage'), await tell<Usage>(proxy, 'usage')] as const
      cpu[kind] += after[0].cpuMs - before[0].cpuMs
      if (kind !== 'through') continue
      cpu.proxy += after[1].cpuMs - before[1].cpuMs
      segments += count
      memory.push(after[1].rssMb)
    }
  const { counters } = await tell<Usage>(proxy, 'usage')
  const row = (name: string, what: keyof Times, way: 'through' | 'plain') => {
    const of = (share: number) => [at(times.straight[what], share), at(times[way][what], share)] as const
    return [name, ...[0.5, 0.99].flatMap((share) => [...of(share), of(share)[1] - of(share)[0]].map((ms) => ms.toFixed(2)))]
  }
  const rows = [row('result', 'result', 'through'), row('with renditions', 'all', 'through')]
  if (plain !== undefined)
    rows.push(row('plain proxy: result', 'result', 'plain'), row('plain proxy: with renditions', 'all', 'plain'))
  console.log(`${streams} streams, segments of 2 s, ${(source.length / 1e6).toFixed(2)} MB each, ${segments} of each kind`)
  const head = ['', 'p50 straight', 'through', 'added ms', 'p99 straight', 'through', 'added ms']
  console.log(table(head, rows))
  console.log(
    `CPU a segment, ms: node ${(cpu.straight / segments).toFixed(1)} straight, ${(cpu.through / segments).toFixed(1)} behind the sidecar; sidecar ${(cpu.proxy / segments).toFixed(1)}, receipts among them`,
  )
  console.log(`memory of the sidecar, MB, start to end: ${memory.map((mb) => mb.toFixed(0)).join(', ')}`)
  console.log(`counters: ${JSON.stringify(counters)}`)
} finally {
  for (const child of children) child.kill()
  agent.destroy()
  rmSync(folder, { recursive: true, force: true })
}
