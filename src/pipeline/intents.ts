import type { Intent, IntentStore } from '../chain/types.ts'
import type { Json } from '../prooflog/entry.ts'
import type { ProofLog } from '../prooflog/log.ts'

const BIG = ['maxFeePerGas', 'maxPriorityFeePerGas', 'gasLimit'] as const

/** Transaction intents in the proof log: written before anything is signed, found again after a restart. */
export async function createIntentStore(log: ProofLog): Promise<IntentStore> {
  const intents = new Map<string, Intent>()
  for await (const entry of log.entries())
    if (entry.kind === 'tx-intent') {
      const intent = fromJson(entry.payload)
      intents.set(intent.id, intent)
    }
  return {
    async record(intent) {
      await log.append('tx-intent', toJson(intent))
      intents.set(intent.id, intent)
    },
    load: async (id) => intents.get(id),
  }
}

function toJson(intent: Intent): Json {
  return JSON.parse(JSON.stringify(intent, (_, value: unknown) => (typeof value === 'bigint' ? value.toString() : value))) as Json
}

function fromJson(json: Json): Intent {
  const raw = json as unknown as Intent
  const variants = raw.variants.map((variant) => ({
    ...variant,
    ...Object.fromEntries(BIG.map((name) => [name, BigInt(variant[name])])),
  }))
  return { ...raw, variants: variants as Intent['variants'] }
}
