import { z } from 'zod'
import type { EvidenceRow } from '../../proofs/dataset.ts'
import type { Hex } from '../../proofs/types.ts'
import { isFishermanError } from '../base/errors.ts'
import { httpGetJson } from '../base/http-get.ts'
import type { Daemon } from '../monitor/net/ask.ts'

const count = z.number().int().min(0)
const address = z
  .string()
  .regex(/^0x[0-9a-f]{40}$/)
  .transform((text) => text as Hex)
const next = z.string().nullable()
const orchestrators = z.object({
  items: z.array(z.object({ address, receipts: count, pass: count, fail: count, inconclusive: count, withheldAgreed: count })),
  next,
})
const scores = z.object({ items: z.array(z.object({ address, trips: count })) })
const cases = z.object({ items: z.array(z.object({ orchestrator: address, faultClass: z.string(), state: z.string() })), next })
/** Bytes of one page, and pages at most: an answer of our own daemon, and still an answer. */
const GET = { maxBytes: 8 << 20, timeoutMs: 20_000 }
const MOST_PAGES = 1_000

/** What a running daemon saw of each orchestrator, by its own API. Throws where it does not answer, or not as it should. */
export async function evidenceAt({ url, headers }: Pick<Daemon, 'url' | 'headers'>, signal: AbortSignal): Promise<EvidenceRow[]> {
  const rows = new Map<Hex, { -readonly [K in keyof EvidenceRow]: EvidenceRow[K] }>()
  const rowOf = (node: Hex) => {
    const row = rows.get(node) ?? {
      address: node,
      ...{ receipts: 0, pass: 0, fail: 0, inconclusive: 0, withheld: 0, unreceipted: 0, faults: 0, trips: 0 },
    }
    rows.set(node, row)
    return row
  }
  const base = `${url.replace(/\/+$/, '')}/api/v1`
  const pages = async <T extends { next: string | null }>(path: string, schema: z.ZodType<T>, take: (page: T) => void) => {
    let cursor = ''
    for (let page = 0; page < MOST_PAGES; page++) {
      const got = schema.parse(await httpGetJson(`${base}${path}?limit=100${cursor}`, { ...GET, headers, signal }))
      take(got)
      if (got.next === null) return
      cursor = `&cursor=${got.next}`
    }
  }
  await pages('/orchestrators', orchestrators, ({ items }) => {
    // What only we could not have may be a fault of our own network.
    for (const { address: node, withheldAgreed: withheld, ...counts } of items)
      Object.assign(rowOf(node), { ...counts, withheld })
  })
  await pages('/cases', cases, ({ items }) => {
    for (const { orchestrator, faultClass, state } of items)
      if (faultClass.startsWith('O') && (state === 'convicted' || state === 'settled')) rowOf(orchestrator).faults++
  })
  const scored = scores.parse(
    await httpGetJson(`${base}/scores`, { ...GET, headers, signal }).catch((error: unknown) => {
      // A daemon that makes no scores.
      if (isFishermanError(error) && error.code === 'http-404') return { items: [] }
      throw error
    }),
  )
  for (const { address: node, trips } of scored.items) if (trips > 0) rowOf(node).trips = trips
  return [...rows.values()]
}
