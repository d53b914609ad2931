import { type ChildProcess, spawn } from 'node:child_process'
import { createWriteStream } from 'node:fs'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { sleep, systemClock } from '../../src/base/clock.ts'
import { freePorts } from '../../src/devnet/ports.ts'
import { createLivepeerClient } from '../../src/livepeer/client.ts'
import { runProbe } from '../../src/probe/probe.ts'

// The program itself, where LIVEPEER_BIN names one: an orchestrator with its transcoder, off-chain, on this machine. Where it and the double of
// orchestrator.ts differ, the double is wrong.

const program = process.env.LIVEPEER_BIN
const signal = new AbortController().signal
const START_MS = 30_000

describe.skipIf(!program)(program ? 'a real node' : 'a real node: LIVEPEER_BIN names no go-livepeer', () => {
  let home: string
  let origin: string
  let node: ChildProcess
  const log = () => readFile(join(home, 'log'), 'utf8').catch(() => '')

  beforeAll(async () => {
    home = await mkdtemp(join(tmpdir(), 'fisherman-test-real-'))
    const [service, cli] = await freePorts(2)
    origin = `https://127.0.0.1:${service}`
    const args = [
      ...['-network', 'offchain', '-orchestrator', '-transcoder', '-dataDir', join(home, 'data')],
      ...['-serviceAddr', `127.0.0.1:${service}`, '-cliAddr', `127.0.0.1:${cli}`, '-maxSessions', '2', '-v', '6'],
    ]
    node = spawn(program as string, args, { stdio: ['ignore', 'pipe', 'pipe'] })
    const out = createWriteStream(join(home, 'log'))
    node.stdout?.pipe(out)
    node.stderr?.pipe(out)
    let ended: string | undefined
    node.once('error', ({ message }) => (ended = message)).once('exit', (code) => (ended ??= `exit code ${code}`))
    const client = createLivepeerClient({ mayConnect: () => true }, { clock: systemClock })
    for (const end = Date.now() + START_MS; ; await sleep(250)) {
      if (ended !== undefined || Date.now() > end)
        throw new Error(`${program} does not answer (${ended ?? `after ${START_MS} ms`}): ${(await log()).slice(-2_000)}`)
      const info = await client.getOrchestrator(origin, undefined, { signal }).catch(() => undefined)
      if (info) break
    }
  }, START_MS + 10_000)
  afterAll(async () => {
    if (node && node.exitCode === null && node.signalCode === null) {
      const gone = new Promise((resolve) => node.once('exit', resolve))
      node.kill('SIGKILL')
      await gone
    }
    await rm(home, { recursive: true, force: true, maxRetries: 5 })
  })

  it('works for the client, and its honest pictures pass', { timeout: 120_000 }, async () => {
    const request = { nodes: [origin], segments: 3, segmentSec: 2, maxHeight: 360, capacity: 0, allowPrivate: true }
    const [found] = await runProbe({ ...request, rungs: ['240p0', 'P144p30fps16x9'] }, {}, signal)
    expect(found, (await log()).slice(-2_000)).toMatchObject({ sent: 3, received: 3, refusals: [], troubles: [] })
    expect(found?.outcomes.fail).toBe(0)
    expect(found?.outcomes.pass).toBeGreaterThan(0)
    expect(found?.version).not.toBe('')
  })

  it('refuses more streams than it has sessions, in words that we know', { timeout: 180_000 }, async () => {
    const request = { nodes: [origin], segments: 1, segmentSec: 2, maxHeight: 360, capacity: 4, allowPrivate: true }
    const [found] = await runProbe({ ...request, rungs: ['P144p30fps16x9'] }, {}, signal)
    expect(found?.capacity?.whole).toBeLessThan(4)
    expect(found?.capacity?.refusals.map(({ code }) => code)).toContain('livepeer-capped')
  })
})
