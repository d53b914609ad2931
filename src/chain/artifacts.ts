import { Interface, type InterfaceAbi } from 'ethers'
import { z } from 'zod'
import type { Hex } from '../../proofs/types.ts'
import { FishermanError } from '../base/errors.ts'

/** What the compiler made of one contract. */
export interface Artifact {
  abi: InterfaceAbi
  /** Creation code, without constructor values. */
  bytecode: Hex
  /** Code as it lies on a chain, zero where constructors put their values. */
  runtime: Hex
  /** [first byte, bytes] of these places. */
  immutables: readonly (readonly [number, number])[]
}

/** dist/contracts.json, as scripts/contracts.mjs writes it. */
export interface Artifacts {
  contracts: Readonly<Record<string, Artifact>>
}

const code = z.string().regex(/^0x([0-9a-f]{2})*$/)
const place = z.tuple([z.number().int().min(0), z.number().int().min(1)])
const schema = z.object({
  contracts: z.record(
    z.string(),
    z.object({
      abi: z.array(z.record(z.string(), z.unknown())),
      bytecode: code,
      runtime: code,
      immutables: z.array(place),
    }),
  ),
})

/** Checks the text of dist/contracts.json. Throws `artifacts-invalid`. */
export function parseArtifacts(text: string): Artifacts {
  try {
    return schema.parse(JSON.parse(text)) as unknown as Artifacts
  } catch (cause) {
    throw invalid('dist/contracts.json is not what the compiler writes', cause)
  }
}

export function artifactOf(artifacts: Artifacts, name: string): Artifact {
  const artifact = artifacts.contracts[name]
  if (!artifact) throw invalid(`dist/contracts.json has no ${name}`)
  return artifact
}

export function creationCode(artifacts: Artifacts, name: string, values: readonly unknown[]): Hex {
  const { abi, bytecode } = artifactOf(artifacts, name)
  return `${bytecode}${new Interface(abi).encodeDeploy(values).slice(2)}` as Hex
}

/** Is this the compiled code, whatever the constructor put into it? */
export function isCodeOf({ runtime, immutables }: Artifact, found: Hex): boolean {
  return found.length === runtime.length && masked(found, immutables) === masked(runtime, immutables)
}

function masked(text: Hex, places: Artifact['immutables']): string {
  const bytes = Buffer.from(text.slice(2), 'hex')
  for (const [start, length] of places) bytes.fill(0, start, start + length)
  return bytes.toString('hex')
}

function invalid(what: string, cause?: unknown): FishermanError {
  return new FishermanError({ code: 'artifacts-invalid', message: `${what}; run npm run contracts`, blame: 'ours', cause })
}
