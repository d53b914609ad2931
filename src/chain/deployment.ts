import { z } from 'zod'
import type { Hex } from '../../proofs/types.ts'
import { FishermanError } from '../base/errors.ts'
import type { Deployment } from './types.ts'

const address = z
  .string()
  .regex(/^0x[0-9a-fA-F]{40}$/, 'must be an address: 0x and 40 hex digits')
  .transform((text) => text.toLowerCase() as Hex)
const count = z
  .string()
  .regex(/^(0|[1-9][0-9]{0,18})$/, 'must be a decimal number in quotes')
  .transform(BigInt)

const schema = z.strictObject({
  chainId: count.refine((id) => id > 0n, 'must not be zero'),
  deployBlock: count,
  anchor: address,
  verifier: address,
  faultVerifier: address,
  registry: address,
  deposit: address,
  delegation: address,
  rounds: address,
  serviceRegistry: address,
  token: address,
  treasury: address,
  oracle: address,
  depositSlasher: address,
  controller: address.optional(),
})

/** Text of a deployment file; `parseDeployment` reads it back. */
export function serialiseDeployment(deployment: Deployment): string {
  return `${JSON.stringify(deployment, (_, value) => (typeof value === 'bigint' ? value.toString() : value), 2)}\n`
}

/** Reads a deployment from JSON text or an already parsed value. Throws `deployment-invalid` with the first wrong field. */
export function parseDeployment(input: unknown, where = 'deployment'): Deployment {
  let value = input
  if (typeof input === 'string') {
    try {
      value = JSON.parse(input)
    } catch (cause) {
      throw invalid(`${where} is not JSON; write it with the deploy command`, cause)
    }
  }
  const result = schema.safeParse(value)
  if (result.success) {
    const { controller, ...rest } = result.data
    return controller === undefined ? rest : { ...rest, controller }
  }
  const issue = result.error.issues[0]
  const field = issue?.path.join('.')
  throw invalid(`${where}${field ? `: ${field}` : ''}: ${issue?.message ?? 'not a deployment'}; write it with the deploy command`)
}

function invalid(message: string, cause?: unknown): FishermanError {
  return new FishermanError({ code: 'deployment-invalid', message, blame: 'ours', cause })
}
