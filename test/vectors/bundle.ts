import { createHash } from 'node:crypto'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  type BundleInputs,
  bundleInputFiles,
  evidenceHashOfInputs,
  type ObjectiveInputs,
  objectiveInputFiles,
} from '../../proofs/bundle.ts'
import { ZERO_HASH } from '../../proofs/digest.ts'
import type { Hex, Rendition } from '../../proofs/types.ts'
import { writeBundle } from '../../src/prooflog/bundle.ts'
import { canonicalJson, type Json, plainJson } from '../../src/prooflog/entry.ts'
import { DOMAIN, toHex } from './common.ts'
import { goodProofs } from './evidence.ts'
import { BYTES, work } from './example.ts'
import { livepeerWork } from './livepeer.ts'

/** Inputs of a verdict on the first rendition of the example, or of the example as an unmodified gateway orders it. */
export async function mediaInputs(kind: 'native' | 'livepeer' = 'native'): Promise<BundleInputs> {
  const segment = kind === 'livepeer' ? await livepeerWork() : undefined
  const made = segment ?? (await work())
  const inputs: BundleInputs = {
    ...{ domain: DOMAIN, evidenceHash: ZERO_HASH, verdictVersion: 2 },
    ...{ order: made.order, orderSignature: made.orderSignature, ...(segment ? { segData: segment.segData } : {}) },
    ...{ receipt: made.receipt, signature: made.signature, signer: made.receipt.transcoder },
    ...{ profiles: made.profiles, rendition: made.leaves[0] as Rendition, path: made.paths[0] as Hex[] },
    ...{ window: made.window, windowSignature: made.windowSignature, windowSigner: made.receipt.transcoder },
    ...{ windowIndex: made.index, windowPath: made.windowPath },
  }
  return { ...inputs, evidenceHash: evidenceHashOfInputs(inputs) }
}

export async function objectiveInputs(): Promise<ObjectiveInputs> {
  const proof = (await goodProofs()).find(({ faultClass }) => faultClass === 'O3')
  if (!proof) throw new Error('no proof of O3')
  const { faultId, transcoder, receiptDigest, evidenceHash } = proof.claim
  return { domain: DOMAIN, evidenceHash, faultClass: 'O3', faultId, transcoder, receiptDigest, evidence: proof.evidence }
}

/** Length and hash of the archive that these inputs make. */
async function archive(inputs: Record<string, Json>, media: Record<string, Uint8Array>) {
  const folder = await mkdtemp(join(tmpdir(), 'fisherman-vectors-'))
  try {
    const parts = Object.entries(media).map(async ([name, bytes]) => {
      await writeFile(join(folder, name), bytes)
      return [name, { file: join(folder, name) }] as const
    })
    const json = Object.entries(inputs).map(([name, value]) => [name, { json: value }] as const)
    await writeBundle(join(folder, 'x'), { inputs: Object.fromEntries([...json, ...(await Promise.all(parts))]), notes: {} })
    const bytes = await readFile(join(folder, 'x'))
    return { bytes: bytes.length, sha256: `0x${createHash('sha256').update(bytes).digest('hex')}` }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

async function described(files: Record<string, unknown>, media: Record<string, Uint8Array> = {}) {
  const inputs = plainJson(files) as Record<string, Json>
  return {
    json: inputs,
    texts: Object.fromEntries(Object.entries(inputs).map(([name, value]) => [name, `${canonicalJson(value)}\n`])),
    media: Object.fromEntries(Object.entries(media).map(([name, bytes]) => [name, toHex(bytes)])),
    archive: await archive(inputs, media),
  }
}

/** All kinds of bundle; their media are the few bytes of the example. */
export async function bundle(): Promise<unknown> {
  const [media, livepeer, objective] = [await mediaInputs(), await mediaInputs('livepeer'), await objectiveInputs()]
  const bytes = { 'source.bin': BYTES.source, 'rendition.bin': BYTES.rendition }
  return {
    about:
      'json: the files of inputs/ as values; texts: as bytes (UTF-8); media: as hex. archive: the whole .fishbundle of inputs/ alone, without notes.',
    media: {
      evidenceHash: media.evidenceHash,
      ...(await described(bundleInputFiles(media), bytes)),
    },
    livepeer: { evidenceHash: livepeer.evidenceHash, ...(await described(bundleInputFiles(livepeer), bytes)) },
    objective: { evidenceHash: objective.evidenceHash, ...(await described(objectiveInputFiles(objective))) },
  }
}
