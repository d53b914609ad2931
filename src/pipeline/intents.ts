import type { Intent, IntentStore } from '../chain/types.ts'
import { type Json, plainJson } from '../prooflog/entry.ts'
import type { ProofLog } from '../prooflog/log.ts'

const BIG = ['maxFeePerGas', 'maxPriorityFeePerGas', 'gasLimit'] as const

/** Transaction intents in the proof log: written before anything is signed, found again after a restart. */
export async function createIntentStore(log: ProofLog): Promise<IntentStore> {
  const intents = new Map<string, Intent>()
  for (const { payload } of await log.find({ kind: 'tx-intent' })) {
    const intent = fromJson(payload)
    intents.set(intent.id, intent)
  }
  return {
    async record(intent) {
      await log.append('tx-intent', plainJson(intent))
      intents.set(intent.id, intent)
    },
    load: async (id) => intents.get(id),
  }
}

function fromJson(json: Json): Intent {
  const raw = json as unknown as Intent
  const variants = raw.variants.map((variant) => ({
    ...variant,
    ...Object.fromEntries(BIG.map((name) => [name, BigInt(variant[name])])),
  }))
  return { ...raw, variants: variants as Intent['variants'] }
}
