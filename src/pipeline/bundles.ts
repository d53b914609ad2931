import { mkdir } from 'node:fs/promises'
import { type BundleInputs, bundleInputFiles, objectiveInputFiles } from '../../proofs/bundle.ts'
import { decodeStatement, type StatementKind } from '../../proofs/codec.ts'
import { objectiveEvidenceHash, renditionLeaf, windowLeaf } from '../../proofs/digest.ts'
import { merkleTree } from '../../proofs/merkle.ts'
import { hexToBytes } from '../../proofs/signature.ts'
import { type Hex, LIMITS, type Rendition, VERDICT_VERSION } from '../../proofs/types.ts'
import { messageOf } from '../base/errors.ts'
import { addNotes, type BundleParts, writeBundle } from '../prooflog/bundle.ts'
import { type Json, plainJson } from '../prooflog/entry.ts'
import type { FoundFault } from '../receipt/faults.ts'
import type { Bench } from './bench.ts'
import type { CheckResult } from './checks.ts'
import { evidenceHashFor, type KnownReceipt } from './ledger.ts'
import { verdictJson } from './verdicts.ts'

/** Keeps evidence as files that anybody can replay. Never throws: what cannot be kept must not stop a proof. */
export interface EvidenceKeeper {
  /** Writes the bundle of a failed check. */
  failed(result: CheckResult): Promise<void>
  /** Adds a contact sheet for people. */
  picture(result: CheckResult): Promise<void>
  /** Writes the bundle of a fault that the node's own signatures prove. */
  objective(found: Pick<FoundFault, 'fault' | 'evidence'>): Promise<void>
  /** Adds the answers and votes that the case was decided by. */
  decided(evidenceHash: Hex, about: { faultId: Hex; receiptDigest: Hex }): Promise<void>
}

/** How far back answers are looked for: no case lasts longer than its statute. */
const ANSWERS_MS = 15 * 86_400_000

export function createEvidenceKeeper(bench: Bench): EvidenceKeeper {
  const { evidence, logger } = bench

  async function keep(evidenceHash: Hex, work: (file: string) => Promise<void>): Promise<void> {
    try {
      await mkdir(bench.bundleDir, { recursive: true })
      await work(evidence.fileOf(evidenceHash))
    } catch (error) {
      logger.error('Evidence could not be kept', { evidenceHash, reason: messageOf(error) })
    }
    // Also after a failure: a full disk is the time when room is needed most.
    try {
      const dropped = await evidence.keepWithin(bench.evidenceBytes, evidenceHash)
      if (dropped.files > 0) logger.info('Old evidence removed, its quota is full', { ...dropped })
    } catch (error) {
      logger.warn('Old evidence could not be removed', { reason: messageOf(error) })
    }
  }

  return {
    async failed(result) {
      const { files, verdict, evidenceHash, task } = result
      const inputs = inputsOf(bench, task.known, task.rendition)
      if (!files || !verdict || !inputs) return
      await keep(evidenceHash, async (file) => {
        if (task.known.receipt.isPrivate) await evidence.markPrivate(evidenceHash)
        const own = { 'source.bin': { file: files.source }, 'rendition.bin': { file: files.rendition } }
        await writeBundle(file, { inputs: { ...jsonParts(bundleInputFiles(inputs)), ...own }, notes: notesOf(bench, result) })
      })
    },
    async picture({ files, verdict, evidenceHash, task }) {
      if (!files || !verdict || task.known.receipt.isPrivate) return
      await keep(evidenceHash, async (file) => {
        const { request } = files
        const judged = {
          verdictVersion: VERDICT_VERSION,
          depth: request.depth,
          verdict: verdict.verdict,
          renditions: [verdict],
          timingsMs: {},
        }
        await bench.judge.writeSheet(request, judged, `${file}.png`, { signal: bench.signal })
        await addNotes(file, { 'sheet.png': { file: `${file}.png` } })
      })
    },
    async objective({ fault, evidence: bytes }) {
      const evidenceHash = objectiveEvidenceHash(fault.faultClass, bytes)
      const inputs = objectiveInputFiles({ domain: bench.domain, evidenceHash, ...fault, evidence: bytes })
      await keep(evidenceHash, async (file) => {
        await writeBundle(file, { inputs: jsonParts(inputs), notes: jsonParts({ 'program.json': { ...bench.program } }) })
      })
    },
    async decided(evidenceHash, { faultId, receiptDigest }) {
      await keep(evidenceHash, async (file) => {
        const votes = await bench.log.find({ faultId })
        const since = { sinceMs: bench.clock.nowMs() - ANSWERS_MS }
        const sent = await bench.log.find({ kind: 'statement-sent', ...since })
        const received = await bench.log.find({ kind: 'statement-received', ...since })
        const found = [...votes, ...sent, ...received].flatMap(({ seq, payload }) => {
          const { kind, bytes } = payload as { kind?: StatementKind; bytes?: Hex }
          if (!bytes || (kind !== 'vote' && kind !== 'answer')) return []
          const { body } = decodeStatement(kind, hexToBytes(bytes))
          const belongs = 'receiptDigest' in body && body.receiptDigest === receiptDigest
          return belongs ? [[seq, { kind, bytes }] as const] : []
        })
        // A vote that is ours is found twice.
        const statements = [...new Map(found)].sort(([a], [b]) => a - b).map(([, statement]) => statement)
        await addNotes(file, jsonParts({ 'statements.json': { statements: statements.slice(0, LIMITS.bundleStatements) } }))
      })
    },
  }
}

/** Everything that ties a rendition to its node; undefined while its window is not drawn from. */
export function inputsOf({ domain }: Pick<Bench, 'domain'>, known: KnownReceipt, rendition: number): BundleInputs | undefined {
  const { receipt: row, window } = known
  const { signed, draw } = window
  const index = draw?.receipts.findIndex(({ digest }) => digest === row.digest) ?? -1
  if (!draw || index < 0) return undefined
  return {
    domain,
    evidenceHash: evidenceHashFor(known, rendition),
    verdictVersion: VERDICT_VERSION,
    order: row.order,
    orderSignature: row.orderSignature,
    ...(row.segData === undefined ? {} : { segData: row.segData }),
    receipt: row.receipt,
    signature: row.signature,
    signer: row.signer,
    profiles: row.profiles,
    rendition: row.renditions[rendition] as Rendition,
    path: merkleTree(row.renditions.map(renditionLeaf)).proof(rendition),
    window: signed.window,
    windowSignature: signed.signature,
    windowSigner: signed.signer,
    windowIndex: index,
    windowPath: merkleTree(draw.receipts.map(({ digest }, i) => windowLeaf(i, digest))).proof(index),
  }
}

/** How we came to our verdict: enough for anybody to come to it again. */
function notesOf(bench: Bench, result: CheckResult): BundleParts {
  const { files, task, outcome } = result
  const fisherman = bench.address ?? null
  return jsonParts({
    'verdict.json': {
      outcome,
      depth: files?.request.depth ?? null,
      confirm: files?.request.confirm ?? false,
      fisherman,
      // Whose frames the fingerprint is of.
      draw: fisherman && { beacon: task.beacon, sampleId: task.sampleId, fisherman },
      verdict: verdictJson(result),
    },
    'earlier.json': { segments: files?.request.renditions[0]?.earlier ?? [] },
    'program.json': { ...bench.program },
  })
}

function jsonParts(files: Readonly<Record<string, unknown>>): BundleParts {
  return Object.fromEntries(Object.entries(files).map(([name, json]) => [name, { json: plainJson(json) as Json }]))
}
