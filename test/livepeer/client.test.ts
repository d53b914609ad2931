import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { Hex } from '../../proofs/types.ts'
import { systemClock } from '../../src/base/clock.ts'
import { keccakOf } from '../../src/base/keccak.ts'
import { measure } from '../../src/feed/measure.ts'
import { createLivepeerClient } from '../../src/livepeer/client.ts'
import { retryOf } from '../../src/livepeer/errors.ts'
import { createPayerFactory } from '../../src/livepeer/payment.ts'
import { openSpending } from '../../src/livepeer/spending.ts'
import { type Clips, drawSegments } from '../devnet/clips.ts'
import { GATEWAY, personalSigner, profile } from './fixtures.ts'
import { createOrchestrator, type NodeFault, type Orchestrator, type OrchestratorInit } from './orchestrator.ts'

const signal = new AbortController().signal
const signer = personalSigner(GATEWAY)
const JOB = {
  manifestId: 'stream-1',
  profiles: [
    profile('240p0', { width: 426, height: 240, bitrate: 300_000 }),
    profile('144p0', { width: 256, height: 144, bitrate: 200_000 }),
  ],
}

let clips: Clips
let folder: string
beforeAll(async () => {
  clips = await drawSegments(1)
  folder = await mkdtemp(join(tmpdir(), 'fisherman-test-client-'))
}, 60_000)
afterAll(async () => {
  await clips?.clean()
  await rm(folder, { recursive: true, force: true })
})
let node: Orchestrator | undefined
const ledgers: { close(): Promise<void> }[] = []
afterEach(async () => {
  await node?.close()
  for (const ledger of ledgers.splice(0)) await ledger.close()
})

let count = 0
async function open(init: OrchestratorInit = {}, capPerDayWei = 10n ** 18n, now = systemClock) {
  const it = await createOrchestrator(init)
  node = it
  const ledger = await openSpending({ file: join(folder, `ledger-${count++}`), capPerDayWei }, { clock: systemClock })
  ledgers.push(ledger)
  const limits = { maxPrice: { wei: 10n, pixels: 1n }, maxTicketEvWei: 10n ** 15n, maxFaceValueWei: 10n ** 18n }
  const createPayer = createPayerFactory(limits, { signer, ledger, l1Block: async () => 20_000_000n })
  const money = init.isOffChain ? {} : { signer, createPayer }
  const client = createLivepeerClient({ mayConnect: () => true, ...money }, { clock: now })
  return { it, client, ledger, session: await client.openSession(it.origin, JOB, { signal }) }
}

const segment = () => ({ seq: 0n, file: clips.files[0] as string, durationMs: 2_000, pixels: 8_400_000n })
const codeOf = async (work: Promise<unknown>) =>
  await work.then(
    () => 'none',
    (error: { code: string }) => error.code,
  )

describe('a client and an orchestrator', () => {
  it.each<[string, OrchestratorInit]>([
    ['for money, over TLS', { pricePerUnit: 1n, faceValueWei: 10n ** 9n }],
    ['for nothing', { tls: false }],
    ['off-chain', { isOffChain: true }],
  ])('work %s', { timeout: 60_000 }, async (_, init) => {
    const { it: double, session, client, ledger } = await open(init)
    const answer = await session.submit(segment(), { signal })
    const sizes: string[] = []
    const hashes: Hex[] = []
    for (const [i, rendition] of answer.renditions.entries()) {
      const file = join(folder, `${double.origin.split(':').at(-1)}-${i}.ts`)
      await session.download(rendition, file, { signal })
      const facts = await measure(file)
      sizes.push(`${facts.width}x${facts.height}`)
      hashes.push(await keccakOf({ file }))
    }
    expect(sizes).toEqual(['426x240', '256x144'])
    expect(session.isSignedBy(answer, hashes)).toBe(!init.isOffChain)
    expect(session.isSignedBy(answer, hashes.reverse())).toBe(false)
    if (!init.isOffChain) expect(await client.ping(double.origin, { signal })).toBe(double.address)
    expect(ledger.todayWei() > 0n).toBe('pricePerUnit' in init)
    expect(double.tickets.length).toBe('pricePerUnit' in init ? 1 : 0)
    await session.end({ signal })
    expect(double.ended).toHaveLength(1)
  })

  it('asks for a new token in the last tenth of its life, and not before', { timeout: 60_000 }, async () => {
    let addMs = 0
    const { it: double, session } = await open({}, 1n, { ...systemClock, nowMs: () => systemClock.nowMs() + addMs })
    addMs = 26 * 60_000
    await session.submit(segment(), { signal })
    expect(double.infos).toBe(1)
    addMs = 28 * 60_000
    await session.submit({ ...segment(), seq: 1n }, { signal })
    expect(double.infos).toBe(2)
  })

  it('asks once more with new parameters where its tickets are too old', { timeout: 60_000 }, async () => {
    const { it: double, session } = await open({ pricePerUnit: 1n, faceValueWei: 10n ** 9n })
    double.fault = 'ticket-params'
    await session.submit(segment(), { signal })
    expect([double.infos, double.tickets.length]).toEqual([2, 1])
  })

  it('stops at the cap of the day before anything is signed', async () => {
    const { it: double, session } = await open({ pricePerUnit: 1n, faceValueWei: 10n ** 9n }, 1_000n)
    expect(await codeOf(session.submit(segment(), { signal }))).toBe('spending-cap')
    expect(double.segments).toEqual([])
  })

  it.each<[NodeFault, string, string]>([
    ['capped', 'livepeer-capped', 'elsewhere'],
    ['busy', 'livepeer-busy', 'later'],
    ['stale-forever', 'livepeer-ticket-params', 'fresh-info'],
    ['missing', 'livepeer-answer', 'elsewhere'],
    ['half', 'livepeer-unreachable', 'elsewhere'],
    ['slow', 'livepeer-timeout', 'elsewhere'],
  ])('a node that is %s is the error %s', { timeout: 60_000 }, async (fault, code, retry) => {
    const { it: double, session } = await open({ pricePerUnit: 1n, faceValueWei: 10n ** 9n })
    double.fault = fault
    const error: unknown = await session.submit(segment(), { signal }).catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ code })
    expect(retryOf(error)).toBe(retry)
  })

  it('without a deposit no session opens', async () => {
    const { it: double, client } = await open()
    double.fault = 'no-reserve'
    expect(await codeOf(client.openSession(double.origin, JOB, { signal }))).toBe('livepeer-no-funds')
  })

  it.each<[NodeFault]>([['signature'], ['sizes'], ['gone']])(
    'a node with %s is found out at its renditions',
    { timeout: 60_000 },
    async (fault) => {
      const { it: double, session } = await open({})
      double.fault = fault
      const answer = await session.submit(segment(), { signal })
      const file = join(folder, `${fault}.ts`)
      const work = session.download(answer.renditions[0] as never, file, { signal })
      if (fault === 'gone') return expect(await codeOf(work)).toBe('livepeer-answer')
      await work
      if (fault === 'sizes') expect((await measure(file)).height).toBe(120)
      else expect(session.isSignedBy(answer, [await keccakOf({ file })])).toBe(false)
    },
  )
})
