import type { Hex } from '../../proofs/types.ts'
import { ALARM, type EvidenceScore, NO_EVIDENCE, nextDay, scored } from '../court/score.ts'
import type { DrawParams } from '../sample/draw.ts'
import { samplesPerDay, timesOf } from '../sample/target.ts'
import type { Look } from './looks.ts'
import type { Random } from './random.ts'
import { kindName, type NodeKind, type SimSettings } from './settings.ts'
import type { Trial } from './survival.ts'
import type { Segment } from './tribunal.ts'
import { pick, type Stream, streamsOfDay } from './work.ts'

const DAY = 86_400

/** What became of all nodes of one kind. */
export interface KindResult {
  kind: NodeKind
  trials: Trial[]
  nodeDays: number
  samples: number
  bad: number
  checks: number
  replays: number
  /** Nodes whose evidence score reached the alarm. */
  alarms: number
}

interface Slot {
  kind: NodeKind
  result: KindResult
  transcoder: Hex
  startedSec: number
  /** Next moment at which something happens: a sample, or midnight. */
  nextSec: number
  nextIsMidnight: boolean
  streams: readonly Stream[]
  score: EvidenceScore
  alarmed: boolean
  retired: boolean
}

export interface NetworkDeps {
  random: Random
  draw: DrawParams
  look(segment: Segment, shielded: boolean): Look
  close(transcoder: Hex): void
  /** Told about each day that is over. */
  onDay(day: number): void
  setNow(sec: number): void
}

/** All nodes beside each other, sample by sample, in the order of time. */
export function simulateNetwork(settings: SimSettings, kinds: readonly NodeKind[], deps: NetworkDeps): KindResult[] {
  const { random, draw } = deps
  const endSec = settings.days * DAY
  const results = new Map<string, KindResult>()
  const resultOf = (kind: NodeKind): KindResult => {
    const known = results.get(kindName(kind))
    if (known) return known
    const fresh = { kind, trials: [], nodeDays: 0, samples: 0, bad: 0, checks: 0, replays: 0, alarms: 0 }
    results.set(kindName(kind), fresh)
    return fresh
  }

  function begin(slot: Slot, nowSec: number): void {
    slot.transcoder = random.hex(20)
    slot.startedSec = nowSec
    slot.streams = streamsOfDay(settings, slot.kind, random)
    slot.score = NO_EVIDENCE
    slot.alarmed = false
    plan(slot, nowSec)
  }

  /** Samples come at random times, so whatever changes their rate, the wait for the next one begins anew. */
  function plan(slot: Slot, nowSec: number): void {
    const perDay = samplesPerDay(draw, slot.score, idsOf(slot.streams))
    const midnight = (Math.floor(nowSec / DAY) + 1) * DAY
    const next = nowSec + random.wait(perDay / DAY)
    slot.nextIsMidnight = next >= midnight
    slot.nextSec = Math.min(next, midnight)
  }

  function sample(slot: Slot): void {
    const { result, kind, streams, nextSec: nowSec } = slot
    const times = streams.map(({ id }) => timesOf(draw, slot.score, id))
    const stream = streams[pick(times, random)]
    if (!stream) return
    const bad = random.next() < stream.badShare
    const receiptDigest: Hex = bad ? random.hex(32) : `0x${result.samples.toString(16).padStart(64, '0')}`
    const segment = { transcoder: slot.transcoder, receiptDigest, streamId: stream.id, completedAt: Math.floor(nowSec), bad }
    const look = deps.look(segment, kind.name === 'cheat')
    result.samples++
    result.checks += look.checks
    result.replays += look.replays
    if (bad) result.bad++
    if (look.found || slot.score.value > 0)
      slot.score = scored(slot.score, { bad: look.found, stream: stream.id, requester: stream.requester })
    if (slot.score.value >= ALARM && !slot.alarmed) {
      slot.alarmed = true
      result.alarms++
    }
    if (look.convictedAfterSec === undefined) plan(slot, nowSec)
    else convicted(slot, nowSec, look.convictedAfterSec)
  }

  function convicted(slot: Slot, nowSec: number, afterSec: number): void {
    const { result } = slot
    result.trials.push({ days: (nowSec + afterSec - slot.startedSec) / DAY, ended: true })
    result.nodeDays += (nowSec - slot.startedSec) / DAY
    deps.close(slot.transcoder)
    slot.retired = result.trials.filter(({ ended }) => ended).length >= settings.trials
    begin(slot, nowSec)
  }

  const slots = kinds.map((kind): Slot => {
    const slot: Slot = {
      ...{ kind, result: resultOf(kind), transcoder: '0x', startedSec: 0, nextSec: 0, nextIsMidnight: false },
      ...{ streams: [], score: NO_EVIDENCE, alarmed: false, retired: false },
    }
    begin(slot, 0)
    return slot
  })
  for (let day = 0; ; ) {
    let slot: Slot | undefined
    for (const other of slots) if (!other.retired && (!slot || other.nextSec < slot.nextSec)) slot = other
    if (!slot || slot.nextSec >= endSec) break
    deps.setNow(slot.nextSec)
    for (; day < Math.floor(slot.nextSec / DAY); day++) deps.onDay(day + 1)
    if (slot.nextIsMidnight) {
      slot.score = nextDay(slot.score)
      slot.streams = streamsOfDay(settings, slot.kind, random)
      plan(slot, slot.nextSec)
    } else sample(slot)
  }
  for (const slot of slots) {
    if (slot.retired) continue
    const days = (endSec - slot.startedSec) / DAY
    slot.result.trials.push({ days, ended: false })
    slot.result.nodeDays += days
  }
  return [...results.values()]
}

function idsOf(streams: readonly Stream[]): Hex[] {
  return streams.map(({ id }) => id)
}
