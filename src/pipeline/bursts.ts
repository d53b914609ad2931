import { join } from 'node:path'
import type { Hex } from '../../proofs/types.ts'
import { sleep } from '../base/clock.ts'
import { messageOf } from '../base/errors.ts'
import { burst } from '../probe/capacity.ts'
import { drawLadder } from '../probe/ladders.ts'
import type { SourceStream } from '../probe/sources.ts'
import { BURST_LEAD_SECONDS, isBurst } from '../sample/burst.ts'
import { beaconSecOf, type DrawParams } from '../sample/draw.ts'
import {
  bytesOf,
  judgeAndKeep,
  newSource,
  type ProberDeps,
  type ProberInit,
  type ProbeTarget,
  visitDepsOf,
  withinBudget,
} from './prober.ts'

export interface BurstInit extends ProberInit {
  /** Streams at once. */
  streams: number
  draw: Pick<DrawParams, 'windowSeconds' | 'beaconDelaySeconds'>
}

export interface BurstDeps extends ProberDeps {
  /** Waits for the public randomness of this time, Unix seconds. */
  beaconAt(timestampSec: number): Promise<Hex>
}

/** Segments of a stream in a burst: enough that a node cannot answer from what it was doing anyway. */
const SEGMENTS = 2
/** Nodes that are asked at once: more of them would measure our own line. */
const AT_ONCE = 4
/** Milliseconds until randomness that could not be had is asked for again. */
const AGAIN_MS = 10_000

/** Asks nodes for many streams at once whenever a beacon names them, until aborted. Whatever fails is told in a line, and the next one comes. */
export async function runBursts(init: BurstInit, deps: BurstDeps, signal: AbortSignal): Promise<void> {
  const { draw } = init
  const next = () => BigInt(Math.max(0, Math.ceil((deps.nowSec() - draw.beaconDelaySeconds) / draw.windowSeconds) - 1))
  const running = new Set<Promise<void>>()
  try {
    for (let windowId = next(); !signal.aborted; windowId = windowId + 1n > next() ? windowId + 1n : next()) {
      const beaconSec = beaconSecOf(draw, windowId)
      await sleep(Math.max(0, (beaconSec - deps.nowSec()) * 1000), signal)
      try {
        const beacon = await deps.beaconAt(beaconSec)
        for (const target of deps.targets() ?? []) {
          if (deps.paused() || !isBurst(beacon, target.transcoder, draw.windowSeconds)) continue
          if (running.size >= AT_ONCE) deps.logger.warn('Left out a burst: others are under way', { ...target })
          else begin(target, beaconSec + BURST_LEAD_SECONDS)
        }
      } catch (error) {
        signal.throwIfAborted()
        deps.logger.warn('The moment of a burst is not known', { reason: messageOf(error) })
        await sleep(AGAIN_MS, signal)
      }
    }
  } finally {
    await Promise.all(running)
  }

  /** The next beacon does not wait for it: it may name somebody too. */
  function begin(target: ProbeTarget, startSec: number): void {
    const one = burstNode(target, startSec, init, deps, signal)
      .catch((error: unknown) => {
        if (!signal.aborted) deps.logger.warn('A burst could not be made', { ...target, reason: messageOf(error) })
      })
      .finally(() => running.delete(one))
    running.add(one)
  }
}

/** All streams at `startSec`, chain time, and what follows: capacity is what came whole, in time, and was not found to be garbage. */
export async function burstNode(
  target: ProbeTarget,
  startSec: number,
  init: BurstInit,
  deps: BurstDeps,
  signal: AbortSignal,
): Promise<void> {
  const { transcoder, uri } = target
  await withinBudget('burst', init, deps, async (paid) => {
    const { folder, atSec } = paid
    const sources: SourceStream[] = []
    for (let i = 0; i < init.streams; i++)
      sources.push(await newSource(join(folder, `source-${i}`), SEGMENTS, init, deps, signal))
    const ladder = drawLadder(Math.min(...sources.map(({ height }) => height)), deps.random)
    const earlySec = startSec - deps.nowSec()
    if (earlySec < 0)
      return deps.logger.warn('Too late for a burst: its streams were not made in time', { transcoder, lateSec: -earlySec })
    paid.idleSec = earlySec
    await sleep(earlySec * 1000, signal)
    const { visits, isInTime, asked, whole, refusals, ...found } = await burst(
      { uri, ladder, sources, folder: join(folder, 'streams'), manifestIds: sources.map(deps.streamName) },
      visitDepsOf(target, init, deps),
      signal,
    )
    paid.bytes = visits.reduce((sum, visit) => sum + bytesOf(visit), 0)
    let inTime = 0
    for (const [i, visit] of visits.entries()) {
      const verdicts = await judgeAndKeep(visit, target, atSec, deps, signal)
      if (isInTime[i] && verdicts.every(({ outcome }) => outcome !== 'fail')) inTime++
    }
    const pixelsPerSec = Math.round(found.pixelsPerSec)
    await deps.findings.add({ kind: 'burst', burst: { transcoder, atSec, asked, inTime, pixelsPerSec } })
    const refused = refusals.map(({ code }) => code)
    deps.logger.info('Asked for many streams at once', {
      ...{ transcoder, asked, whole, inTime, pixelsPerSec },
      ...(refused.length > 0 ? { refused: refused.join() } : {}),
    })
  })
}
