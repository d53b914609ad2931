import type { DrawProof } from '../../proofs/codec.ts'
import type { Hex, WindowRoot } from '../../proofs/types.ts'
import { verifyDraw, verifyPossession } from '../attest/bls.ts'
import { breathe, sleep } from '../base/clock.ts'
import type { Member } from '../chain/types.ts'
import type { FaultFinder, FoundFault } from '../receipt/faults.ts'
import type { FeedWindow } from '../receipt/feed.ts'
import { beaconSecOf, checkDrawProof, type DrawWindow, drawMessage, drawReceipts, type Sample } from '../sample/draw.ts'
import { type DrawExplanation, explainDraw } from '../sample/explain.ts'
import { timesOf } from '../sample/target.ts'
import type { Bench } from './bench.ts'
import { createDrawChecks } from './draw-checks.ts'
import type { KnownReceipt } from './ledger.ts'

/** Takes windows in, waits for their beacon, draws, and wakes each sample in its tranche. */
export interface WindowStage {
  take(window: FeedWindow): Promise<void>
  /** Members whose draw key counts at this time: registered, active, not leaving, and in possession of their key. */
  membersAt(timestampSec: number): Promise<readonly Member[]>
  /** Checks draw signatures of a member with the key that counts now; undefined for who is none. One pairing for each signature. */
  verifierOf(member: Hex): Promise<VerifyDraw | undefined>
  /** Waits for the first round of public randomness, or the first block, at or after this time. */
  beaconAt(timestampSec: number): Promise<Hex>
  /** Why the renditions of a receipt are looked at, and by us, or not. */
  explain(known: KnownReceipt): Promise<WindowExplained>
  /** The tranche that a member's proof stands for, or undefined when it proves nothing. */
  trancheOf(known: KnownReceipt, sampleId: Hex, member: Hex, proof: DrawProof): Promise<number | undefined>
}

export type VerifyDraw = (message: Hex, signature: Hex) => boolean

export interface WindowExplained {
  /** Unix seconds of chain time at which the beacon is known, and the beacon once it is. */
  beaconSec: number
  beacon: Hex | undefined
  members: number
  receipts: number
  /** Can we draw at all? */
  we: 'drawn' | 'no-key' | 'not-signing' | 'not-a-member'
  /** How often we look at this stream, against the usual. */
  times: number
  renditions: DrawExplanation[]
}

export interface WindowStageDeps {
  finder: FaultFinder
  onFault(found: FoundFault): void
  /** A drawn sample whose time has come. */
  onSample(sample: Sample): void
  /** Answers that came before their window was known can be read now. */
  onDrawn(): void
}

/** Milliseconds before a draw that failed is tried again, and the longest of these pauses, each twice the one before: eight minutes in all. */
const DRAW_AGAIN_MS = 2_000
const DRAW_LONGEST_MS = 256_000

