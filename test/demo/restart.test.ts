import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { decodeStatement } from '../../proofs/codec.ts'
import { hexToBytes } from '../../proofs/signature.ts'
import type { Answer, Hex, SealedAnswer } from '../../proofs/types.ts'
import { systemClock } from '../../src/base/clock.ts'
import { createParty, grantsFor, register, startLocalChain } from '../../src/devnet/demo-network.ts'
import { createProcesses } from '../../src/devnet/demo-processes.ts'
import { readSummary } from '../../src/devnet/demo-watch.ts'
import { cutSegments } from '../../src/devnet/segments.ts'
import { openProofLog } from '../../src/prooflog/log.ts'

const home = mkdtempSync(join(tmpdir(), 'fisherman-test-restart-'))
afterAll(() => rmSync(home, { recursive: true, force: true }))

it('a daemon that is killed goes on where it was: every answer is opened once, nothing is said twice, the log holds', async () => {
  const stop = new AbortController()
  const { signal } = stop
  mkdirSync(join(home, 'logs'))
  await mkdir(join(home, 'segments'), { recursive: true })
  const chain = await startLocalChain(home, signal)
  const processes = createProcesses({ folder: home, chain, signal })
  try {
    const [node, fisherman, gateway] = await Promise.all(
      ['honest', 'fisherman-1', 'gateway'].map((name) => createParty(home, name)),
    )
    if (!node || !fisherman || !gateway) throw new Error('no parties')
    await chain.fund(grantsFor([node], [fisherman]))
    await register(chain, fisherman, signal)
    const orchestrator = await processes.orchestrator('honest', node, gateway.signer.address)
    const cut = await cutSegments({ video: 'dist/demo.mp4', folder: join(home, 'segments'), count: 4, signal })
    const start = () => processes.fisherman(fisherman, [orchestrator], 0, [])
    let running = await start()
    await processes.gateway(gateway, [orchestrator], cut.files, 3000)

    const checked = async () => (await readSummary(running.url, signal))?.checked ?? 0
    const reach = async (count: number) => {
      for (let i = 0; i < 300 && (await checked()) < count; i++) await new Promise((resolve) => setTimeout(resolve, 200))
      expect(await checked()).toBeGreaterThanOrEqual(count)
    }
    // Killed right after its first verdicts, while their answers are still sealed.
    await reach(2)
    process.kill(running.pid, 'SIGKILL')
    await new Promise((resolve) => setTimeout(resolve, 500))
    rmSync(join(fisherman.dataDir, 'daemon.json'), { force: true })
    running = await start()
    await reach(4)
    await new Promise((resolve) => setTimeout(resolve, 6000))
    await processes.stop()

    const { chainId, anchor } = chain.deployment
    const log = await openProofLog(
      { folder: join(fisherman.dataDir, 'proofs'), identity: `${chainId}:${anchor}:${fisherman.signer.address}` },
      { clock: systemClock },
    )
    expect(await log.verify()).toMatchObject({ ok: true })
    const verdicts = new Set<string>()
    const said = { sealed: [] as Hex[], answer: [] as Hex[] }
    for await (const entry of log.entries()) {
      if (entry.kind === 'verdict') verdicts.add((entry.payload as { sampleId: string }).sampleId)
      if (entry.kind !== 'statement-sent') continue
      const { kind, bytes } = entry.payload as { kind: 'sealed' | 'answer' | 'window'; bytes: Hex }
      if (kind === 'window') continue
      said[kind].push((decodeStatement(kind, hexToBytes(bytes)).body as SealedAnswer | Answer).sampleId)
    }
    await log.close()
    expect(verdicts.size).toBeGreaterThanOrEqual(4)
    for (const kind of ['sealed', 'answer'] as const) {
      expect(new Set(said[kind]).size, kind).toBe(said[kind].length)
      expect(new Set(said[kind])).toEqual(verdicts)
    }
  } finally {
    await processes.stop()
    stop.abort()
    await chain.stop()
  }
}, 180_000)
