import { structToJson } from '../../proofs/json.ts'
import { STRUCTS } from '../../proofs/structs.ts'
import type { Domain, Hex, StructName, Structs } from '../../proofs/types.ts'
import { addressOf, hash, signStruct, wallet } from '../helpers/fixtures.ts'

// What all golden vectors share. Keys are small numbers, so that another implementation needs no file to have them.

export const DOMAIN: Domain = { chainId: 42161n, anchor: `0x${'a1'.repeat(20)}` }
/** Private keys 1 to 8. */
export const KEYS = Array.from({ length: 8 }, (_, i) => wallet(i))
const [node, fisherman, a, b, c, gateway, delegate, stranger] = KEYS as [K, K, K, K, K, K, K, K]
type K = ReturnType<typeof wallet>

export { delegate, fisherman, gateway, node, stranger }
/** Three who vote, ascending by address. */
export const members = [a, b, c].sort((p, q) => (addressOf(p) < addressOf(q) ? -1 : 1))

/** JSON as the committed files have it. */
export function fileText(value: unknown): string {
  return `${JSON.stringify(value, (_, item: unknown) => (typeof item === 'bigint' ? item.toString() : item), 1)}\n`
}

/** A struct whose every field is different and easy to make in any language: field i holds i + 1. */
export function counted<N extends StructName>(name: N): Structs[N] {
  const value = (type: string, i: number) =>
    type === 'address'
      ? `0x${(i + 1).toString(16).padStart(40, '0')}`
      : type === 'bytes32'
        ? hash(i + 1)
        : type === 'uint64'
          ? BigInt(i + 1)
          : i + 1
  return Object.fromEntries(STRUCTS[name].map((field, i) => [field.name, value(field.type, i)])) as unknown as Structs[N]
}

export async function sign<N extends StructName>(who: K, name: N, value: Structs[N], domain = DOMAIN): Promise<Hex> {
  return await signStruct(who, name, value, domain)
}

export function toHex(bytes: Uint8Array): Hex {
  return `0x${Buffer.from(bytes).toString('hex')}`
}

export function json<N extends StructName>(name: N, value: Structs[N]): Record<string, string | number> {
  return structToJson(name, value)
}
