import { createServer, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import type { AnyStatement } from '../../proofs/codec.ts'
import type { Hex } from '../../proofs/types.ts'
import { type BlsKeys, blsKeysOf } from '../../src/attest/bls.ts'
import { QUICKNET, randomnessOf, roundAt, timeOfRound, verifyRound } from '../../src/attest/drand.ts'
import { createSigner } from '../../src/attest/keys.ts'
import { createWriteAhead } from '../../src/base/write-ahead.ts'
import { createDrand } from '../../src/fetch/drand.ts'
import type { Bench } from '../../src/pipeline/bench.ts'
import { createLedger } from '../../src/pipeline/ledger.ts'
import { createTally } from '../../src/pipeline/tally.ts'
import { createWindowStage, type WindowStage } from '../../src/pipeline/windows.ts'
import type { FoundFault } from '../../src/receipt/faults.ts'
import type { FeedWindow } from '../../src/receipt/feed.ts'
import { type DrawParams, drawMessage, drawSamples, type Sample } from '../../src/sample/draw.ts'
import { ROUNDS } from '../helpers/drand.ts'
import { addressOf, DOMAIN, hash, PROFILE, receiptOf, renditions, wallet } from '../helpers/fixtures.ts'

// Real rounds of drand over HTTP into the window stage: nobody but drand decides what is drawn, and nobody knows it before.

const [ROUND, OTHER] = [ROUNDS[0]!, ROUNDS[2]!]
/** Its time, the window before it, and a delay that leads from the end of the one to the other. */
const TIME = timeOfRound(ROUND.round)
const WINDOW = BigInt(Math.floor(TIME / 60)) - 1n
const DRAW: DrawParams = {
  windowSeconds: 60,
  beaconDelaySeconds: TIME % 60,
  // Half of a window.
  samplesPerDay: 8 * 1_440,
  mostTimes: 1,
  tranches: [{ afterSeconds: 0, expectedCheckers: Number.POSITIVE_INFINITY }],
}
const node = wallet(1)
const RECEIPTS = Array.from({ length: 16 }, (_, n) => {
  const leaves = renditions(1, () => hash(100 + n))
  return { digest: hash(n + 1), windowId: WINDOW, receipt: receiptOf(node, leaves), renditions: leaves, profiles: [PROFILE] }
})

type Answer = (response: ServerResponse) => void
const gives =
  (round: { signature: Hex }): Answer =>
  (response) =>
    response.end(JSON.stringify({ signature: round.signature.slice(2) }))
const honest = gives(ROUND)

let relay: { server: Server; url: string; answer: Answer; asked: number }
let stop: AbortController
let keys: BlsKeys
let nowSec: number
let said: AnyStatement[]
let drawn: Sample[]
let bad: string[]
/** Times that the chain does not answer. */
let away: number

beforeEach(async () => {
  ;[stop, nowSec, said, drawn, bad, away] = [new AbortController(), TIME - 20, [], [], [], 0]
  keys = await blsKeysOf(createSigner(wallet(5)))
  const server = createServer((_, response) => {
    relay.asked++
    relay.answer(response)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  relay = { server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, answer: honest, asked: 0 }
})
afterEach(() => {
  stop.abort(new Error('the test is over'))
  relay.server.closeAllConnections()
  relay.server.close()
})

function stage(
  urls = [relay.url],
  look = (): FoundFault[] => [],
  seen = (_: 'beacon' | 'draw') => {},
): { windows: WindowStage; ledger: ReturnType<typeof createLedger> } {
  const address = addressOf(wallet(5))
  const { publicKey: blsPublicKey, proofOfPossession } = keys
  const members = [{ address, weight: 1n, blsPublicKey, proofOfPossession, activeFromSec: 0, exiting: false }]
  const log = { debug() {}, info() {}, warn() {}, error() {} }
  const ledger = createLedger()
  const drand = createDrand(
    { urls, chainHash: QUICKNET.chainHash, retryMs: 10 },
    {
      ...{ clock: { nowMs: () => nowSec * 1_000, monotonicMs: () => 0 }, log, roundAt, timeOfRound },
      ...{ verify: verifyRound, randomness: randomnessOf, onBad: (reason) => void bad.push(reason) },
    },
  )
  const bench = {
    ...{ domain: DOMAIN, drand, ledger, logger: log, signal: stop.signal, params: { draw: DRAW } },
    ...{ writeAhead: createWriteAhead(), tally: createTally(), log: { append: async () => seen('draw') } },
    identity: { attester: { address }, bls: keys },
    chain: {
      nowSec: () => nowSec,
      async members() {
        if (away-- > 0) throw new Error('the chain is away')
        return members
      },
      beaconAt: () => Promise.reject(new Error('no block is asked')),
    },
    metrics: { drawn() {}, receipts() {}, badFeed: (code: string) => void bad.push(code) },
    say: async (statement: AnyStatement) => void said.push(statement),
    later: (_: number, __: string, work: () => Promise<void>) => void work().catch(() => undefined),
  } as unknown as Bench
  // Faults have their own tests, with receipts that are signed.
  const finder = { look, lookAtWindow: () => [] }
  const deps = { onFault() {}, onDrawn: () => seen('beacon'), onSample: (sample: Sample) => void drawn.push(sample) }
  return { windows: createWindowStage(bench, { finder, ...deps }), ledger }
}

function windowOf(missingAtSec?: number): FeedWindow {
  const window = {
    transcoder: addressOf(node),
    windowId: WINDOW,
    root: hash(3),
    count: RECEIPTS.length,
    closedAt: BigInt(TIME - 10),
  }
  return {
    feed: { transcoder: addressOf(node), url: '' },
    signed: { window, signature: '0x', signer: addressOf(node) },
    receipts: RECEIPTS,
    ...(missingAtSec === undefined ? {} : { missingAtSec }),
  } as unknown as FeedWindow
}

/** What this member draws from the window by this beacon. */
function drawBy(beacon: Hex): Hex[] {
  const receipts = RECEIPTS.map(({ digest }) => ({ digest, renditions: 1 }))
  const window = { transcoder: addressOf(node), windowId: WINDOW, beacon, receipts, members: 1 }
  return drawSamples(DRAW, window, keys.signDraw(drawMessage(window))).map(({ sampleId }) => sampleId)
}
const sampleIds = () => drawn.map(({ sampleId }) => sampleId)
const BEACON = ROUND.randomness as Hex
const beaconIn = (ledger: ReturnType<typeof createLedger>) => ledger.receipt(hash(1))?.window.draw?.beacon
const settled = () => new Promise((resolve) => setTimeout(resolve, 150))

describe('a window on a public network', () => {
  it('is said to everybody before its beacon is out, and drawn from by the round that comes after it', async () => {
    relay.answer = (response) => response.writeHead(425).end()
    const { windows, ledger } = stage()
    // Two seconds before the round: not even asked for.
    nowSec = TIME - 2
    await windows.take(windowOf())
    expect(said).toMatchObject([{ kind: 'window', body: { windowId: WINDOW } }])
    expect([relay.asked, beaconIn(ledger), drawn]).toEqual([0, undefined, []])
    nowSec = TIME
    await vi.waitFor(() => expect(relay.asked).toBeGreaterThan(3), { timeout: 20_000 })
    expect([beaconIn(ledger), drawn]).toEqual([undefined, []])
    relay.answer = honest
    await vi.waitFor(() => expect(drawn.length).toBeGreaterThan(0), { timeout: 20_000 })
    expect(beaconIn(ledger)).toBe(BEACON)
    expect(sampleIds().sort()).toEqual(drawBy(BEACON).sort())
    // Another beacon would have drawn others, and neither draws all.
    expect(drawBy(OTHER.randomness as Hex).sort()).not.toEqual(sampleIds().sort())
    expect(drawn.length).toBeLessThan(RECEIPTS.length)
    expect(bad).toEqual([])
  })

  it.each<[string, Answer, string | undefined]>([
    ['lags', (response) => response.writeHead(404).end(), undefined],
    ['gives a round of another time', gives(OTHER), 'lie'],
    ['makes a signature up', (response) => response.end(JSON.stringify({ signature: 'ab'.repeat(48) })), 'lie'],
    ['tells randomness without a signature', (response) => response.end(JSON.stringify({ randomness: BEACON.slice(2) })), 'lie'],
    ['hangs up', (response) => response.destroy(), 'silent'],
  ])('waits where its only relay %s, and is then drawn from by the true round', async (_, answer, reason) => {
    relay.answer = answer
    const { windows, ledger } = stage()
    nowSec = TIME + 1
    await windows.take(windowOf())
    await vi.waitFor(() => expect(relay.asked).toBeGreaterThan(3), { timeout: 20_000 })
    expect([beaconIn(ledger), drawn]).toEqual([undefined, []])
    expect(new Set(bad)).toEqual(new Set(reason === undefined ? [] : [reason]))
    relay.answer = honest
    await vi.waitFor(() => expect(drawn.length).toBeGreaterThan(0), { timeout: 20_000 })
    expect([beaconIn(ledger), sampleIds().sort()]).toEqual([BEACON, drawBy(BEACON).sort()])
  })

  it('holds nothing up while its receipts are looked at and drawn from: each has a turn of its own', async () => {
    let turn = 0
    let ticking = setImmediate(function tick() {
      turn++
      ticking = setImmediate(tick)
    })
    onTestFinished(() => clearImmediate(ticking))
    const turns = new Set<number>()
    const at = { beacon: 0, draw: 0 }
    const look = () => {
      turns.add(turn)
      return []
    }
    const { windows } = stage([relay.url], look, (what) => {
      at[what] = turn
    })
    nowSec = TIME + 1
    await windows.take(windowOf())
    expect(turns.size).toBe(RECEIPTS.length)
    await vi.waitFor(() => expect(drawn).not.toEqual([]), { timeout: 20_000 })
    expect(at.draw - at.beacon).toBeGreaterThanOrEqual(RECEIPTS.length)
  })

  it('is drawn from a little later where the chain was away at its beacon', async () => {
    const { windows } = stage()
    ;[nowSec, away] = [TIME + 1, 1]
    await windows.take(windowOf())
    await vi.waitFor(() => expect(sampleIds().sort()).toEqual(drawBy(BEACON).sort()), { timeout: 20_000 })
  })

  it('waits as long as there is no relay at all, and ends with the daemon', async () => {
    const { windows, ledger } = stage(['http://127.0.0.1:9'])
    nowSec = TIME + 1
    await windows.take(windowOf())
    await vi.waitFor(() => expect(bad.length).toBeGreaterThan(2), { timeout: 20_000 })
    stop.abort(new Error('the daemon stops'))
    await settled()
    const before = bad.length
    await settled()
    expect([beaconIn(ledger), drawn, bad.length]).toEqual([undefined, [], before])
  })

  it.each<[string, number | undefined, number, true | undefined]>([
    ['the feed answered without it after its round was out', TIME + 1, TIME - 20, true],
    ['the feed last answered without it when its round was not out', TIME, TIME - 20, undefined],
    ['our first look showed it: what was before we do not know', undefined, TIME - 20, undefined],
    ['it was closed before we came', TIME + 1, TIME - 5, undefined],
  ])('is late or not: %s', async (_, missingAtSec, startedSec, late) => {
    nowSec = startedSec
    const { windows, ledger } = stage()
    nowSec = TIME + 30
    await windows.take(windowOf(missingAtSec))
    expect(ledger.receipt(hash(1))?.window.late).toBe(late)
    expect(bad).toEqual(late ? ['window-late'] : [])
    // Looked at in any case: what fails in it convicts.
    await vi.waitFor(() => expect(sampleIds().sort()).toEqual(drawBy(BEACON).sort()), { timeout: 20_000 })
  })
})
