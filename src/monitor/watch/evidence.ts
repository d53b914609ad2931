import { mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { FraudReport } from '../../../proofs/types.ts'
import { messageOf } from '../../base/errors.ts'
import { httpDownload } from '../../base/http-get.ts'
import { replayBundle } from '../../replay.ts'
import type { BundleOptions, BundleResult } from './types.ts'

const MAX_BYTES = 256 * 1024 * 1024
const TIMEOUT_MS = 30_000

export interface EvidenceInit extends BundleOptions {
  scratchDir: string
  searchPath: string
}

/**
 * Gets the bundle of a proof from the first fisherman that has one that holds, and checks it against the proof. A bundle that cannot be had, or is broken, says
 * nothing about the proof: whoever serves it may be at fault. A whole one that does not hold contradicts, unless another fisherman serves one that does.
 */
export async function checkBundle(
  report: FraudReport,
  init: EvidenceInit,
  deps: { nowMs(): number },
  options: { signal: AbortSignal },
): Promise<BundleResult> {
  let best: BundleResult = { state: 'unavailable', reason: 'no address to ask' }
  for (const url of init.urls) {
    const found = await ask(url, report, init, deps, options)
    if (found.state === 'holds' || found.state === 'reproduced') return found
    if (best.state !== 'contradicts') best = found
  }
  return best
}

async function ask(
  url: string,
  report: FraudReport,
  init: EvidenceInit,
  deps: { nowMs(): number },
  options: { signal: AbortSignal },
): Promise<BundleResult> {
  const folder = await mkdtemp(join(init.scratchDir, 'fisherman-watch-'))
  try {
    return { ...(await look(url, folder, report, init, deps, options)), url }
  } catch (error) {
    options.signal.throwIfAborted()
    return { state: 'unavailable', reason: (messageOf(error).split('\n')[0] ?? '').replaceAll(folder, '…'), url }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

async function look(
  url: string,
  folder: string,
  report: FraudReport,
  init: EvidenceInit,
  deps: { nowMs(): number },
  { signal }: { signal: AbortSignal },
): Promise<BundleResult> {
  const file = join(folder, 'case.fishbundle')
  await httpDownload(`${url.replace(/\/+$/, '')}/fisherman/v1/bundles/${report.evidenceHash}`, file, {
    maxBytes: init.maxBytes ?? MAX_BYTES,
    timeoutMs: init.timeoutMs ?? TIMEOUT_MS,
    signal,
  })
  const { searchPath, replay: decode = false } = init
  const replay = await replayBundle(file, { scratchDir: folder, searchPath }, deps, { signal, decode })
  // Another case's bundle is no answer.
  if (replay.evidenceHash !== report.evidenceHash || replay.accused !== report.transcoder)
    return { state: 'unavailable', reason: 'the bundle is of another case' }
  const wrong = replay.checks.find(({ holds }) => !holds)
  if (wrong) return { state: 'contradicts', reason: `${wrong.name}: ${wrong.detail}` }
  if (replay.kind === 'replay') return { state: 'reproduced', reason: 'the verdict came out again' }
  const what = replay.kind === 'bytes' ? 'hashes, signatures and paths; the pictures were not judged' : 'signatures and paths'
  return { state: 'holds', reason: what }
}
