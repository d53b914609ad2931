import { describe, expect, it } from 'vitest'
import { sampleIdOf } from '../../proofs/digest.ts'
import type { Hex } from '../../proofs/types.ts'
import { createCourt, type OwnFinding } from '../../src/court/court.ts'
import { LOCAL_COURT } from '../../src/court/params.ts'
import { createLedger } from '../../src/pipeline/ledger.ts'
import { windowsToKeep } from '../../src/pipeline/network.ts'
import type { FeedWindow } from '../../src/receipt/feed.ts'
import { addressOf, hash, receiptOf, renditions, wallet } from '../helpers/fixtures.ts'

const feed = { transcoder: addressOf(wallet(1)), url: '' }
const windowOf = (windowId: bigint, ...digests: number[]): FeedWindow =>
  ({
    feed,
    signed: { window: { windowId } },
    receipts: digests.map((n) => ({
      ...{ digest: hash(n), windowId, receipt: receiptOf(wallet(1), renditions(2)), renditions: renditions(2) },
      fingerprints: [{ track: 0, frame: 0, ptsMs: 0, dhash: 1n, strong: 1n }],
    })),
  }) as unknown as FeedWindow

describe('the ledger of receipts', () => {
  it('forgets what is older than any case can be, and tells whoever remembers a part of it', () => {
    const ledger = createLedger({ keepWindows: 10 })
    const forgotten: string[] = []
    ledger.onForget(({ digest, rendition, sampleId }) => void forgotten.push(`${digest}/${rendition}/${sampleId}`))
    ledger.add(windowOf(5n, 1, 2))
    ledger.add(windowOf(15n, 3))
    expect(forgotten).toEqual([])
    expect(ledger.receipt(hash(1))).toBeDefined()
    ledger.add(windowOf(16n, 4))
    expect([1, 2, 3, 4].map((n) => ledger.receipt(hash(n)) !== undefined)).toEqual([false, false, true, true])
    const ids = (n: number) => [0, 1].map((i) => `${hash(n)}/${i}/${sampleIdOf(hash(n), i, 5n)}`)
    expect(forgotten).toEqual([...ids(1), ...ids(2)])
    expect(ledger.sample(sampleIdOf(hash(1), 0, 5n))).toBeUndefined()
    expect(ledger.sample(sampleIdOf(hash(3), 0, 15n))?.known.receipt.digest).toBe(hash(3))
  })

  it('keeps no fingerprints: they are most of a row, and were looked at when it came', () => {
    const ledger = createLedger({ keepWindows: 10 })
    ledger.add(windowOf(5n, 1))
    expect(ledger.receipt(hash(1))?.receipt).not.toHaveProperty('fingerprints')
  })

  it('keeps receipts for the statute of their network: 15 local minutes, 13 public days', () => {
    expect(windowsToKeep('local') * 4).toBe(15 * 60)
    expect((windowsToKeep('arbitrum-one') * 60) / 86_400).toBeGreaterThan(13)
    expect((windowsToKeep('arbitrum-one') * 60) / 86_400).toBeLessThan(14)
  })
})

describe('the court', () => {
  it('forgets a sample with all that was found of it', () => {
    const court = createCourt({ ...LOCAL_COURT, failingSegments: 1, failingStreams: 1 })
    const fisherman: Hex = addressOf(wallet(2))
    const finding: OwnFinding = {
      ...{ fisherman, transcoder: feed.transcoder, receiptDigest: hash(1), streamId: hash(9), rendition: 0, completedAt: 5 },
      ...({ outcome: 'fail', faultClass: 'D2', fingerprint: hash(4) } as const),
    }
    court.recordOwn(finding)
    expect(court.hasEnough(feed.transcoder)).toBe(true)
    court.forgetSample(hash(1), 0)
    expect(court.ownFinding(hash(1), 0)).toBeUndefined()
    expect(court.hasEnough(feed.transcoder)).toBe(false)
  })
})
