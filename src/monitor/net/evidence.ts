import { z } from 'zod'
import type { EvidenceRow } from '../../../proofs/dataset.ts'
import type { Hex } from '../../../proofs/types.ts'
import { FishermanError } from '../../base/errors.ts'
import { ask } from './ask.ts'

const count = z.number().int().min(0)
const address = z
  .string()
  .regex(/^0x[0-9a-f]{40}$/)
  .transform((text) => text as Hex)
const page = z.looseObject({
  items: z.array(z.looseObject({ address, receipts: count, pass: count, fail: count, inconclusive: count, withheld: count })),
  next: z.string().nullable(),
})
const scores = z.looseObject({ items: z.array(z.looseObject({ address, trips: count })) })

/** Livepeer's pool has 100 places; this is a daemon that never ends its list. */
const MAX_PAGES = 100
const PAGE = 100

/**
 * What the fisherman of this folder saw of each orchestrator, by its whole log. Its API tells neither faults of signatures nor missing receipts for
 * one node, so these two are 0: nothing is held against a node that was not told.
 */
export async function readEvidenceCounts(dataDir: string, options: { signal: AbortSignal }): Promise<EvidenceRow[]> {
  const told = await ask(dataDir, '/api/v1/scores', scores, { ...options, none: 'no scores are made' }).catch(
    (error: unknown) => {
      if (error instanceof FishermanError && error.message === 'no scores are made') return { items: [] }
      throw error
    },
  )
  const trips = new Map(told.items.map((one) => [one.address, one.trips]))
  const rows = new Map<Hex, EvidenceRow>()
  let cursor: string | null = '0'
  for (let i = 0; cursor !== null && i < MAX_PAGES; i++) {
    const { items, next }: z.output<typeof page> = await ask(
      dataDir,
      `/api/v1/orchestrators?limit=${PAGE}&cursor=${encodeURIComponent(cursor)}`,
      page,
      options,
    )
    // The list moves while it is read: a node that comes twice is counted once.
    for (const { address: who, receipts, pass, fail, inconclusive, withheld } of items) {
      const counts = { receipts, pass, fail, inconclusive, withheld, unreceipted: 0, faults: 0, trips: trips.get(who) ?? 0 }
      rows.set(who, { address: who, ...counts })
    }
    cursor = next
  }
  return [...rows.values()].sort((a, b) => (a.address < b.address ? -1 : 1))
}
