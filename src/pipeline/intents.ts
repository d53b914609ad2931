import type { Intent, IntentStore } from '../chain/types.ts'
import { type Json, plainJson } from '../prooflog/entry.ts'
import type { ProofLog } from '../prooflog/log.ts'

const BIG_OF_VARIANT = ['maxFeePerGas', 'maxPriorityFeePerGas', 'gasLimit'] as const
const BIG = ['bond', 'spent', 'minedIn'] as const

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
    all: () => [...intents.values()],
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
