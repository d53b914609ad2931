import type { Intent, IntentStore, IntentSummary } from '../chain/types.ts'
import { type Json, plainJson } from '../prooflog/entry.ts'
import type { ProofLog } from '../prooflog/log.ts'

const BIG_OF_VARIANT = ['maxFeePerGas', 'maxPriorityFeePerGas', 'gasLimit'] as const
const BIG = ['bond', 'spent', 'minedIn'] as const

/**
 * Transaction intents in the proof log: written before anything is signed, found again after a restart. Those that are under way are held whole;
 * of ended ones, whose bytes are asked for only after a reorganisation, a summary, since they become ever more.
 */
export async function createIntentStore(log: Pick<ProofLog, 'append' | 'find'>): Promise<IntentStore> {
  const summaries = new Map<string, IntentSummary>()
  const underWay = new Map<string, Intent>()

  function note(intent: Intent): void {
    const { data: _, variants, ...rest } = intent
    summaries.set(intent.id, { ...rest, variants: variants.map(({ raw: _, ...variant }) => variant) })
    if (intent.state === 'intended' || intent.state === 'signed') underWay.set(intent.id, intent)
    else underWay.delete(intent.id)
  }

  for (const { payload } of await log.find({ kind: 'tx-intent' })) note(fromJson(payload))
  return {
    async record(intent) {
      await log.append('tx-intent', plainJson(intent))
      note(intent)
    },
    async load(id) {
      const live = underWay.get(id)
      const faultId = summaries.get(id)?.faultId
      if (live || faultId === undefined) return live
      const written = await log.find({ kind: 'tx-intent', faultId })
      const newest = written.findLast(({ payload }) => (payload as { id?: unknown }).id === id)
      return newest && fromJson(newest.payload)
    },
    all: () => [...summaries.values()],
  }
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
