import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { Statement } from '../../proofs/codec.ts'
import type { WatchEvent, WatchedProof, WatchOptions } from '../../src/monitor/watch/types.ts'
import { MEMBERS, proof } from '../gossip/world.ts'
import { DOMAIN, hash } from '../helpers/fixtures.ts'

/** A true proof of today, n by n another fault. */
export async function fresh(n: number, reporter = MEMBERS[0]!, options: Parameters<typeof proof>[2] = {}) {
  const now = BigInt(Math.floor(Date.now() / 1000))
  return await proof(reporter, { observedAt: now - 5n, expiresAt: now + 86_400n }, { order: n, ...options })
}

/** Well-formed and signed by its reporter, and its evidence is of another fault. */
export async function forged(n: number, reporter = MEMBERS[1]!): Promise<Statement<'fraud-proof'>> {
  const now = BigInt(Math.floor(Date.now() / 1000))
  return await proof(reporter, { observedAt: now - 5n, expiresAt: now + 86_400n, faultId: hash(n) }, { order: n })
}

/** What a watch in this process has shown so far, for tests that wait for it. */
export const showing = (): { proofs: WatchedProof[]; events: WatchEvent[] } => ({ proofs: [], events: [] })

/** Watches in this process until it ends. */
export async function watching(
  watch: typeof import('../../src/monitor/watch/library.ts').watch,
  options: Partial<WatchOptions> & { peers: readonly string[] },
  { proofs, events } = showing(),
) {
  const running = watch({ ...DOMAIN, pullEveryMs: 200, onEvent: (event) => events.push(event), ...options })
  for await (const one of running) proofs.push(one)
  return { proofs, events, counts: running.counts() }
}

/** The program as it is built and shipped. */
export function fisherman(args: readonly string[], env: Record<string, string> = {}) {
  const program = fileURLToPath(new URL('../../bin/fisherman.mjs', import.meta.url))
  const child = spawn(process.execPath, [program, ...args], { env: { ...process.env, ...env } })
  const run = { child, out: '', err: '', done: Promise.resolve<number | null>(null) }
  child.stdout.on('data', (chunk) => {
    run.out += chunk
  })
  child.stderr.on('data', (chunk) => {
    run.err += chunk
  })
  run.done = new Promise((resolve) => child.once('close', resolve))
  return run
}
