import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { objectiveEvidenceHash } from '../../proofs/digest.ts'
import { systemClock } from '../../src/base/clock.ts'
import { addressOf } from '../../src/chain/setup.ts'
import type { Chain } from '../../src/chain/types.ts'
import { createAct } from '../../src/pipeline/actions.ts'
import type { Bench } from '../../src/pipeline/bench.ts'
import { createCaseBook, type FoundCase } from '../../src/pipeline/case-book.ts'
import { createIntentStore } from '../../src/pipeline/intents.ts'
import { createProsecutions } from '../../src/pipeline/prosecutions.ts'
import { openProofLog, type ProofLog } from '../../src/prooflog/log.ts'
import { asNew, createWorld, equivocation, silent, type World } from './world.ts'

// A fault that a node's own signatures prove, from found to taken stake, on a real chain and a real log.

let world: World
let clean: string
let folder: string
let closing: (() => Promise<void>)[] = []
let ticking: NodeJS.Timeout
vi.setConfig({ testTimeout: 20_000 })
beforeAll(async () => {
  world = await createWorld({ roundSec: 3600 })
  clean = await world.snapshot()
})
afterAll(() => world?.stop())
beforeEach(async () => {
  clean = await asNew(world, clean)
  folder = mkdtempSync(join(tmpdir(), 'fisherman-test-cases-'))
  ticking = setInterval(() => void world.pass(1).catch(() => undefined), 100)
})
afterEach(async () => {
  clearInterval(ticking)
  for (const close of closing.reverse()) await close()
  closing = []
  rmSync(folder, { recursive: true, force: true })
})

const node = () => world.orchestrators[0]!
const until = (what: () => boolean | Promise<boolean>) =>
  vi.waitFor(async () => expect(await what()).toBe(true), { timeout: 12_000, interval: 30 })

interface Life {
  chain: Chain
  log: ProofLog
  book: ReturnType<typeof createCaseBook>
  prosecutions: ReturnType<typeof createProsecutions>
  end(): Promise<void>
}

/** One life of the part of a daemon that prosecutes; the next one begins with the same folder. */
async function live(by = 0): Promise<Life> {
  const stop = new AbortController()
  const log = await openProofLog({ folder: join(folder, `proofs-${by}`), identity: 'me' }, { clock: systemClock })
  const chain = await world.chain({ signer: world.fishermen[by]!, intents: await createIntentStore(log) })
  const bench = {
    ...{ chain, log, clock: systemClock, logger: silent, domain: world.domain, mode: 'active', signal: stop.signal },
    ...{ address: addressOf(world.fishermen[by]!), identity: {}, metrics: { transaction() {} } },
  } as unknown as Bench
  const book = createCaseBook(bench)
  const prosecutions = createProsecutions(bench, { act: createAct(bench), book, keep: () => undefined, over: () => undefined })
  chain.onHead(() => prosecutions.onHead())
  for (const fault of await book.unfinished()) prosecutions.add(fault)
  const life = {
    ...{ chain, log, book, prosecutions },
    end: async () => {
      closing = closing.filter((close) => close !== life.end)
      stop.abort()
      await chain.close()
      await new Promise((resolve) => setTimeout(resolve, 50))
      await log.close()
    },
  }
  closing.push(life.end)
  return life
}

async function fault(): Promise<FoundCase> {
  const { evidence, faultId } = await equivocation(world, node())
  const evidenceHash = objectiveEvidenceHash('O1', evidence)
  return { faultId, faultClass: 'O1', transcoder: addressOf(node()), evidenceHash, evidence }
}
async function find(life: Life, found: FoundCase): Promise<void> {
  await life.book.found(found)
  life.prosecutions.add(found)
}
const stateOf = ({ chain }: Life, { faultId }: FoundCase) => chain.cases().find((view) => view.faultId === faultId)?.state
const noted = async ({ log }: Life, { faultId }: FoundCase) =>
  (await log.find({ kind: 'case', faultId })).map(({ payload }) => (payload as { state: string }).state)

describe('a found fault', () => {
  it('is brought to the chain, and again when its blocks are taken back', async () => {
    const life = await live()
    const found = await fault()
    clearInterval(ticking)
    const id = await world.snapshot()
    ticking = setInterval(() => void world.pass(1).catch(() => undefined), 100)
    await find(life, found)
    await until(() => stateOf(life, found) === 'convicted')
    await world.revert(id)
    await until(() => stateOf(life, found) === undefined)
    await until(() => stateOf(life, found) === 'convicted')
    expect(life.chain.cases()).toHaveLength(1)
  })

  it('goes on after a restart, from the log alone, at whatever point it was', async () => {
    const found = await fault()
    const first = await live()
    await first.book.found(found)
    await first.end()
    // Nothing was sent yet; now it is, and dies with the commitment on the chain.
    const second = await live()
    await until(async () =>
      (await second.log.find({ kind: 'tx-intent' })).some(({ payload }) => JSON.stringify(payload).includes('"mined"')),
    )
    await second.end()
    const third = await live()
    await until(() => stateOf(third, found) === 'convicted')
    const intents = await third.log.find({ kind: 'tx-intent' })
    const signed = new Set(
      intents.flatMap(({ payload }) => (payload as { variants: { hash: string }[] }).variants.map(({ hash }) => hash)),
    )
    expect(signed.size).toBe(2)
  })

  it('ends as lost where somebody else was first, once, also over a restart', async () => {
    const [mine, theirs] = [await live(), await live(1)]
    const found = await fault()
    await find(theirs, found)
    await until(() => stateOf(theirs, found) === 'convicted')
    await find(mine, found)
    await until(async () => (await noted(mine, found)).includes('lost'))
    await mine.end()
    const again = await live()
    expect(await again.book.unfinished()).toEqual([])
    await find(again, found)
    await new Promise((resolve) => setTimeout(resolve, 400))
    expect((await noted(again, found)).filter((state) => state === 'lost')).toHaveLength(1)
    // Nobody paid for it twice.
    expect((await again.log.find({ kind: 'tx-intent' })).length).toBe(0)
  })

  it('waits for a contract that is paused, and is brought when it is not', async () => {
    await world.send(world.wallets[0]!, 'verifier', 'setPaused', [true])
    const life = await live()
    const found = await fault()
    await find(life, found)
    await new Promise((resolve) => setTimeout(resolve, 500))
    expect(stateOf(life, found)).toBeUndefined()
    await world.send(world.wallets[0]!, 'verifier', 'setPaused', [false])
    await until(() => stateOf(life, found) === 'convicted')
  })

  it('of a node that leaves is tried again at once', async () => {
    await world.send(world.wallets[0]!, 'verifier', 'setPaused', [true])
    const life = await live()
    const found = await fault()
    await find(life, found)
    // Refused twice: the next try is four seconds off.
    await new Promise((resolve) => setTimeout(resolve, 2_700))
    await world.send(world.wallets[0]!, 'verifier', 'setPaused', [false])
    life.prosecutions.hurry(found.transcoder)
    const startedMs = performance.now()
    await until(() => stateOf(life, found) === 'convicted')
    expect(performance.now() - startedMs).toBeLessThan(2_500)
  })

  it('whose evidence proves nothing is not brought', async () => {
    const life = await live()
    const found = await fault()
    await find(life, { ...found, evidence: `0x${found.evidence.slice(2, -4)}beef` })
    await new Promise((resolve) => setTimeout(resolve, 400))
    expect((await life.log.find({ kind: 'tx-intent' })).length).toBe(0)
  })
})
