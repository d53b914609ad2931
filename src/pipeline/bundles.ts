import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { structToJson } from '../../proofs/json.ts'
import type { Hex } from '../../proofs/types.ts'
import { messageOf } from '../base/errors.ts'
import { type BundlePart, writeBundle } from '../prooflog/bundle.ts'
import type { Json } from '../prooflog/entry.ts'
import type { FoundFault } from '../receipt/faults.ts'
import type { SegmentReceipt } from '../receipt/row.ts'
import { verdictJson } from './answers.ts'
import type { Bench } from './bench.ts'
import type { CheckResult } from './checks.ts'

/** Path of a bundle by the hash of its evidence. */
export function bundleFile(bench: Pick<Bench, 'bundleDir'>, evidenceHash: Hex): string {
  return join(bench.bundleDir, `${evidenceHash}.fishbundle`)
}

/** Writes the evidence of a failed check, with a contact sheet on request. Never throws: a missing picture must not stop a proof. */
export async function keepEvidence(bench: Bench, result: CheckResult, options: { sheet: boolean }): Promise<void> {
  const { files, task, evidenceHash, verdict } = result
  if (!files || !verdict) return
  const sheet = `${bundleFile(bench, evidenceHash)}.png`
  try {
    await mkdir(bench.bundleDir, { recursive: true })
    const pictured =
      options.sheet &&
      (await bench.judge
        .writeSheet(
          files.request,
          { verdictVersion: 1, depth: files.request.depth, verdict: verdict.verdict, renditions: [verdict], timingsMs: {} },
          sheet,
          { signal: bench.signal },
        )
        .then(
          () => true,
          (error: unknown) => {
            bench.logger.warn('Contact sheet could not be made', { reason: messageOf(error) })
            return false
          },
        ))
    await writeBundle(bundleFile(bench, evidenceHash), {
      inputs: {
        ...receiptParts(task.known.receipt),
        'inputs.json': {
          json: {
            bundleVersion: 1,
            evidenceHash,
            rendition: task.rendition,
            beacon: task.beacon,
            sampleId: task.sampleId,
            chainId: bench.domain.chainId.toString(),
            anchor: bench.domain.anchor,
          },
        },
        'source.bin': { file: files.source },
        'rendition.bin': { file: files.rendition },
      },
      notes: {
        'verdict.json': {
          json: {
            outcome: result.outcome,
            depth: files.request.depth,
            fisherman: bench.identity?.attester.address ?? null,
            verdict: verdictJson(result),
          },
        },
        ...(pictured ? { 'sheet.png': { file: sheet } satisfies BundlePart } : {}),
      },
    })
  } catch (error) {
    bench.logger.error('Evidence could not be kept', { evidenceHash, reason: messageOf(error) })
  }
}

/** Writes the evidence of a fault that the node's own signatures prove. */
export async function keepObjective(bench: Bench, found: FoundFault, evidenceHash: Hex): Promise<void> {
  const parts: Record<string, BundlePart> = {}
  found.receipts.forEach((receipt, i) => {
    for (const [name, part] of Object.entries(receiptParts(receipt)))
      parts[found.receipts.length === 1 ? name : `${i + 1}-${name}`] = part
  })
  try {
    await mkdir(bench.bundleDir, { recursive: true })
    await writeBundle(bundleFile(bench, evidenceHash), {
      inputs: {
        ...parts,
        'inputs.json': {
          json: {
            bundleVersion: 1,
            evidenceHash,
            faultId: found.fault.faultId,
            faultClass: found.fault.faultClass,
            evidence: found.evidence,
            chainId: bench.domain.chainId.toString(),
            anchor: bench.domain.anchor,
          },
        },
      },
      notes: {},
    })
  } catch (error) {
    bench.logger.error('Evidence could not be kept', { evidenceHash, reason: messageOf(error) })
  }
}

function receiptParts(row: SegmentReceipt): Record<string, BundlePart> {
  const json = (value: unknown): BundlePart => ({ json: value as Json })
  return {
    'order.json': json({ order: structToJson('TranscodeOrder', row.order), signature: row.orderSignature }),
    'receipt.json': json({
      receipt: structToJson('TranscodeReceipt', row.receipt),
      signature: row.signature,
      signer: row.signer,
    }),
    'ladder.json': json({
      profiles: row.profiles.map((profile) => structToJson('Profile', profile)),
      renditions: row.renditions.map((rendition) => structToJson('Rendition', rendition)),
    }),
  }
}
