import { stat } from 'node:fs/promises'
import { type AnyStatement, encodeStatement } from '../../proofs/codec.ts'
import { digestOf, profileHashOf, profilesHashOf, renditionLeaf, sampleIdOf, windowLeaf, ZERO_HASH } from '../../proofs/digest.ts'
import { merkleTree } from '../../proofs/merkle.ts'
import type { Hex, Profile, Rendition, TranscodeOrder, TranscodeReceipt, WindowRoot } from '../../proofs/types.ts'
import { systemClock } from '../../src/base/clock.ts'
import { keccakOf } from '../../src/base/keccak.ts'
import { createJudge } from '../../src/judge.ts'
import type { Bench } from '../../src/pipeline/bench.ts'
import { createEvidenceKeeper, type EvidenceKeeper } from '../../src/pipeline/bundles.ts'
import { type CheckResult, createCheckStage } from '../../src/pipeline/checks.ts'
import type { KnownReceipt } from '../../src/pipeline/ledger.ts'
import { createEvidenceStore } from '../../src/prooflog/evidence.ts'
import { openProofLog, type ProofLog } from '../../src/prooflog/log.ts'
import { createBudget } from '../../src/sample/budget.ts'
import { addressOf, DOMAIN, hash, signStruct, wallet } from './fixtures.ts'

const [node, gateway, fisherman] = [wallet(1), wallet(2), wallet(3)]
const BEACON = hash(77)

/** Order, receipt and window that a node signed for these two files; everything is really hashed and signed. */
export async function signedWork(
  source: string,
  rendition: string,
  profile: Profile,
  facts: { width: number; height: number; frames: number; durationMs: number },
): Promise<KnownReceipt> {
  const [sourceHash, contentHash] = [await keccakOf({ file: source }), await keccakOf({ file: rendition })]
  const leaf: Rendition = {
    index: 0,
    profileHash: profileHashOf(profile),
    contentHash,
    byteLength: BigInt((await stat(rendition)).size),
    pixels: BigInt(facts.width * facts.height * facts.frames),
    ...facts,
  }
  const shared = {
    transcoder: addressOf(node),
    requester: addressOf(gateway),
    streamId: hash(5),
    seq: 7n,
    sourceHash,
    profilesHash: profilesHashOf([profile]),
  }
  const order: TranscodeOrder = {
    ...shared,
    sourceBytes: BigInt((await stat(source)).size),
    sourceFingerprintRoot: ZERO_HASH,
    sessionId: hash(6),
    nonce: hash(8),
    issuedAt: 990n,
    expiresAt: 2_000n,
  }
  const receipt: TranscodeReceipt = {
    ...shared,
    orderHash: digestOf(DOMAIN, 'TranscodeOrder', order),
    renditionsRoot: merkleTree([renditionLeaf(leaf)]).root,
    fingerprintRoot: ZERO_HASH,
    completedAt: 1_000n,
    round: 1n,
  }
  const digest = digestOf(DOMAIN, 'TranscodeReceipt', receipt)
  const digests = [digest, hash(1), hash(2)].sort()
  const window: WindowRoot = {
    transcoder: shared.transcoder,
    windowId: 16n,
    root: merkleTree(digests.map((item, i) => windowLeaf(i, item))).root,
    count: digests.length,
    closedAt: 1_010n,
  }
  return {
    feed: { transcoder: shared.transcoder, url: 'http://127.0.0.1:1' },
    receipt: {
      digest,
      windowId: window.windowId,
      receipt,
      signature: await signStruct(node, 'TranscodeReceipt', receipt),
      signer: shared.transcoder,
      order,
      orderSignature: await signStruct(gateway, 'TranscodeOrder', order),
      profiles: [profile],
      renditions: [leaf],
    },
    window: {
      signed: { window, signature: await signStruct(node, 'WindowRoot', window), signer: shared.transcoder },
      draw: {
        transcoder: shared.transcoder,
        windowId: window.windowId,
        beacon: BEACON,
        receipts: digests.map((item) => ({ digest: item, renditions: 1 })),
        members: 4,
      },
    },
  }
}

export interface Keeping {
  log: ProofLog
  keeper: EvidenceKeeper
  bench: Bench
  /** Judges these files as a drawn sample would be. */
  check(known: KnownReceipt, source: string, rendition: string): Promise<CheckResult>
  fileOf(evidenceHash: Hex): string
  say(statement: AnyStatement): Promise<void>
}

/** The part of a daemon that judges and keeps evidence, on a real disk with a real judge; bytes come from files instead of a feed. */
export async function keeping(folder: string, evidenceBytes = 1e9): Promise<Keeping> {
  const log = await openProofLog({ folder: `${folder}/proofs`, identity: 'me' }, { clock: systemClock })
  const evidence = createEvidenceStore({ folder: `${folder}/bundles` }, { log, nowMs: systemClock.nowMs })
  const judge = createJudge({ scratchDir: `${folder}/scratch`, maxJobs: 1, searchPath: process.env.PATH ?? '' })
  let files = new Map<Hex, string>()
  const errors: unknown[] = []
  const bench = {
    ...{ domain: DOMAIN, log, evidence, evidenceBytes, judge, clock: systemClock, bundleDir: `${folder}/bundles` },
    program: { name: 'fisherman', version: '0.0.0-test', decoder: await judge.decoder(), platform: 'test' },
    logger: { info() {}, warn: (...all: unknown[]) => errors.push(all), error: (...all: unknown[]) => errors.push(all) },
    metrics: { dropped() {}, checkMs() {} },
    budget: createBudget({ secondsPerDay: 1_000, bytesPerDay: 1e12 }),
    ...{ address: addressOf(fisherman), chain: { nowSec: () => 1_700_000_000 } },
    online: () => true,
    blobs: { get: async ({ contentHash }: { contentHash: Hex }) => files.get(contentHash) },
    signal: new AbortController().signal,
  } as unknown as Bench
  const stage = createCheckStage(bench, { worthProving: () => true })
  return {
    ...{ log, bench, keeper: createEvidenceKeeper(bench), fileOf: evidence.fileOf },
    async check(known, source, rendition) {
      const { receipt, renditions, digest, windowId } = known.receipt
      files = new Map([
        [receipt.sourceHash, source],
        [renditions[0]?.contentHash as Hex, rendition],
      ])
      const task = { known, rendition: 0, sampleId: sampleIdOf(digest, 0, windowId), beacon: BEACON, sample: {} as never }
      const result = await stage.run(task, bench.signal)
      if (!result) throw new Error(`no result: ${JSON.stringify(errors)}`)
      return result
    },
    async say(statement) {
      const bytes = encodeStatement(statement)
      await log.appendStatement('sent', statement.kind, await keccakOf(bytes), bytes)
    },
  }
}
