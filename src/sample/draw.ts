import type { DrawProof } from '../../proofs/codec.ts'
import { abiHash, sampleIdOf } from '../../proofs/digest.ts'
import type { Hex } from '../../proofs/types.ts'

/** How a network draws; the numbers of each preset lie in `params.ts` with their reasons. */
export interface DrawParams {
  windowSeconds: number
  /** Seconds between the end of a window and the beacon that draws from it: a root must be seen before. */
  beaconDelaySeconds: number
  /** Samples of one orchestrator that the network looks at in a day. */
  samplesPerDay: number
  /** A checker may look at up to so many times as much, and its draws are valid: see `target.ts`. */
  mostTimes: number
  /** One entry a tranche: seconds after the beacon when it wakes, and checkers expected of all tranches up to it. */
  tranches: readonly { afterSeconds: number; expectedCheckers: number }[]
}

/** What a draw is about, as everybody sees it. */
export interface DrawWindow {
  transcoder: Hex
  windowId: bigint
  /** Block hash or drand value that nobody knew when the window's root was signed. */
  beacon: Hex
  /** Receipts in the order of their digests. */
  receipts: readonly { digest: Hex; renditions: number }[]
  /** Registered fishermen whose key was active at the beacon. */
  members: number
}

/** Unix seconds from which the beacon of this window is known: the first round, or block, at or after. */
export function beaconSecOf(params: Pick<DrawParams, 'windowSeconds' | 'beaconDelaySeconds'>, windowId: bigint): number {
  return (Number(windowId) + 1) * params.windowSeconds + params.beaconDelaySeconds
}

/** One (receipt, rendition) that this daemon was drawn to check. */
export interface Sample {
  sampleId: Hex
  receiptDigest: Hex
  transcoder: Hex
  windowId: bigint
  beacon: Hex
  /** Position of the receipt in its window. */
  index: number
  rendition: number
  /** 0 checks at once; later ones only where earlier ones stay silent. */
  tranche: number
  proof: DrawProof
}

/** 32 bytes that a fisherman signs once for each window: the signature is its private, single-valued randomness. */
export function drawMessage(window: Pick<DrawWindow, 'transcoder' | 'windowId' | 'beacon'>): Hex {
  return abiHash(['string', 'bytes32', 'address', 'uint64'], ['draw', window.beacon, window.transcoder, window.windowId])
}

/** Uniform in [0, 1): the fisherman's ticket for one rendition of one receipt. */
export function ticketOf(bls: Hex, index: number, rendition: number): number {
  return fraction(abiHash(['string', 'bytes', 'uint32', 'uint16'], ['ticket', bls, index, rendition]))
}

/**
 * Is this sample looked at by anybody? The same for all, from the beacon alone, so that the load follows a number a day and not the
 * orchestrator's traffic. Who looks stays private. `times` as much is looked at of a node with evidence against it; thresholds are nested.
 */
export function isSelected(params: DrawParams, window: DrawWindow, sampleId: Hex, times = 1): boolean {
  return selectionOf(window, sampleId) < selectedShare(params, window, times)
}

/** Uniform in [0, 1), from the beacon alone: what `isSelected` compares. */
export function selectionOf({ beacon }: Pick<DrawWindow, 'beacon'>, sampleId: Hex): number {
  return fraction(abiHash(['string', 'bytes32', 'bytes32'], ['selected', beacon, sampleId]))
}

/** Share of a window's samples that is looked at; more than 1 where there are fewer than are wanted. */
export function selectedShare(params: DrawParams, window: Pick<DrawWindow, 'receipts'>, times: number): number {
  return shareOf(params, samplesIn(window), times)
}

function samplesIn({ receipts }: Pick<DrawWindow, 'receipts'>): number {
  return receipts.reduce((sum, receipt) => sum + receipt.renditions, 0)
}

function shareOf(params: DrawParams, samples: number, times: number): number {
  return (times * params.samplesPerDay * params.windowSeconds) / 86_400 / samples
}

/** Is a checker allowed to look at this sample at all? What nobody could be drawn for is no evidence: picked samples show no rate. */
export function isDrawable(params: DrawParams, window: DrawWindow, sampleId: Hex): boolean {
  return isSelected(params, window, sampleId, params.mostTimes)
}

/** The tranche of a ticket, or undefined when it draws nothing. Thresholds are nested: an early ticket is also a late one. */
export function trancheOf(params: DrawParams, members: number, ticket: number): number | undefined {
  const tranche = params.tranches.findIndex(({ expectedCheckers }) => ticket < expectedCheckers / Math.max(1, members))
  return tranche < 0 ? undefined : tranche
}

/**
 * What the holder of this signature has to check of one receipt after the other, in their order, `timesOf` a receipt as much as usual. A window
 * is as long as its node likes: whoever has more to do than this may stop between receipts.
 */
export function* drawReceipts(
  params: DrawParams,
  window: DrawWindow,
  bls: Hex,
  timesOf: (receiptDigest: Hex) => number = () => 1,
): Generator<Sample[]> {
  const { transcoder, windowId, beacon } = window
  const all = samplesIn(window)
  for (const [index, { digest: receiptDigest, renditions }] of window.receipts.entries()) {
    const share = shareOf(params, all, timesOf(receiptDigest))
    const samples: Sample[] = []
    for (let rendition = 0; rendition < renditions; rendition++) {
      const sampleId = sampleIdOf(receiptDigest, rendition, windowId)
      // Few are selected: their tickets are all that is worth hashing.
      if (selectionOf(window, sampleId) >= share) continue
      const tranche = trancheOf(params, window.members, ticketOf(bls, index, rendition))
      if (tranche === undefined) continue
      const proof: DrawProof = { transcoder, windowId, index, rendition, bls }
      samples.push({ sampleId, receiptDigest, transcoder, windowId, beacon, index, rendition, tranche, proof })
    }
    yield samples
  }
}

/** Everything that the holder of this signature has to check in this window. */
export function drawSamples(...args: Parameters<typeof drawReceipts>): Sample[] {
  return [...drawReceipts(...args)].flat()
}

/**
 * The tranche that a stranger's proof stands for, or undefined when it proves nothing. Others may see evidence that we do not: up to
 * `mostTimes` the usual number of draws is valid. `verifyBls` is injected: 20 ms of pairing that
 * the caller may remember.
 */
export function checkDrawProof(
  params: DrawParams,
  window: DrawWindow,
  sampleId: Hex,
  proof: DrawProof,
  verifyBls: (message: Hex, signature: Hex) => boolean,
): number | undefined {
  const receipt = window.receipts[proof.index]
  if (proof.transcoder !== window.transcoder || proof.windowId !== window.windowId) return undefined
  if (!receipt || proof.rendition >= receipt.renditions) return undefined
  if (sampleIdOf(receipt.digest, proof.rendition, proof.windowId) !== sampleId || !isDrawable(params, window, sampleId))
    return undefined
  const tranche = trancheOf(params, window.members, ticketOf(proof.bls, proof.index, proof.rendition))
  return tranche !== undefined && verifyBls(drawMessage(window), proof.bls) ? tranche : undefined
}

/** First 53 bits of a hash as a number in [0, 1): all that a double holds exactly. */
export function fraction(hash: Hex): number {
  return Number(BigInt(hash) >> 203n) / 2 ** 53
}
