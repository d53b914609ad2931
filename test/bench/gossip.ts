import { type ChildProcess, fork } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { Wallet } from 'ethers'
import { encodeStatement } from '../../proofs/codec.ts'
import { digestOf } from '../../proofs/digest.ts'
import { bytesToHex } from '../../proofs/signature.ts'
import type { Hex, SealedAnswer } from '../../proofs/types.ts'
import type { Order, Report, Start } from './gossip-node.ts'
import { table } from './stats.ts'

const HELP = `npm run bench:gossip -- [options]

Ten processes on this machine pass signed statements on to each other: our node, with all its rules, beside a bare gossipsub router that checks
nothing, in the same run. Prints how long a statement takes to each of the others, and what it costs them.

  --nodes N      processes (default 10)
  --seconds N    measured time of each rate (default 15)
  --rates A,B    statements a second in the whole network (default 10,25,50)
  --repeats N    runs of each; the median counts (default 3)`

const { values } = parseArgs({
  options: {
    nodes: { type: 'string', default: '10' },
    seconds: { type: 'string', default: '15' },
    rates: { type: 'string', default: '10,25,50' },
    repeats: { type: 'string', default: '3' },
    help: { type: 'boolean', default: false },
  },
})
if (values.help) {
  console.log(HELP)
  process.exit(0)
}

/** Bundled beside this one. */
const CHILD = 'dist/bench/gossip-node.mjs'
const DOMAIN = { chainId: 31_337n, anchor: `0x${'ab'.repeat(20)}` as Hex }
const NOW = 1_800_000_000
/** Three signers a process: each stays below the quota of one signer. */
const SIGNERS_A_NODE = 3
const [nodes, seconds, repeats] = [Number(values.nodes), Number(values.seconds), Number(values.repeats)]
const rates = values.rates.split(',').map(Number)
const wallets = Array.from(
  { length: nodes * SIGNERS_A_NODE },
  (_, i) => new Wallet(`0x${(i + 1).toString(16).padStart(64, '0')}`),
)
const folder = mkdtempSync(join(tmpdir(), 'fisherman-bench-gossip-'))
let made = 0

function payload(wallet: Wallet): Hex {
  const sampleId = `0x${(++made).toString(16).padStart(64, '0')}` as Hex
  const body: SealedAnswer = { sampleId, seal: `0x${'5e'.repeat(32)}`, deadline: BigInt(NOW + 60) }
  const signature = wallet.signingKey.sign(digestOf(DOMAIN, 'SealedAnswer', body)).serialized as Hex
  const signer = wallet.address.toLowerCase() as Hex
  return bytesToHex(encodeStatement({ kind: 'sealed', body, signer, extra: '0x', signature }))
}

function tell<T>(child: ChildProcess, order: Order): Promise<T> {
  return new Promise((resolve, reject) => {
    child.once('message', (message: { answer?: T; error?: string }) =>
      message.error === undefined ? resolve(message.answer as T) : reject(new Error(message.error)),
    )
    child.send(order)
  })
}

interface Figures {
  p50: number
  p99: number
  /** Milliseconds of CPU for one statement at one node that it reached. */
  cpuMs: number
  /** Share of all statements that reached all nodes. */
  reached: number
}

async function measure(mode: Start['mode'], rate: number): Promise<Figures> {
  const children = Array.from({ length: nodes }, () => fork(CHILD, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] }))
  try {
    const members = wallets.map(({ address }) => address.toLowerCase() as Hex)
    const bootstrap: string[] = []
    for (const [i, child] of children.entries()) {
      const identityFile = join(folder, `${mode}-${rate}-${i}-${made}.key`)
      const domain = { ...DOMAIN, chainId: DOMAIN.chainId.toString() }
      const start: Start = { ...{ mode, domain, members, nowSec: NOW, identityFile }, bootstrap: [...bootstrap] }
      bootstrap.push(...(await tell<string[]>(child, { do: 'start', start })))
    }
    // Meshes are formed in a few heartbeats; the first statements only warm up.
    await pause(3_000)
    await run(children, rate, 4)
    for (const child of children) await tell(child, { do: 'reset' })
    await run(children, rate, seconds)
    await pause(1_500)
    return figuresOf(await Promise.all(children.map((child) => tell<Report>(child, { do: 'report' }))))
  } finally {
    await Promise.all(children.map((child) => tell(child, { do: 'stop' }).catch(() => undefined)))
    for (const child of children) child.kill()
  }
}

/** Everybody publishes in turn, evenly. */
async function run(children: readonly ChildProcess[], rate: number, forSeconds: number): Promise<void> {
  const every = (1_000 * children.length) / rate
  await Promise.all(
    children.map((child, i) => {
      const count = Math.ceil((forSeconds * 1_000) / every)
      const own = wallets.slice(i * SIGNERS_A_NODE, (i + 1) * SIGNERS_A_NODE)
      const payloads = Array.from({ length: count }, (_, n) => payload(own[n % own.length] as Wallet))
      return tell(child, { do: 'publish', payloads, atMs: payloads.map((_, n) => n * every + (i * every) / children.length) })
    }),
  )
  await pause(forSeconds * 1_000 + 200)
}

function figuresOf(reports: readonly Report[]): Figures {
  const sent = Object.assign({}, ...reports.map((report) => report.sent)) as Record<string, number>
  const delays = reports.flatMap(({ received }) =>
    Object.entries(received).flatMap(([id, atMs]) => (sent[id] === undefined ? [] : [atMs - sent[id]])),
  )
  delays.sort((a, b) => a - b)
  const at = (share: number) => delays[Math.floor((delays.length - 1) * share)] ?? Number.NaN
  const cpuUs = reports.reduce((sum, report) => sum + report.cpuUs, 0)
  const hoped = Object.keys(sent).length * (reports.length - 1)
  return { p50: at(0.5), p99: at(0.99), cpuMs: cpuUs / 1_000 / delays.length, reached: delays.length / hoped }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

function median(numbers: readonly number[]): number {
  return [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? Number.NaN
}

try {
  const rows: string[][] = []
  for (const rate of rates) {
    const runs: Record<Start['mode'], Figures[]> = { ours: [], bare: [] }
    // In turn, so that a busy minute of the machine falls on both.
    for (let i = 0; i < repeats; i++) for (const mode of ['bare', 'ours'] as const) runs[mode].push(await measure(mode, rate))
    const of = (mode: Start['mode'], name: keyof Figures) => median(runs[mode].map((figures) => figures[name]))
    for (const mode of ['bare', 'ours'] as const)
      rows.push([
        ...[String(rate), mode, of(mode, 'p50').toFixed(1), of(mode, 'p99').toFixed(1), of(mode, 'cpuMs').toFixed(2)],
        mode === 'bare' ? '' : (of('ours', 'cpuMs') / of('bare', 'cpuMs')).toFixed(2),
        `${(100 * of(mode, 'reached')).toFixed(1)} %`,
      ])
  }
  console.log(`${nodes} processes, ${seconds} s of each rate, medians of ${repeats}`)
  console.log(table(['a second', 'node', 'p50 ms', 'p99 ms', 'CPU ms', 'ratio', 'reached'], rows))
} finally {
  rmSync(folder, { recursive: true, force: true })
}
