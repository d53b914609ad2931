import type { Hex } from '../../proofs/types.ts'
import { createWords, flat, type Words } from '../base/words.ts'
import type { Intent, IntentStore, IntentSummary } from '../chain/types.ts'
import { type Json, plainJson } from '../prooflog/entry.ts'
import type { ProofLog } from '../prooflog/log.ts'

const BIG_OF_VARIANT = ['maxFeePerGas', 'maxPriorityFeePerGas', 'gasLimit'] as const
const BIG = ['bond', 'spent', 'minedIn'] as const

/** Ended ones that are held however old they are, some 700 bytes each: any reorganisation is about younger ones. */
const REMEMBERED = 10_000
/** And all of two days: what may be spent is counted over one. */
const YOUNG_MS = 2 * 86_400_000

/**
 * Transaction intents in the proof log: written before anything is signed, found again after a restart. Those that are under way are held whole;
 * of ended ones, whose bytes are asked for only after a reorganisation, a summary, and of the oldest nothing, since they become ever more.
 */
export async function createIntentStore(
  log: Pick<ProofLog, 'append' | 'find'>,
  { remembered }: { remembered: number } = { remembered: REMEMBERED },
): Promise<IntentStore> {
  /** Ended ones in the order of their ends. */
  const ended = new Map<string, IntentSummary>()
  const underWay = new Map<string, Intent>()
  const words = createWords()
  let newestMs = 0

  function note(intent: Intent): void {
    const { id, state, atMs = 0 } = intent
    newestMs = Math.max(newestMs, atMs)
    ended.delete(id)
    if (state === 'intended' || state === 'signed') {
      underWay.set(id, intent)
      return
    }
    underWay.delete(id)
    ended.set(id, summaryOf(intent, words))
    for (const [oldest, summary] of ended) {
      if (ended.size <= remembered || (summary.atMs ?? 0) > newestMs - YOUNG_MS) break
      ended.delete(oldest)
    }
  }

  for (const { payload } of await log.find({ kind: 'tx-intent' })) note(fromJson(payload))
  return {
    async record(intent) {
      await log.append('tx-intent', plainJson(intent))
      note(intent)
    },
    async load(id) {
      const live = underWay.get(id)
      const [faultId = ''] = id.split(':')
      if (live || !faultId.startsWith('0x')) return live
      const written = await log.find({ kind: 'tx-intent', faultId })
      const newest = written.findLast(({ payload }) => (payload as { id?: unknown }).id === id)
      return newest && fromJson(newest.payload)
    },
    all: () => [...ended.values(), ...[...underWay.values()].map(withoutBytes)],
  }
}

/** It is held for long: without the salt, which only the log is asked for, and with strings in one piece; a fault's is a part of the id. */
function summaryOf(intent: Intent, words: Words): IntentSummary {
  const { salt: _, ...summary } = withoutBytes(intent)
  const { faultId, action, state, to } = summary
  const id = flat(summary.id)
  const variants = summary.variants.map((variant) => ({ ...variant, hash: flat(variant.hash) }))
  return {
    ...{ ...summary, id, faultId: id.startsWith(`${faultId}:`) ? (id.slice(0, faultId.length) as Hex) : flat(faultId) },
    ...{ action: words.one(action), state: words.one(state), to: words.one(to), variants },
  }
}

function withoutBytes({ data: _, variants, ...rest }: Intent): IntentSummary {
  return { ...rest, variants: variants.map(({ raw: _, maxPriorityFeePerGas: __, ...variant }) => variant) }
}

function fromJson(json: Json): Intent {
  const raw = json as unknown as Intent
  const big = <T extends object>(value: T, names: readonly (keyof T)[]): T => ({
    ...value,
    ...Object.fromEntries(
      names.flatMap((name) => (value[name] === undefined ? [] : [[name, BigInt(value[name] as string)] as const])),
    ),
  })
  return {
    ...big(raw, BIG),
    variants: raw.variants.map((variant) => big(variant, BIG_OF_VARIANT)),
    ...(raw.past ? { past: raw.past.map((one) => big(one, ['wei'])) } : {}),
  }
}
