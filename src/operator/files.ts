import { access, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { z } from 'zod'
import type { Hex } from '../../proofs/types.ts'
import { FishermanError, messageOf } from '../base/errors.ts'
import { writeWholeFile } from '../base/whole-file.ts'
import { type Artifacts, parseArtifacts } from '../chain/artifacts.ts'
import type { DeployJournal } from '../chain/deploy.ts'
import { parseDeployment } from '../chain/deployment.ts'
import type { Deployment } from '../chain/types.ts'

/** Both `src/operator/` and the built `dist/app/` lie two below it. */
const PROJECT = fileURLToPath(new URL('../..', import.meta.url))

/** What the compiler made of the contracts. */
export async function readArtifacts(): Promise<Artifacts> {
  const text = await readFile(join(PROJECT, 'dist/contracts.json'), 'utf8').catch((cause: unknown) => {
    throw fileError('not-set-up', 'dist/contracts.json is missing; type: npm run setup', cause)
  })
  return parseArtifacts(text)
}

export async function readDeployment(file: string): Promise<Deployment> {
  const text = await readFile(file, 'utf8').catch((cause: unknown) => {
    throw fileError(
      'deployment-missing',
      `cannot read the deployment file ${file} (${messageOf(cause)}); fisherman deploy writes one`,
      cause,
    )
  })
  return parseDeployment(text, file)
}

/** The file is whole or not there; after a crash too. */
export async function writeWhole(file: string, text: string): Promise<void> {
  await writeWholeFile(file, text, 0o644).catch((cause: unknown) => {
    throw fileError('file-write', `cannot write ${file} (${messageOf(cause)})`, cause)
  })
}

export async function exists(file: string): Promise<boolean> {
  return await access(file).then(
    () => true,
    () => false,
  )
}

const progressSchema = z.strictObject({
  chainId: z
    .string()
    .regex(/^[0-9]{1,20}$/)
    .transform(BigInt),
  deployer: z
    .string()
    .regex(/^0x[0-9a-f]{40}$/)
    .transform((text) => text as Hex),
  firstNonce: z.number().int().min(0),
  fromBlock: z
    .string()
    .regex(/^[0-9]{1,20}$/)
    .transform(BigInt),
  plan: z
    .string()
    .regex(/^0x[0-9a-f]{64}$/)
    .transform((text) => text as Hex),
})

/** Progress of a deployment, in a file beside the one that it will write. */
export function journalAt(file: string): DeployJournal & { end(): Promise<void> } {
  return {
    async load() {
      if (!(await exists(file))) return undefined
      try {
        return progressSchema.parse(JSON.parse(await readFile(file, 'utf8')))
      } catch (cause) {
        throw fileError('deploy-journal', `${file} does not say how far a deployment is; delete it to begin anew`, cause)
      }
    },
    save: (progress) =>
      writeWhole(file, `${JSON.stringify(progress, (_, value) => (typeof value === 'bigint' ? value.toString() : value), 2)}\n`),
    end: () => rm(file, { force: true }),
  }
}

function fileError(code: string, message: string, cause: unknown): FishermanError {
  return new FishermanError({ code, message, blame: 'ours', cause })
}