export function createWindowStage(bench: Bench, deps: WindowStageDeps): WindowStage {
  const { chain, params } = bench
  const startedSec = chain.nowSec()
  const possessions = new Map<string, boolean>()
  const checkDraw = createDrawChecks(verifyDraw)

  async function membersAt(timestampSec: number): Promise<Member[]> {
    return (await chain.members()).filter((member) => {
      if (member.activeFromSec > timestampSec || member.exiting) return false
      const key = `${member.address}/${member.blsPublicKey}`
      const known = possessions.get(key) ?? verifyPossession(member.blsPublicKey, member.proofOfPossession, member.address)
      possessions.set(key, known)
      return known
    })
  }

  async function draw(window: FeedWindow, shared: { draw: DrawWindow | undefined }): Promise<void> {
    const { transcoder, windowId } = window.signed.window
    const beaconSec = beaconSecOf(params.draw, windowId)
    const beacon = await beaconAt(bench, beaconSec)
    const members = await membersAt(beaconSec)
    const drawn: DrawWindow = {
      transcoder,
      windowId,
      beacon,
      receipts: window.receipts.map((receipt) => ({ digest: receipt.digest, renditions: receipt.renditions.length })),
      members: members.length,
    }
    shared.draw = drawn
    deps.onDrawn()
    const { identity } = bench
    if (!identity || !members.some((member) => member.address === identity.attester.address)) return
    const evidence = bench.tally.evidence(transcoder)
    const streams = new Map(window.receipts.map(({ digest, receipt }) => [digest, receipt.streamId]))
    const bls = identity.bls.signDraw(drawMessage(drawn))
    const times = (digest: Hex) => timesOf(params.draw, evidence, streams.get(digest) ?? '')
    const samples: Sample[] = []
    for (const ours of drawReceipts(params.draw, drawn, bls, times)) {
      samples.push(...ours)
      await breathe()
    }
    if (samples.length === 0) return
    const drawnSamples = samples.map(({ sampleId, tranche }) => ({ sampleId, tranche }))
    const record = { transcoder, windowId: windowId.toString(), beacon, drawn: drawnSamples }
    await bench.writeAhead.run(
      'sample',
      'drawn',
      () => bench.log.append('sample', record),
      () => {
        bench.metrics.drawn(samples.length)
        for (const sample of samples) {
          const after = params.draw.tranches[sample.tranche]?.afterSeconds ?? 0
          bench.later(Math.max(0, (beaconSec + after - chain.nowSec()) * 1000), 'sample', async () => deps.onSample(sample))
        }
      },
    )
  }

  /** A chain that does not answer, or a log that cannot be written, for a while costs no sample. */
  async function drawInTime(window: FeedWindow, shared: { draw: DrawWindow | undefined }): Promise<void> {
    for (let waitMs = DRAW_AGAIN_MS; ; waitMs *= 2) {
      try {
        return await draw(window, shared)
      } catch (error) {
        bench.signal.throwIfAborted()
        if (waitMs > DRAW_LONGEST_MS) {
          bench.metrics.dropped('window')
          throw error
        }
        await sleep(waitMs, bench.signal)
      }
    }
  }

  /**
   * A root that was not out before its beacon could have been chosen to fit it. It is still drawn from: what fails in it convicts, and unlooked-at
   * would be worse. But nothing in it passes. Only what the feed itself answered counts, so that no outage of ours makes a node late; and only
   * where a draw leaves something out, which it does not with the block hashes of a local network.
   */
  function isLate({ window, missingAtSec }: { window: WindowRoot; missingAtSec: number | undefined }): boolean {
    const { transcoder, windowId, closedAt } = window
    const beaconSec = beaconSecOf(params.draw, windowId)
    if (missingAtSec === undefined || missingAtSec <= beaconSec || Number(closedAt) < startedSec) return false
    bench.metrics.badFeed('window-late')
    bench.logger.warn('Window came after its beacon', { transcoder, windowId, missingAtSec })
    return bench.drand !== undefined
  }

  async function explain({ receipt, window }: KnownReceipt): Promise<WindowExplained> {
    const beaconSec = beaconSecOf(params.draw, receipt.windowId)
    const { draw } = window
    const members = await membersAt(beaconSec)
    const { identity, address } = bench
    const isMember = members.some((member) => member.address === address)
    const we = !address ? 'no-key' : !isMember ? 'not-a-member' : identity ? 'drawn' : 'not-signing'
    const { transcoder, streamId } = receipt.receipt
    const times = timesOf(params.draw, bench.tally.evidence(transcoder), streamId)
    const index = draw?.receipts.findIndex(({ digest }) => digest === receipt.digest) ?? -1
    const own = { times, ...(draw && identity && we === 'drawn' ? { bls: identity.bls.signDraw(drawMessage(draw)) } : {}) }
    return {
      ...{ beaconSec, beacon: draw?.beacon, members: draw?.members ?? members.length, receipts: draw?.receipts.length ?? 0 },
      ...{ we, times, renditions: draw ? explainDraw(params.draw, draw, index, own) : [] },
    }
  }

  async function verifierOf(member: Hex): Promise<VerifyDraw | undefined> {
    const owner = (await membersAt(chain.nowSec())).find(({ address }) => address === member)
    return owner && ((message, signature) => checkDraw(message, signature, owner.blsPublicKey))
  }

  return {
    membersAt,
    verifierOf,
    beaconAt: (timestampSec) => beaconAt(bench, timestampSec),
    explain,
    async take(window) {
      const { window: body } = window.signed
      // First what may fail, on a full disk: the window comes again then.
      // An empty window promises nothing; if others were shown a fuller one, theirs proves it.
      if (body.count > 0)
        await bench.say({ kind: 'window', body, signer: window.signed.signer, extra: '0x', signature: window.signed.signature })
      bench.tally.receipts(body.transcoder, window.receipts.length)
      bench.metrics.receipts(window.receipts.length)
      for (const found of deps.finder.lookAtWindow(window.signed)) deps.onFault(found)
      const shared = bench.ledger.add(window)
      if (isLate({ window: body, missingAtSec: window.missingAtSec })) shared.late = true
      for (const receipt of window.receipts) {
        for (const found of deps.finder.look(receipt)) deps.onFault(found)
        // A window is as long as its node likes, and trees over fingerprints take a while.
        await breathe()
      }
      if (window.receipts.length > 0) bench.later(0, 'draw', () => drawInTime(window, shared))
    },
    async trancheOf(known, sampleId, member, proof) {
      const drawn = known.window.draw
      if (!drawn) return undefined
      const verify = await verifierOf(member)
      return verify && checkDrawProof(params.draw, drawn, sampleId, proof, verify)
    },
  }
}

/** Waits for the first round of public randomness, or the first block, at or after this time. */
export async function beaconAt(bench: Pick<Bench, 'chain' | 'drand' | 'signal'>, timestampSec: number): Promise<Hex> {
  const { chain, drand, signal } = bench
  if (drand) return await drand.at(timestampSec, { signal })
  const known = await chain.beaconAt(timestampSec, { signal })
  if (known) return known.hash
  return await new Promise<Hex>((resolve, reject) => {
    const stop = () => {
      off()
      reject(signal.reason)
    }
    const off = chain.onHead(({ head }) => {
      if (head.timestampSec < timestampSec) return
      chain.beaconAt(timestampSec, { signal }).then((found) => {
        if (!found) return
        off()
        signal.removeEventListener('abort', stop)
        resolve(found.hash)
      }, reject)
    })
    signal.addEventListener('abort', stop, { once: true })
  })
}
