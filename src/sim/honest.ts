import { NO_EVIDENCE, nextDay, scored } from '../court/score.ts'
import type { DrawParams } from '../sample/draw.ts'
import { samplesPerDay, timesOf } from '../sample/target.ts'
import type { Random } from './random.ts'
import type { SimSettings } from './settings.ts'
import type { Tribunal } from './tribunal.ts'
import type { Fisherman } from './walk.ts'
import { pick, type Stream, streamsOfDay } from './work.ts'

const DAY = 86_400
const YEAR_DAYS = 365

export interface HonestResult {
  nodeYears: number
  convictions: number
  /** Streams whose content misled the judge. */
  burstyStreams: number
  /** Segments that honest verification failed, and that somebody showed to all. */
  badShown: number
}

export interface HonestDeps {
  random: Random
  draw: DrawParams
  members: readonly Fisherman[]
  /** A tribunal without memory, one for each year. */
  tribunal(): Tribunal
  onYear(year: number): void
}

/**
 * Many years of honest nodes, all of them with bursty content. Exact, and quick: nothing can happen to a node without evidence against
 * it, so time leaps to the next segment that honest verification fails. Framers look at everything that can be drawn and show exactly the
 * segments that fail, which is the most that they can do.
 */
export function simulateHonest(settings: SimSettings, deps: HonestDeps): HonestResult {
  const { random, draw, members } = deps
  const result: HonestResult = { nodeYears: 0, convictions: 0, burstyStreams: 0, badShown: 0 }
  const framer = members.find(({ kind }) => kind === 'framing')
  const finders = framer ? [framer] : members.filter(({ kind }) => kind === 'honest')

  function year(): void {
    const tribunal = deps.tribunal()
    let score = NO_EVIDENCE
    let transcoder = random.hex(20)

    /** One sample that fails; true when it convicts. */
    function show(stream: Stream, nowSec: number): boolean {
      const by = finders[random.below(finders.length)]
      if (!by) return false
      const segment = {
        ...{ transcoder, streamId: stream.id, receiptDigest: random.hex(32) },
        ...{ completedAt: Math.floor(nowSec), bad: true },
      }
      result.badShown++
      score = scored(score, { bad: true, stream: stream.id, requester: stream.requester })
      return tribunal.accuse(segment, by, true).convicted
    }

    /** Waits without memory: whatever changes a rate, the next one begins anew. */
    function day(startSec: number, streams: readonly Stream[]): void {
      const ids = streams.map(({ id }) => id)
      let nowSec = startSec
      for (;;) {
        const target = samplesPerDay(draw, score, ids) / DAY
        const weights = streams.map(({ id, badShare }) => badShare * (framer ? draw.mostTimes : timesOf(draw, score, id)))
        const badRate = ((draw.samplesPerDay / DAY) * weights.reduce((sum, weight) => sum + weight, 0)) / streams.length
        const [bad, good] = [random.wait(badRate), score.value > 0 ? random.wait(target) : Number.POSITIVE_INFINITY]
        nowSec += Math.min(bad, good)
        if (nowSec >= startSec + DAY) return
        const stream = streams[pick(bad < good ? weights : ids.map(() => 1), random)]
        if (!stream) return
        if (good <= bad) score = scored(score, { bad: false, stream: stream.id, requester: stream.requester })
        else if (show(stream, nowSec)) {
          result.convictions++
          tribunal.close(transcoder)
          transcoder = random.hex(20)
          score = NO_EVIDENCE
        }
      }
    }

    for (let number = 0; number < YEAR_DAYS; number++) {
      score = nextDay(score)
      const streams = streamsOfDay(settings, { name: 'bursty' }, random)
      result.burstyStreams += streams.filter(({ badShare }) => badShare === settings.burstyFails).length
      day(number * DAY, streams)
    }
  }

  for (let number = 0; number < settings.honestYears; number++) {
    year()
    result.nodeYears++
    deps.onYear(number + 1)
  }
  return result
}
